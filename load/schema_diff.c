#include "load/schema_diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

/* Longer names are not waited for. */
enum { COLUMN_WIDTH_MAX = 40 };

static const struct schema_diff_line head = {
	.column = "column", .table = "table", .stream = "stream", .needed = "needed"
};

/* "NUMERIC(10,2) REQUIRED", or "-". */
static void describe(const struct schema_field *f, char *text, size_t size)
{
	char parameters[32] = "";

	if (!f) {
		snprintf(text, size, "-");
		return;
	}
	if (f->precision)
		snprintf(parameters, sizeof parameters, "(%d,%d)", f->precision, f->scale);
	else if (f->max_length)
		snprintf(parameters, sizeof parameters, "(%" PRId64 ")", f->max_length);
	snprintf(text, size, "%s%s%s", schema_type_name(f->type), parameters,
		 f->mode == MODE_REQUIRED   ? " REQUIRED"
		 : f->mode == MODE_REPEATED ? " REPEATED"
					    : "");
}

void schema_diff_add(struct schema_diff *d, const char *prefix, const struct schema_field *table,
		     const struct schema_field *stream, const char *needed)
{
	struct schema_diff_line *line;

	if (d->count++ >= SCHEMA_DIFF_LINES)
		return;
	line = &d->line[d->count - 1];
	snprintf(line->column, sizeof line->column, "%s%s", prefix, (table ? table : stream)->name);
	describe(table, line->table, sizeof line->table);
	describe(stream, line->stream, sizeof line->stream);
	line->needed = needed;
}

/* In characters: names may be of any language. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void widest(size_t *most, const char *text)
{
	size_t n = width(text);

	if (n > *most && n <= COLUMN_WIDTH_MAX)
		*most = n;
}

static int append_padded(struct buf *out, const char *text, size_t to, struct error *err)
{
	size_t n = width(text);

	return buf_appendf(out, err, "%s%*s", text, (int)(n < to ? to - n : 0) + 2, "");
}

static int append_line(struct buf *out, const struct schema_diff_line *line, const size_t to[3],
		       struct error *err)
{
	if (buf_append_str(out, "\n  ", err) < 0 ||
	    append_padded(out, line->column, to[0], err) < 0 ||
	    append_padded(out, line->table, to[1], err) < 0 ||
	    append_padded(out, line->stream, to[2], err) < 0)
		return -1;
	return buf_append_str(out, line->needed, err);
}

int schema_diff_error(const struct schema_diff *d, struct error *err)
{
	size_t kept = d->count < SCHEMA_DIFF_LINES ? d->count : SCHEMA_DIFF_LINES;
	size_t to[3] = { width(head.column), width(head.table), width(head.stream) };
	auto_buf text = BUF_INIT;

	for (size_t i = 0; i < kept; i++) {
		widest(&to[0], d->line[i].column);
		widest(&to[1], d->line[i].table);
		widest(&to[2], d->line[i].stream);
	}
	if (append_line(&text, &head, to, err) < 0)
		return -1;
	for (size_t i = 0; i < kept; i++)
		if (append_line(&text, &d->line[i], to, err) < 0)
			return -1;
	error_set(err, ERR_DATA, "the stream does not fit the table:%.*s", (int)text.length,
		  text.data);
	if (d->count > kept)
		error_append(err, "\n  and %zu more", d->count - kept);
	return -1;
}
