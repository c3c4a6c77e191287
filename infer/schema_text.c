#include "infer/schema_text.h"

#include <string.h>

static const char *const mode_names[] = { "NULLABLE", "REQUIRED", "REPEATED" };

static int line(struct buf *out, int depth, struct error *err)
{
	if (buf_reserve(out, 1 + 2 * (size_t)depth, err) < 0)
		return -1;
	buf_put_byte(out, '\n');
	for (int i = 0; i < 2 * depth; i++)
		buf_put_byte(out, ' ');
	return 0;
}

/* A text of UTF-8 (with halves of surrogate pairs, perhaps) in ASCII. */
static int string(struct buf *out, const char *text, size_t length, struct error *err)
{
	static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };

	if (buf_append(out, "\"", 1, err) < 0)
		return -1;
	for (size_t i = 0, n; i < length; i += n) {
		const char *letter = strchr(special, text[i]);
		uint32_t c;

		for (n = 1; n < 4 && i + n < length && ((unsigned char)text[i + n] & 0xc0) == 0x80;)
			n++;
		c = (unsigned char)text[i] & masks[n];
		for (size_t k = 1; k < n; k++)
			c = c << 6 | ((unsigned char)text[i + k] & 0x3f);
		if (buf_reserve(out, 13, err) < 0)
			return -1;
		if (letter && text[i]) {
			buf_put_byte(out, '\\');
			buf_put_byte(out, letters[letter - special]);
		} else if (c >= 0x20 && c < 0x7f) {
			buf_put_byte(out, (char)c);
		} else if (c < 0x10000) {
			if (buf_appendf(out, err, "\\u%04x", c) < 0)
				return -1;
		} else if (buf_appendf(out, err, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
				       0xdc00 + ((c - 0x10000) & 0x3ff)) < 0) {
			return -1;
		}
	}
	return buf_append(out, "\"", 1, err);
}

static int member(struct buf *out, int depth, const char *name, const char *value, bool more,
		  struct error *err)
{
	if (line(out, depth, err) < 0)
		return -1;
	return buf_appendf(out, err, "\"%s\": \"%s\"%s", name, value, more ? "," : "");
}

/* mode, name, type, and the end of the object. */
static int tail(struct buf *out, int depth, const char *mode, const char *name, size_t length,
		const char *type, struct error *err)
{
	if (member(out, depth, "mode", mode, true, err) < 0 || line(out, depth, err) < 0 ||
	    buf_append_str(out, "\"name\": ", err) < 0 || string(out, name, length, err) < 0 ||
	    buf_append_str(out, ",", err) < 0 || member(out, depth, "type", type, false, err) < 0 ||
	    line(out, depth - 1, err) < 0)
		return -1;
	return buf_append_str(out, "}", err);
}

static int fields(struct buf *out, const struct record *r, int depth, struct error *err);

/* BigQuery takes no RECORD without fields: generate-schema invents one. */
static int unknown_field(struct buf *out, int depth, struct error *err)
{
	if (buf_append_str(out, "[", err) < 0 || line(out, depth + 1, err) < 0 ||
	    buf_append_str(out, "{", err) < 0 ||
	    tail(out, depth + 2, "NULLABLE", "__unknown__", 11, "STRING", err) < 0 ||
	    line(out, depth, err) < 0)
		return -1;
	return buf_append_str(out, "]", err);
}

static int field(struct buf *out, const struct field *f, int depth, struct error *err)
{
	if (line(out, depth, err) < 0 || buf_append_str(out, "{", err) < 0)
		return -1;
	if (f->target.type == TYPE_RECORD) {
		if (line(out, depth + 1, err) < 0 || buf_append_str(out, "\"fields\": ", err) < 0 ||
		    (f->children->present_count || f->children->output_count
			     ? fields(out, f->children, depth + 1, err)
			     : unknown_field(out, depth + 1, err)) < 0 ||
		    buf_append_str(out, ",", err) < 0)
			return -1;
	}
	return tail(out, depth + 1, mode_names[f->target.mode], f->target.name,
		    f->target.name_length, schema_type_name(f->target.type), err);
}

static int fields(struct buf *out, const struct record *r, int depth, struct error *err)
{
	if (!r->output_count)
		return buf_append_str(out, "[]", err);
	if (buf_append_str(out, "[", err) < 0)
		return -1;
	for (size_t i = 0; i < r->output_count; i++)
		if ((i && buf_append_str(out, ",", err) < 0) ||
		    field(out, r->output[i], depth + 1, err) < 0)
			return -1;
	return line(out, depth, err) < 0 ? -1 : buf_append_str(out, "]", err);
}

int schema_text(struct buf *out, const struct record *r, struct error *err)
{
	return fields(out, r, 0, err);
}

/* --- the map of --debugging-map ------------------------------------------ */

static const char *map_type(const struct state *s)
{
	static const char *const quoted[] = { "QINTEGER", "QFLOAT", "QBOOLEAN" };

	return s->type > TYPE_RECORD ? quoted[s->type - KIND_QINTEGER]
				     : schema_type_name((enum schema_type)s->type);
}

static int map(struct buf *out, const struct record *r, int depth, struct error *err);

static int map_entry(struct buf *out, const struct field *f, int depth, struct error *err)
{
	static const char *const status[] = { "none", "soft", "hard", "ignore" };
	const struct state *s = &f->state;

	if (line(out, depth, err) < 0 || string(out, f->key, f->key_length, err) < 0)
		return -1;
	if (s->status == STATUS_NONE)
		return buf_append_str(out, ": null", err);
	if (buf_append_str(out, ": {", err) < 0 ||
	    member(out, depth + 1, "status", status[s->status], true, err) < 0 ||
	    line(out, depth + 1, err) < 0 ||
	    buf_appendf(out, err, "\"filled\": %s,", s->filled ? "true" : "false") < 0 ||
	    line(out, depth + 1, err) < 0 || buf_append_str(out, "\"info\": {", err) < 0)
		return -1;
	if (s->type == TYPE_RECORD &&
	    (line(out, depth + 2, err) < 0 || buf_append_str(out, "\"fields\": ", err) < 0 ||
	     map(out, f->children, depth + 2, err) < 0 || buf_append_str(out, ",", err) < 0))
		return -1;
	if (tail(out, depth + 2, mode_names[s->mode], s->spelling->name, s->spelling->name_length,
		 map_type(s), err) < 0 ||
	    line(out, depth, err) < 0)
		return -1;
	return buf_append_str(out, "}", err);
}

static int map(struct buf *out, const struct record *r, int depth, struct error *err)
{
	if (buf_append_str(out, "{", err) < 0)
		return -1;
	for (size_t i = 0; i < r->present_count; i++)
		if ((i && buf_append_str(out, ",", err) < 0) ||
		    map_entry(out, r->present[i], depth + 1, err) < 0)
			return -1;
	if (r->present_count && line(out, depth, err) < 0)
		return -1;
	return buf_append_str(out, "}", err);
}

int schema_text_map(struct buf *out, const struct record *r, struct error *err)
{
	return map(out, r, 0, err);
}
