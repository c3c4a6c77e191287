#include "notify/settings.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/google/storage.h"
#include "lib/log.h"
#include "notify/files.h"

int settings_reader_init(struct settings_reader *r, struct api *storage, struct error *err)
{
	*r = (struct settings_reader){ .storage = storage, .levels = json_object() };
	return r->levels ? 0 : error_nomem(err);
}

void settings_reader_release(struct settings_reader *r)
{
	json_decref(r->levels);
}

void settings_release(struct settings *s)
{
	json_decref(s->load);
	json_decref(s->external);
	json_decref(s->sql);
	*s = (struct settings){ .load = NULL };
}

/* --- one file ------------------------------------------------------------------------------- */

static int read_text(struct settings_reader *r, const char *bucket, const char *name,
		     struct buf *out, struct error *err)
{
	int rc = storage_object_read(r->storage, bucket, name, out, err);

	/* Between the listing and now: whoever changes the configuration is not done. */
	if (rc == 0)
		return error_set(err, ERR_TEMP, "gs://%s/%s has just gone", bucket, name);
	return rc < 0 ? -1 : 0;
}

/* A JSON file of that type. New reference. */
static int read_json(struct settings_reader *r, const char *bucket, const char *name,
		     json_type type, json_t **ret, struct error *err)
{
	auto_buf text = BUF_INIT_MAX(SETTINGS_FILE_MAX);
	json_error_t why;
	json_t *value;

	if (read_text(r, bucket, name, &text, err) < 0)
		return -1;
	value = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &why);
	if (!value)
		return error_set(err, ERR_DATA, "gs://%s/%s: line %d, column %d: %s", bucket, name,
				 why.line, why.column, why.text);
	if (json_typeof(value) != type) {
		json_decref(value);
		return error_set(err, ERR_DATA, "gs://%s/%s is no JSON %s", bucket, name,
				 type == JSON_ARRAY ? "array" : "object");
	}
	*ret = value;
	return 0;
}

/* What bqload would refuse, and with it all batches of the run. */
static int check_members(const char *file, const json_t *value, struct error *err)
{
	/* Of load jobs; external tables have others, too. */
	static const char *const formats[] = { "CSV", "NEWLINE_DELIMITED_JSON", "AVRO", "PARQUET",
					       "ORC", "DATASTORE_BACKUP" };
	const json_t *format = json_object_get(value, "sourceFormat");
	const char *word = json_string_value(format);

	if (json_object_get(value, "sourceUris"))
		return error_set(err, ERR_DATA, "it has sourceUris; those are the directory's");
	if (!format || strcmp(file, "load.json") != 0)
		return 0;
	for (size_t i = 0; word && i < sizeof formats / sizeof *formats; i++)
		if (!strcmp(word, formats[i]))
			return 0;
	return error_set(err, ERR_DATA, "sourceFormat '%s' is not a format of load jobs",
			 word ? word : "");
}

/* --- one level ------------------------------------------------------------------------------ */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && !strcmp(text + n - m, end);
}

/* What is known of a level: an object of load, schema, external, sql and ordered, each where it is there. */
static int read_file(struct settings_reader *r, const char *bucket, const char *name,
		     const char *base, json_t *level, struct error *err)
{
	static const struct {
		const char *file, *member;
		json_type type;
	} known[] = { { "load.json", "load", JSON_OBJECT },
		      { "schema.json", "schema", JSON_ARRAY },
		      { "external.json", "external", JSON_OBJECT } };
	auto_buf text = BUF_INIT_MAX(SETTINGS_FILE_MAX);
	json_t *value = NULL, *sql;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(base, known[i].file) != 0)
			continue;
		if (read_json(r, bucket, name, known[i].type, &value, err) < 0)
			return -1;
		if (check_members(base, value, err) < 0) {
			json_decref(value);
			return error_prefix(err, "gs://%s/%s", bucket, name);
		}
		return json_object_set_new(level, known[i].member, value) < 0 ? error_nomem(err)
									      : 0;
	}
	if (!strcmp(base, "ORDERME"))
		return json_object_set_new(level, "ordered", json_true()) < 0 ? error_nomem(err)
									      : 0;
	if (!ends_with(base, ".sql"))
		return 0;
	if (read_text(r, bucket, name, &text, err) < 0)
		return -1;
	value = json_stringn(text.data ? text.data : "", text.length);
	if (!value)
		return error_set(err, ERR_DATA, "gs://%s/%s is not UTF-8", bucket, name);
	sql = json_object_get(level, "sql");
	if (!sql && json_object_set_new(level, "sql", sql = json_array()) < 0)
		sql = NULL;
	return sql && json_array_append_new(sql, value) == 0 ? 0 : error_nomem(err);
}

/* More than a page of files is no configuration. */
static int read_level(struct settings_reader *r, const char *bucket, const char *prefix,
		      json_t *level, struct error *err)
{
	const struct storage_list list = { .prefix = prefix,
					   .delimiter = "/",
					   .fields = "items(name),nextPageToken" };
	json_t *page = NULL, *item;
	int rc = storage_objects_list(r->storage, bucket, &list, &page, err);
	size_t i;

	if (rc == 0)
		rc = error_set(err, ERR_REMOTE, "there is no bucket %s", bucket);
	else if (rc > 0)
		rc = json_object_get(page, "nextPageToken")
			     ? error_set(err, ERR_DATA, "gs://%s/%s: too many files", bucket,
					 prefix)
			     : 0;
	json_array_foreach(json_object_get(page, "items"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));

		if (rc == 0 && name && strlen(name) > strlen(prefix))
			rc = read_file(r, bucket, name, name + strlen(prefix), level, err);
	}
	json_decref(page);
	return rc;
}

/* The level that the first `length` bytes of directory name, from memory or the bucket. Borrowed. */
static int get_level(struct settings_reader *r, const char *bucket, const char *directory,
		     size_t length, const json_t **ret, struct error *err)
{
	auto_buf key = BUF_INIT;
	const char *text;
	json_t *level;
	int rc;

	if (buf_appendf(&key, err, "%s/%.*s" FILES_CONFIG_DIRECTORY, bucket, (int)length,
			directory) < 0 ||
	    !(text = buf_cstr(&key, err)))
		return -1;
	*ret = json_object_get(r->levels, text);
	if (*ret)
		return 0;
	level = json_object();
	rc = level ? read_level(r, bucket, text + strlen(bucket) + 1, level, err)
		   : error_nomem(err);
	if (rc == 0 && json_object_set(r->levels, text, level) < 0)
		rc = error_nomem(err);
	json_decref(level);
	*ret = level;
	return rc;
}

/* --- all levels ----------------------------------------------------------------------------- */

/* The closest schema.json for each; NULL where what is closer has a schema inside. Borrowed. */
struct schemas {
	json_t *load, *external;
};

/* Its members over those of `into`. A copy: what is nested would be shared, and changed by the next level. */
static int merge(json_t *into, const json_t *level)
{
	json_t *copy = json_deep_copy(level);
	int rc = copy ? json_object_update_recursive(into, copy) : -1;

	json_decref(copy);
	return rc;
}

/* What the closer level says, over what is there. */
static int apply(struct settings *s, struct schemas *schemas, const json_t *level,
		 struct error *err)
{
	json_t *load = json_object_get(level, "load");
	json_t *external = json_object_get(level, "external");
	json_t *closer = json_object_get(level, "schema"), *sql = json_object_get(level, "sql");
	int failed = 0;

	if (load)
		failed |= merge(s->load, load);
	if (external && !s->external)
		failed |= !(s->external = json_deep_copy(external));
	else if (external)
		failed |= merge(s->external, external);
	if (json_object_get(load, "schema"))
		schemas->load = NULL;
	if (json_object_get(external, "schema"))
		schemas->external = NULL;
	if (closer)
		*schemas = (struct schemas){ closer, closer };
	if (sql) {
		json_decref(s->sql);
		s->sql = json_incref(sql);
	}
	s->ordered = s->ordered || json_object_get(level, "ordered");
	return failed ? error_nomem(err) : 0;
}

static int set_schema(json_t *configuration, json_t *fields, struct error *err)
{
	json_t *schema = json_pack("{s:O}", "fields", fields);

	return json_object_set_new(configuration, "schema", schema) < 0 ? error_nomem(err) : 0;
}

/* The formats that do not say their schema themselves; of an external table of others BigQuery takes none. */
static bool takes_schema(const json_t *external)
{
	const char *format = json_string_value(json_object_get(external, "sourceFormat"));

	return format && (!strcmp(format, "CSV") || !strcmp(format, "NEWLINE_DELIMITED_JSON"));
}

/* It is the statements that make a batch one of an external table. */
static int finish(struct settings *s, const struct schemas *schemas, const char *bucket,
		  const char *directory, struct error *err)
{
	bool sql = json_array_size(s->sql) > 0;

	if (!sql && s->external) {
		log_info(
			"gs://%s/%s: its configuration has external.json and no *.sql, so it is loaded",
			bucket, directory);
		json_decref(s->external);
		s->external = NULL;
	}
	if (sql && !s->external && !(s->external = json_pack("{s:s}", "sourceFormat", "PARQUET")))
		return error_nomem(err);
	if (schemas->load && set_schema(s->load, schemas->load, err) < 0)
		return -1;
	if (schemas->external && takes_schema(s->external))
		return set_schema(s->external, schemas->external, err);
	return 0;
}

int settings_read(struct settings_reader *r, const char *bucket, const char *directory,
		  struct settings *ret, struct error *err)
{
	struct settings s = { .load = json_object(), .sql = json_array() };
	struct schemas schemas = { NULL, NULL };
	size_t length = 0;
	int rc = s.load && s.sql ? 0 : error_nomem(err);

	while (rc == 0) {
		const json_t *level;

		rc = get_level(r, bucket, directory, length, &level, err);
		if (rc == 0)
			rc = apply(&s, &schemas, level, err);
		if (!directory[length])
			break;
		length += strcspn(directory + length, "/") + 1;
	}
	if (rc == 0)
		rc = finish(&s, &schemas, bucket, directory, err);
	if (rc < 0) {
		settings_release(&s);
		return -1;
	}
	*ret = s;
	return 0;
}
