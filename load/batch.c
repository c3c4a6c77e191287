#include "load/batch.h"

#include <stdlib.h>
#include <string.h>

#include "lib/google/storage.h"

/* BigQuery's words for sourceFormat. */
static const char *const formats[] = { "CSV", "NEWLINE_DELIMITED_JSON", "AVRO", "PARQUET",
				       "ORC", "DATASTORE_BACKUP",       NULL };

void batch_release(struct batch *b)
{
	free(b->id);
	free(b->table);
	destination_release(&b->destination);
	json_decref(b->uris);
	json_decref(b->load);
	free(b->lock);
	json_decref(b->external);
	json_decref(b->sql);
	*b = (struct batch){ 0 };
}

const char *batch_write(const struct batch *b)
{
	const char *word = json_string_value(json_object_get(b->load, "writeDisposition"));

	if (!word || !strcmp(word, "WRITE_APPEND"))
		return "append";
	return strcmp(word, "WRITE_EMPTY") ? "truncate" : "empty";
}

static bool is_in(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

static int check_members(const json_t *inner, struct error *err)
{
	static const char *const known[] = { "id",   "table",    "uris", "format", "load",
					     "lock", "external", "sql",  NULL };
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)inner, name, value)
		if (!is_in(name, known))
			return error_set(err, ERR_DATA, "@batch has no member '%s'", name);
	return 0;
}

/* A copy of the text under that name, which must be there. */
static int take_text(const json_t *inner, const char *name, char **ret, struct error *err)
{
	const json_t *value = json_object_get(inner, name);
	const char *text = json_string_value(value);

	if (!text || !*text || strpbrk(text, "\r\n") || strlen(text) != json_string_length(value))
		return error_set(err, ERR_DATA, "@batch: %s is missing, or no line of text", name);
	*ret = strdup(text);
	return *ret ? 0 : error_nomem(err);
}

/* --- URIs ------------------------------------------------------------------------------------ */

static int check_uri(const json_t *value, bool *wildcard, struct error *err)
{
	const char *text = json_string_value(value), *asterisk;
	struct storage_uri u = { 0 };
	int rc = 0;

	if (!text || strlen(text) != json_string_length(value))
		return error_set(err, ERR_DATA, "@batch: uris holds something else than text");
	if (storage_uri_parse(text, &u, err) < 0) {
		err->code = ERR_DATA;
		return error_prefix(err, "@batch");
	}
	asterisk = strchr(u.name, '*');
	if (!*u.name)
		rc = error_set(err, ERR_DATA, "@batch: '%s' names no object", text);
	else if (asterisk && strchr(asterisk + 1, '*'))
		rc = error_set(err, ERR_DATA, "@batch: '%s' has more than one asterisk", text);
	*wildcard = *wildcard || asterisk;
	storage_uri_release(&u);
	return rc;
}

static int take_uris(const json_t *inner, struct batch *b, struct error *err)
{
	json_t *uris = json_object_get(inner, "uris"), *value, *seen;
	size_t i;
	int rc = 0;

	if (!json_array_size(uris))
		return error_set(err, ERR_DATA, "@batch: uris is missing or empty");
	seen = json_object();
	json_array_foreach(uris, i, value) {
		rc = check_uri(value, &b->wildcards, err);
		if (rc == 0 && json_object_get(seen, json_string_value(value)))
			rc = error_set(err, ERR_DATA, "@batch: '%s' is there twice",
				       json_string_value(value));
		if (rc == 0 && json_object_set_new(seen, json_string_value(value), json_true()) < 0)
			rc = error_nomem(err);
		if (rc < 0)
			break;
	}
	json_decref(seen);
	b->uris = json_incref(uris);
	return rc;
}

/* --- the configuration ----------------------------------------------------------------------- */

/* Where it says a destination, it must say this one; either may leave out the project. */
static int check_destination(struct batch *b, const json_t *reference, struct error *err)
{
	struct destination *d = &b->destination;
	const char *project = json_string_value(json_object_get(reference, "projectId"));
	const char *dataset = json_string_value(json_object_get(reference, "datasetId"));
	const char *table = json_string_value(json_object_get(reference, "tableId"));
	size_t n = strlen(d->table);

	if (!reference)
		return 0;
	if (dataset && table && !strcmp(dataset, d->dataset) && !strncmp(table, d->table, n) &&
	    (d->decorator ? table[n] == '$' && !strcmp(table + n + 1, d->decorator) : !table[n])) {
		if (!project || (d->project && !strcmp(project, d->project)))
			return 0;
		if (!d->project) {
			d->project = strdup(project);
			return d->project ? 0 : error_nomem(err);
		}
	}
	return error_set(err, ERR_DATA, "@batch: load.destinationTable is not %s", b->table);
}

static int take_format(struct batch *b, const json_t *format, struct error *err)
{
	const json_t *source = json_object_get(b->load, "sourceFormat");
	const char *word = json_string_value(format ? format : source);

	if (!format && !source)
		return 0;
	if (!word || !is_in(word, formats))
		return error_set(err, ERR_DATA, "@batch: '%s' is not a format of load jobs",
				 word ? word : "");
	if (format && source && !json_equal(format, source))
		return error_set(err, ERR_DATA, "@batch: format is %s, load.sourceFormat is not",
				 word);
	return json_object_set_new(b->load, "sourceFormat", json_string(word)) < 0
		       ? error_nomem(err)
		       : 0;
}

static int take_load(const json_t *inner, struct batch *b, struct error *err)
{
	const json_t *load = json_object_get(inner, "load");

	if (load && !json_is_object(load))
		return error_set(err, ERR_DATA, "@batch: load is not an object");
	if (json_object_get(load, "sourceUris"))
		return error_set(err, ERR_DATA,
				 "@batch: load has sourceUris; those are the batch's");
	if (check_destination(b, json_object_get(load, "destinationTable"), err) < 0)
		return -1;
	b->load = load ? json_deep_copy(load) : json_object();
	if (!b->load)
		return error_nomem(err);
	json_object_del(b->load, "destinationTable");
	return take_format(b, json_object_get(inner, "format"), err);
}

/* --- statements, and a lock ------------------------------------------------------------------- */

static int take_lock(const json_t *inner, struct batch *b, struct error *err)
{
	struct storage_uri u;

	if (!json_object_get(inner, "lock"))
		return 0;
	if (take_text(inner, "lock", &b->lock, err) < 0)
		return -1;
	if (storage_uri_parse(b->lock, &u, err) < 0) {
		err->code = ERR_DATA;
		return error_prefix(err, "@batch: lock");
	}
	storage_uri_release(&u);
	return 0;
}

static int take_sql(const json_t *inner, struct batch *b, struct error *err)
{
	json_t *external = json_object_get(inner, "external"), *sql = json_object_get(inner, "sql");
	json_t *text;
	size_t i;

	if (!external && !sql)
		return 0;
	if (!json_is_object(external) || json_object_get(external, "sourceUris"))
		return error_set(err, ERR_DATA,
				 "@batch: external is no object, or has URIs of its own");
	if (json_array_size(sql) == 0)
		return error_set(err, ERR_DATA, "@batch: external without statements in sql");
	json_array_foreach(sql, i, text)
		if (!json_is_string(text))
			return error_set(err, ERR_DATA,
					 "@batch: sql holds something else than text");
	b->external = json_incref(external);
	b->sql = json_incref(sql);
	return 0;
}

static int parse(const json_t *inner, struct batch *b, struct error *err)
{
	if (check_members(inner, err) < 0 || take_text(inner, "id", &b->id, err) < 0 ||
	    take_text(inner, "table", &b->table, err) < 0)
		return -1;
	if (destination_parse(b->table, &b->destination, err) < 0) {
		err->code = err->code == ERR_USAGE ? ERR_DATA : err->code;
		return error_prefix(err, "@batch: table");
	}
	if (take_uris(inner, b, err) < 0 || take_load(inner, b, err) < 0 ||
	    take_lock(inner, b, err) < 0)
		return -1;
	return take_sql(inner, b, err);
}

int batch_parse(const json_t *inner, struct batch *ret, struct error *err)
{
	*ret = (struct batch){ 0 };
	if (parse(inner, ret, err) == 0)
		return 0;
	batch_release(ret);
	return -1;
}
