#include "load/merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/google/bigquery.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "load/merge_missing.h"
#include "load/report.h"

/* As long as an upload session lives at most. */
enum { TEMPORARY_LIFE_S = 7 * 24 * 3600 };

/* --- what is merged by what ------------------------------------------------------------------ */

void merge_release(struct merge *m)
{
	free(m->key);
	schema_free(m->schema);
	schema_free(m->staged);
	json_decref(m->load);
	json_decref(m->labels);
	*m = (struct merge){ 0 };
}

/* The names of @begin's key, as one allocation like parse_list's. */
static int begin_key(const json_t *names, char ***ret, size_t *count, struct error *err)
{
	size_t n = json_array_size(names), bytes = (n + 1) * sizeof(char *), i;
	const json_t *name;
	char **key, *text;

	json_array_foreach((json_t *)names, i, name) {
		if (!json_is_string(name))
			return error_set(err, ERR_DATA, "@begin: key is not an array of names");
		bytes += json_string_length(name) + 1;
	}
	key = malloc(bytes);
	if (!key)
		return error_nomem(err);
	text = (char *)(key + n + 1);
	json_array_foreach((json_t *)names, i, name) {
		key[i] = memcpy(text, json_string_value(name), json_string_length(name) + 1);
		text += json_string_length(name) + 1;
	}
	key[n] = NULL;
	*ret = key;
	*count = n;
	return 0;
}

static int choose_key(struct merge *m, const char *option, const json_t *begin, struct error *err)
{
	const json_t *names = json_object_get(begin, "key");
	int rc = option ? parse_list(option, &m->key, &m->key_count, err)
			: begin_key(names, &m->key, &m->key_count, err);

	if (rc < 0)
		return option ? error_prefix(err, "--key") : -1;
	if (m->key_count == 0)
		return error_set(err, ERR_USAGE,
				 "--write merge: the stream names no key; give --key A,B");
	for (size_t i = 0; i < m->key_count; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcasecmp(m->key[i], m->key[j]))
				return error_set(err, ERR_USAGE,
						 "column %s stands twice in the key", m->key[i]);
	return 0;
}

int merge_init(struct merge *m, const struct config *config, const struct destination *d,
	       const json_t *begin, struct error *err)
{
	*m = (struct merge){ .destination = d,
			     .cursor = config->cursor,
			     .immutable = config->immutable };
	if (!m->cursor)
		m->cursor = json_string_value(
			json_object_get(json_object_get(begin, "cursor"), "column"));
	if (d->decorator)
		return error_set(err, ERR_USAGE, "--write merge: into a table, not into $%s of it",
				 d->decorator);
	if (merge_missing_init(m, config, begin, err) < 0)
		return -1;
	/* No row is newer than another where none is written. */
	if (m->keys_only)
		m->cursor = m->immutable = NULL;
	return choose_key(m, config->key, begin, err);
}

/* --- the temporary table --------------------------------------------------------------------- */

static struct bigquery_table temporary(const struct merge *m)
{
	return (struct bigquery_table){ m->destination->project, m->destination->dataset,
					m->stage.id };
}

static int64_t number(const json_t *resource, const char *name)
{
	const char *digits = json_string_value(json_object_get(resource, name));
	int64_t n;
	struct error ignored;

	return digits && parse_int64(digits, 0, INT64_MAX, &n, &ignored) == 0 ? n : -1;
}

static int parse_table_schema(const json_t *table, struct schema **ret, struct error *err)
{
	return schema_parse(json_object_get(json_object_get(table, "schema"), "fields"), ret, err);
}

/* Does the table hold the job's rows, none of whose keys can be NULL? Its schema is then m->staged. */
static bool is_usable(struct merge *m, const json_t *table, const json_t *job)
{
	struct schema *schema;
	struct error ignored;

	if (number(table, "numRows") != report_rows(job) || !merge_missing_is_told(m, job) ||
	    parse_table_schema(table, &schema, &ignored) < 0)
		return false;
	for (size_t i = 0; i < m->key_count; i++) {
		const struct schema_field *f = schema_find(schema, m->key[i], strlen(m->key[i]));

		if (!f || f->mode != MODE_REQUIRED) {
			schema_free(schema);
			return false;
		}
	}
	schema_free(m->staged);
	m->staged = schema;
	return true;
}

/* 1 / 0: it is gone, or holds something else. */
static int is_staged(struct merge *m, const json_t *job, struct error *err)
{
	const struct bigquery_table ref = temporary(m);
	json_t *table;
	int rc = bigquery_table_get(m->stage.api, &ref, &table, err);

	if (rc <= 0)
		return rc;
	rc = is_usable(m, table, job);
	json_decref(table);
	return rc;
}

/* What attempts before ours may have left: they have failed, or were passed over. */
static void drop_earlier(struct merge *m)
{
	unsigned ours = m->stage.attempt;

	for (unsigned attempt = 1; attempt < ours; attempt++) {
		loadjob_set_attempt(&m->stage, attempt);
		m->created = true;
		merge_drop(m);
	}
	loadjob_set_attempt(&m->stage, ours);
}

int merge_find_staged(struct merge *m, json_t **ret, struct error *err)
{
	for (;;) {
		json_t *job = NULL;
		int rc = loadjob_find(&m->stage, &job, err);

		if (rc == 0)
			drop_earlier(m);
		if (rc <= 0)
			return rc;
		rc = is_staged(m, job, err);
		if (rc > 0) {
			m->created = true;
			*ret = job;
			return 1;
		}
		json_decref(job);
		if (rc < 0)
			return -1;
		log_info("temporary table %s is gone: its rows are loaded again", m->stage.id);
		loadjob_pass(&m->stage);
	}
}

int merge_check_staged(struct merge *m, const json_t *job, struct error *err)
{
	int rc = is_staged(m, job, err);

	if (rc == 0)
		return error_set(
			err, ERR_TEMP,
			"temporary table %s does not hold the rows that were loaded into it",
			m->stage.id);
	return rc < 0 ? -1 : 0;
}

static int insert_temporary(struct merge *m, json_t *resource, struct error *err)
{
	const struct bigquery_table ref = temporary(m);
	json_t *old = NULL;
	int rc = bigquery_table_insert(m->stage.api, &ref, resource, NULL, err);

	if (rc != 0)
		return rc;
	/* Left by a process that died before its job; what it holds is nobody's, if it is nothing. */
	rc = bigquery_table_get(m->stage.api, &ref, &old, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && number(old, "numRows") != 0)
		rc = error_set(err, ERR_TEMP, "temporary table %s is being loaded by another run",
			       ref.table);
	json_decref(old);
	if (rc < 0 || bigquery_table_delete(m->stage.api, &ref, err) < 0)
		return -1;
	rc = bigquery_table_insert(m->stage.api, &ref, resource, NULL, err);
	if (rc == 0)
		return error_set(err, ERR_TEMP,
				 "temporary table %s has just been made by another run", ref.table);
	return rc;
}

int merge_create_temporary(void *context, struct error *err)
{
	struct merge *m = context;
	json_t *resource =
		json_pack("{s:o,s:O,s:s}", "expirationTime",
			  json_sprintf("%" PRId64 "000", (int64_t)time(NULL) + TEMPORARY_LIFE_S),
			  "schema", json_object_get(m->load, "schema"), "description",
			  "Rows on their way into another table; made and dropped by bqload");
	int rc = resource ? insert_temporary(m, resource, err) : error_nomem(err);

	json_decref(resource);
	if (rc < 0)
		return -1;
	m->created = true;
	return 0;
}

bool merge_is_gone(const struct merge *m)
{
	const struct bigquery_table ref = temporary(m);
	struct error ignored;
	json_t *table = NULL;
	int rc = m->created ? bigquery_table_get(m->stage.api, &ref, &table, &ignored) : -1;

	json_decref(table);
	return rc == 0;
}

void merge_drop(struct merge *m)
{
	const struct bigquery_table ref = temporary(m);
	struct error err;

	if (!m->created)
		return;
	m->created = false;
	if (bigquery_table_delete(m->stage.api, &ref, &err) < 0)
		log_warn("%s; the temporary table expires by itself", err.message);
}

void merge_drop_of(struct merge *m, const json_t *done)
{
	const char *digits = loadjob_label(done, MERGE_STAGE_LABEL);
	struct error ignored;
	int64_t attempt;

	/* Under one run id the rows may have been loaded by --write append. */
	if (!digits || parse_int64(digits, 1, UINT32_MAX, &attempt, &ignored) < 0)
		return;
	loadjob_set_attempt(&m->stage, (unsigned)attempt);
	m->created = true;
	merge_drop(m);
}

/* --- the rows' schema ------------------------------------------------------------------------ */

/* What says how a column of the destination is guarded or filled in has no place in the copy. */
static void strip(json_t *fields)
{
	static const char *const members[] = { "policyTags", "dataPolicies",
					       "defaultValueExpression" };
	json_t *field;
	size_t i;

	json_array_foreach(fields, i, field) {
		for (size_t k = 0; k < sizeof members / sizeof *members; k++)
			json_object_del(field, members[k]);
		strip(json_object_get(field, "fields"));
	}
}

static bool is_key(const struct merge *m, const char *name)
{
	for (size_t i = 0; i < m->key_count; i++)
		if (!strcasecmp(m->key[i], name))
			return true;
	return false;
}

/*
 * The stream's columns with the types of the destination's, so that the load
 * job converts what it converts for --write append. The key is REQUIRED: a
 * NULL in it is found in its row.
 */
static int make_schema(struct merge *m, const struct schema *fitted, const struct schema *stream,
		       struct error *err)
{
	json_t *fields = json_array(), *field;
	int rc = -1;

	for (size_t i = 0; i < fitted->count; i++) {
		const struct schema_field *f = &fitted->field[i], *s = f;
		bool required;

		if (stream)
			s = schema_find(stream, f->name, f->name_length);
		if (!s || (!stream && m->mark && !strcasecmp(m->mark, f->name)))
			continue;
		field = json_deep_copy(json_array_get(fitted->json, i));
		required = s->mode == MODE_REQUIRED || is_key(m, f->name);
		if (json_array_append_new(fields, field) < 0 ||
		    (s->mode != MODE_REPEATED &&
		     json_object_set_new(field, "mode",
					 json_string(required ? "REQUIRED" : "NULLABLE")) < 0)) {
			error_nomem(err);
			goto out;
		}
	}
	strip(fields);
	rc = schema_parse(fields, &m->schema, err);
out:
	json_decref(fields);
	return rc;
}

static bool has_order(const struct schema_field *f)
{
	switch (f->type) {
	case TYPE_INTERVAL:
	case TYPE_GEOGRAPHY:
	case TYPE_JSON:
	case TYPE_RANGE:
	case TYPE_RECORD:
		return false;
	default:
		return f->mode != MODE_REPEATED;
	}
}

static const char *kind(const struct schema_field *f)
{
	return f->mode == MODE_REPEATED ? "REPEATED" : schema_type_name(f->type);
}

static const struct schema_field *column(const struct merge *m, const char *what, const char *name,
					 struct error *err)
{
	const struct schema *schema = m->staged ? m->staged : m->schema;
	const struct schema_field *f = schema_find(schema, name, strlen(name));

	if (!f)
		error_set(err, ERR_DATA, "%s column %s is not in the stream", what, name);
	return f;
}

static int check_columns(const struct merge *m, struct error *err)
{
	const struct schema_field *f;

	for (size_t i = 0; i < m->key_count; i++) {
		f = column(m, "key", m->key[i], err);
		if (!f)
			return -1;
		/* FLOAT: NaN is not equal to NaN, and what sources print need not be what they compare. */
		if (!has_order(f) || f->type == TYPE_FLOAT)
			return error_set(err, ERR_DATA,
					 "key column %s is %s: rows cannot be merged by it",
					 f->name, kind(f));
	}
	if (m->immutable && !column(m, "--immutable", m->immutable, err))
		return -1;
	if (m->mark && schema_find(m->staged ? m->staged : m->schema, m->mark, strlen(m->mark)))
		return error_set(err, ERR_DATA,
				 "column %s, which marks deleted rows, is in the stream", m->mark);
	if (!m->cursor)
		return 0;
	f = column(m, "cursor", m->cursor, err);
	if (!f)
		return -1;
	return has_order(f) ? 0
			    : error_set(err, ERR_DATA, "cursor column %s is %s: it has no order",
					f->name, kind(f));
}

static int make_load(struct merge *m, int64_t max_bad_records, struct error *err)
{
	const struct bigquery_table ref = temporary(m);

	/* EMPTY: whatever else may have written into it is not of this job. */
	m->load = json_pack("{s:{s:s,s:s,s:s},s:s,s:s,s:s,s:{s:O}}", "destinationTable",
			    "projectId", ref.project, "datasetId", ref.dataset, "tableId",
			    ref.table, "sourceFormat", "NEWLINE_DELIMITED_JSON",
			    "createDisposition", "CREATE_IF_NEEDED", "writeDisposition",
			    "WRITE_EMPTY", "schema", "fields", m->schema->json);
	if (!m->load)
		return error_nomem(err);
	if (max_bad_records &&
	    json_object_set_new(m->load, "maxBadRecords", json_integer(max_bad_records)) < 0)
		return error_nomem(err);
	return 0;
}

int merge_plan(struct merge *m, const struct plan *plan, const struct schema *stream,
	       int64_t max_bad_records, struct error *err)
{
	if (!m->staged && make_schema(m, plan->schema, stream, err) < 0)
		return -1;
	if (check_columns(m, err) < 0)
		return error_prefix(err, "--write merge");
	m->labels = merge_missing_labels(m, plan->labels);
	if (!m->labels)
		return error_nomem(err);
	return m->staged ? 0 : make_load(m, max_bad_records, err);
}
