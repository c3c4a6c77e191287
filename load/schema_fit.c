#include "load/schema_fit.h"

#include <stdio.h>

#include "lib/buf.h"

/* More lines than this help nobody, and must fit a message. */
enum { DIFF_LINES_MAX = 20 };

struct fitting {
	const struct schema_rules *rules;
	struct schema_fit fit;
	struct buf diff;
	unsigned lines;
	struct error *err;
};

static const char *mode_suffix(enum schema_mode mode)
{
	return mode == MODE_REQUIRED ? " REQUIRED" : mode == MODE_REPEATED ? " REPEATED" : "";
}

/* "NUMERIC(10,2) REQUIRED", or "has none". */
static int append_type(struct fitting *f, const struct schema_field *field)
{
	if (!field)
		return buf_append_str(&f->diff, "has none", f->err);
	if (buf_append_str(&f->diff, schema_type_name(field->type), f->err) < 0 ||
	    (field->precision &&
	     buf_appendf(&f->diff, f->err, "(%d,%d)", field->precision, field->scale) < 0))
		return -1;
	return buf_append_str(&f->diff, mode_suffix(field->mode), f->err);
}

/* One line of the diff; either side may be NULL. */
static int differ(struct fitting *f, const char *prefix, const struct schema_field *stream,
		  const struct schema_field *table, const char *why)
{
	const struct schema_field *named = table ? table : stream;

	if (++f->lines > DIFF_LINES_MAX)
		return 0;
	if (buf_appendf(&f->diff, f->err, "\n  %s%s: table ", prefix, named->name) < 0 ||
	    append_type(f, table) < 0 || buf_append_str(&f->diff, ", stream ", f->err) < 0 ||
	    append_type(f, stream) < 0)
		return -1;
	return buf_appendf(&f->diff, f->err, " (%s)", why);
}

static bool is_decimal(enum schema_type type)
{
	return type == TYPE_NUMERIC || type == TYPE_BIGNUMERIC;
}

/* BigQuery rounds digits that a column has no room for, and says nothing; too many before the point it refuses. */
static bool rounds(const struct schema_field *stream, const struct schema_field *table)
{
	return is_decimal(stream->type) && is_decimal(table->type) && stream->scale > table->scale;
}

static bool type_fits(enum schema_type stream, enum schema_type table, bool allow_lossy)
{
	if (stream == table)
		return true;
	switch (table) {
	case TYPE_TIMESTAMP:
		return stream == TYPE_DATETIME;
	case TYPE_NUMERIC:
		return stream == TYPE_INTEGER;
	case TYPE_BIGNUMERIC:
		return stream == TYPE_INTEGER || stream == TYPE_NUMERIC;
	case TYPE_FLOAT:
		return stream == TYPE_INTEGER ||
		       (allow_lossy && (stream == TYPE_NUMERIC || stream == TYPE_BIGNUMERIC));
	default:
		return false;
	}
}

static json_t *fit_fields(struct fitting *f, const char *prefix, const struct schema *stream,
			  const struct schema *table);

/* REQUIRED in the table, but the stream may have it null or not at all. */
static int relax(struct fitting *f, const char *prefix, const struct schema_field *stream,
		 const struct schema_field *table, json_t *json)
{
	if (f->rules->keys_only)
		return 0;
	if (!f->rules->relax)
		return differ(f, prefix, stream, table, "REQUIRED; --evolve relax is off");
	f->fit.relaxes = true;
	return json_object_set_new(json, "mode", json_string("NULLABLE")) < 0 ? error_nomem(f->err)
									      : 0;
}

/* A column of the table, and the stream's of that name (or NULL). json is its field for the job. */
static int fit_existing(struct fitting *f, const char *prefix, const struct schema_field *stream,
			const struct schema_field *table, json_t *json)
{
	char inner[512];

	if (!stream)
		return table->mode == MODE_REQUIRED ? relax(f, prefix, stream, table, json) : 0;
	if ((stream->mode == MODE_REPEATED) != (table->mode == MODE_REPEATED))
		return differ(f, prefix, stream, table, "BigQuery cannot change this mode");
	if (!type_fits(stream->type, table->type, f->rules->allow_lossy))
		return differ(f, prefix, stream, table, "types differ");
	if (rounds(stream, table) && !f->rules->allow_lossy)
		return differ(f, prefix, stream, table, "digits behind the point would be rounded");
	if (table->fields) {
		snprintf(inner, sizeof inner, "%s%s.", prefix, table->name);
		json_t *fields = fit_fields(f, inner, stream->fields, table->fields);

		if (!fields)
			return -1;
		json_object_set_new(json, "fields", fields);
	}
	if (stream->mode == MODE_NULLABLE && table->mode == MODE_REQUIRED)
		return relax(f, prefix, stream, table, json);
	return 0;
}

static int fit_new(struct fitting *f, const char *prefix, const struct schema_field *stream,
		   json_t *json)
{
	if (f->rules->keys_only)
		return differ(f, prefix, stream, NULL, "--keys-only adds none");
	if (!f->rules->add)
		return differ(f, prefix, stream, NULL, "new; --evolve add is off");
	f->fit.adds = true;
	/* The rows that are there have no value for it. */
	if (stream->mode == MODE_REQUIRED &&
	    json_object_set_new(json, "mode", json_string("NULLABLE")) < 0)
		return error_nomem(f->err);
	return 0;
}

/* New array for the job; NULL on failure. */
static json_t *fit_fields(struct fitting *f, const char *prefix, const struct schema *stream,
			  const struct schema *table)
{
	json_t *fields = json_deep_copy(table->json), *added;

	if (!fields) {
		error_nomem(f->err);
		return NULL;
	}
	for (size_t i = 0; i < table->count; i++) {
		const struct schema_field *t = &table->field[i];

		if (fit_existing(f, prefix, schema_find(stream, t->name, t->name_length), t,
				 json_array_get(fields, i)) < 0)
			goto fail;
	}
	for (size_t i = 0; i < stream->count; i++) {
		const struct schema_field *s = &stream->field[i];

		if (schema_find(table, s->name, s->name_length))
			continue;
		added = json_deep_copy(json_array_get(stream->json, i));
		if (!added || json_array_append_new(fields, added) < 0) {
			error_nomem(f->err);
			goto fail;
		}
		if (fit_new(f, prefix, s, added) < 0)
			goto fail;
	}
	return fields;
fail:
	json_decref(fields);
	return NULL;
}

int schema_fit(const struct schema *stream, const struct schema *table,
	       const struct schema_rules *rules, struct schema_fit *ret, struct error *err)
{
	struct fitting f = { .rules = rules, .err = err };
	int rc = -1;

	f.fit.fields = fit_fields(&f, "", stream, table);
	if (!f.fit.fields)
		goto out;
	if (f.lines > 0) {
		error_set(err, ERR_DATA, "the stream does not fit the table:%.*s%s",
			  (int)f.diff.length, f.diff.data,
			  f.lines > DIFF_LINES_MAX ? "\n  ..." : "");
		json_decref(f.fit.fields);
		goto out;
	}
	*ret = f.fit;
	rc = 0;
out:
	buf_release(&f.diff);
	return rc;
}
