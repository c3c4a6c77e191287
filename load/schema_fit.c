#include "load/schema_fit.h"

#include <stdio.h>

#include "load/schema_diff.h"
#include "load/schema_widen.h"

struct fitting {
	const struct schema_rules *rules;
	struct schema_fit fit;
	struct schema_diff diff;
	unsigned depth; /* of records around the column */
	struct error *err;
};

static int differ(struct fitting *f, const char *prefix, const struct schema_field *stream,
		  const struct schema_field *table, const char *needed)
{
	schema_diff_add(&f->diff, prefix, table, stream, needed);
	return 0;
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
		return differ(f, prefix, stream, table, "--evolve relax");
	f->fit.relaxes = true;
	return json_object_set_new(json, "mode", json_string("NULLABLE")) < 0 ? error_nomem(f->err)
									      : 0;
}

static const char *needed(const struct schema_rules *rules, const struct schema_field *stream,
			  const struct schema_field *table, bool widens)
{
	if (widens && rules->keys_only)
		return "a run without --keys-only";
	if (widens)
		return "--evolve widen";
	if (type_fits(stream->type, table->type, true))
		return "--allow-lossy (digits would be rounded)";
	return "another type at the source, or another table";
}

/* Give the column the wider type, in json and by a statement to come. */
static int widen(struct fitting *f, const struct schema_field *table,
		 const struct schema_field *wider, json_t *json)
{
	if (schema_widen_json(wider, json, f->err) < 0)
		return -1;
	if (!f->fit.widens)
		f->fit.widens = json_object();
	return json_object_set_new(f->fit.widens, table->name, schema_widen_sql(wider)) < 0
		       ? error_nomem(f->err)
		       : 0;
}

static int fit_type(struct fitting *f, const char *prefix, const struct schema_field *stream,
		    const struct schema_field *table, json_t *json)
{
	struct schema_field wider;
	/* BigQuery widens no column inside of a record by itself. */
	bool widens = f->depth == 0 && schema_widen(stream, table, &wider);

	if (widens && f->rules->widen && !f->rules->keys_only)
		return widen(f, table, &wider, json);
	if (type_fits(stream->type, table->type, f->rules->allow_lossy) &&
	    (f->rules->allow_lossy || !rounds(stream, table)))
		return 0;
	return differ(f, prefix, stream, table, needed(f->rules, stream, table, widens));
}

/* A column of the table, and the stream's of that name (or NULL). json is its field for the job. */
static int fit_existing(struct fitting *f, const char *prefix, const struct schema_field *stream,
			const struct schema_field *table, json_t *json)
{
	char inner[512];

	if (!stream)
		return table->mode == MODE_REQUIRED ? relax(f, prefix, stream, table, json) : 0;
	if ((stream->mode == MODE_REPEATED) != (table->mode == MODE_REPEATED))
		return differ(f, prefix, stream, table,
			      "another table: BigQuery cannot change this mode");
	if (fit_type(f, prefix, stream, table, json) < 0)
		return -1;
	if (table->fields && stream->fields) {
		snprintf(inner, sizeof inner, "%s%s.", prefix, table->name);
		f->depth++;
		json_t *fields = fit_fields(f, inner, stream->fields, table->fields);

		f->depth--;
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
		return differ(f, prefix, stream, NULL, "a run without --keys-only");
	if (!f->rules->add)
		return differ(f, prefix, stream, NULL, "--evolve add");
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

	f.fit.fields = fit_fields(&f, "", stream, table);
	if (!f.fit.fields)
		goto out;
	if (f.diff.count > 0) {
		schema_diff_error(&f.diff, err);
		json_decref(f.fit.fields);
		goto out;
	}
	*ret = f.fit;
	return 0;
out:
	json_decref(f.fit.widens);
	return -1;
}
