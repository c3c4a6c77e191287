#include "tests/localcloud/external.h"

#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/load.h"
#include "tests/localcloud/table_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct external {
	json_t *load, *resource;
	struct load_files files;
	struct load_work *work;
};

/* --- the definitions ---------------------------------------------------------------------------- */

static int check_members(const char *name, const json_t *definition, struct api_error *err)
{
	static const char *const known[] = { "sourceUris",         "schema",
					     "sourceFormat",       "maxBadRecords",
					     "autodetect",         "ignoreUnknownValues",
					     "compression",        "csvOptions",
					     "jsonOptions",        "jsonExtension",
					     "decimalTargetTypes", NULL };
	static const char *const beyond[] = { "bigtableOptions",
					      "googleSheetsOptions",
					      "hivePartitioningOptions",
					      "connectionId",
					      "avroOptions",
					      "parquetOptions",
					      "objectMetadata",
					      "referenceFileSchemaUri",
					      "metadataCacheMode",
					      "fileSetSpecType",
					      "timeZone",
					      "dateFormat",
					      "datetimeFormat",
					      "timeFormat",
					      "timestampFormat",
					      "timestampTargetPrecision",
					      NULL };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)definition, key, value) {
		if (ju_in(key, known))
			continue;
		if (ju_in(key, beyond))
			return api_fail(err, 501, "notImplemented",
					"localcloud does not do option %s of external table %s.",
					key, name);
		return api_fail(
			err, 400, "invalid",
			"Invalid JSON payload received. Unknown name \"%s\" at "
			"'job.configuration.query.table_definitions[0].value': Cannot find field.",
			key);
	}
	return 0;
}

/* The definition as a load job would say it. New reference; its schema is the definition's own. */
static json_t *load_of(const json_t *definition)
{
	static const char *const members[] = { "sourceUris",    "schema",
					       "sourceFormat",  "maxBadRecords",
					       "autodetect",    "ignoreUnknownValues",
					       "jsonExtension", "decimalTargetTypes" };
	const bool csv = strcmp(ju_string(definition, "sourceFormat", ""), "CSV") == 0;
	const json_t *options = json_object_get(definition, csv ? "csvOptions" : "jsonOptions");
	json_t *load = options ? json_copy((json_t *)options) : json_object();

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_object_get(definition, members[i]))
			json_object_set(load, members[i], json_object_get(definition, members[i]));
	/* What `bq mkdef` always writes, though it is the default. */
	if (json_is_false(json_object_get(load, "preserveAsciiControlCharacters")))
		json_object_del(load, "preserveAsciiControlCharacters");
	/* With a schema there is nothing left to detect but the form of CSV; bq always says it. */
	if (!csv && json_array_size(ju_path(definition, "schema.fields")) > 0)
		json_object_del(load, "autodetect");
	return load;
}

static int check_compression(const json_t *definition, struct api_error *err)
{
	static const char *const words[] = { "GZIP", "NONE", NULL };
	const char *word = ju_string(definition, "compression", "NONE");

	if (ju_in(word, words))
		return 0;
	return api_fail(err, 400, "invalid",
			"Invalid value for compression: \"%s\" is not a valid value", word);
}

static int check_one(const char *name, json_t *definition, struct api_error *err)
{
	json_t *load;
	int rc;

	if (!json_is_object(definition))
		return api_fail(err, 400, "invalid", "Invalid value for tableDefinitions.%s", name);
	table_drop_nulls(definition);
	if (ident_check_table(name, err) || check_members(name, definition, err) ||
	    check_compression(definition, err))
		return -1;
	if (!json_object_get(definition, "sourceFormat"))
		return api_fail(err, 400, "required",
				"Required parameter is missing: sourceFormat");
	if (json_array_size(json_object_get(definition, "sourceUris")) == 0)
		return api_fail(err, 400, "required", "Required parameter is missing: sourceUris");
	load = load_of(definition);
	rc = load_check_source(load, err);
	json_decref(load);
	if (rc == 0 && json_array_size(ju_path(definition, "schema.fields")) == 0)
		rc = api_fail(err, 400, "invalid", "No schema specified on external table %s.",
			      name);
	return rc;
}

int external_check(json_t *definitions, struct api_error *err)
{
	const char *name;
	json_t *definition;

	if (definitions && !json_is_object(definitions))
		return api_fail(err, 400, "invalid", "Invalid value for tableDefinitions");
	json_object_foreach(definitions, name, definition)
		if (check_one(name, definition, err))
			return -1;
	return 0;
}

/* --- reading ------------------------------------------------------------------------------------ */

int external_describe(const json_t *definitions, struct externals *x, struct api_error *err)
{
	size_t room = json_object_size(definitions);
	const char *name;
	json_t *definition;

	if (room == 0)
		return 0;
	x->list = calloc(room, sizeof(*x->list));
	x->tables = calloc(room, sizeof(*x->tables));
	if (!x->list || !x->tables)
		return api_fail(err, 500, "internalError", "out of memory");
	json_object_foreach((json_t *)definitions, name, definition) {
		struct external *t = &x->tables[x->count];

		t->load = load_of(definition);
		t->resource = json_pack("{s:s, s:O}", "type", "TABLE", "schema",
					json_object_get(definition, "schema"));
		x->list[x->count++] =
			(struct gsql_external){ .name = name, .resource = t->resource };
	}
	return 0;
}

/* BigQuery takes the files for what the definition says they are. */
static int check_gzip(const json_t *definition, const struct load_files *files,
		      struct api_error *err)
{
	bool gzip = strcmp(ju_string(definition, "compression", "NONE"), "GZIP") == 0;

	for (size_t i = 0; i < files->count; i++) {
		const struct load_file *file = &files->list[i];

		if (file->size == 0 || load_file_is_gzip(file) == gzip)
			continue;
		return api_fail(
			err, 400, "invalid",
			"Error while reading data, error message: the file is %scompressed, but compression "
			"of the external table is %s. File: %s",
			gzip ? "not " : "", gzip ? "GZIP" : "NONE", file->uri);
	}
	return 0;
}

/* A load says "reading data", a query the table. To be freed; NULL when there is nothing to change. */
static char *name_table(const char *message, const char *table)
{
	static const char data[] = "Error while reading data,";
	char *named;

	if (strncmp(message, data, strlen(data)) != 0 ||
	    asprintf(&named, "Error while reading table: %s,%s", table, message + strlen(data)) < 0)
		return NULL;
	return named;
}

static void name_table_everywhere(struct api_error *err, const json_t *errors, const char *table)
{
	char *named = name_table(err->message, table);
	json_t *proto;
	size_t i;

	if (named)
		snprintf(err->message, sizeof(err->message), "%s", named);
	free(named);
	json_array_foreach(errors, i, proto) {
		named = name_table(ju_string(proto, "message", ""), table);
		if (named)
			json_object_set_new(proto, "message", json_string(named));
		free(named);
	}
}

struct reading {
	struct store *store;
	struct gcs *gcs;
	const char *location;
	const atomic_bool *cancel;
	json_t *errors;
};

static int read_one(struct reading *r, const json_t *definition, struct external *t,
		    struct gsql_external *ret, struct api_error *err)
{
	struct load_result result = { 0 };
	int rc = load_files_find(&t->files, r->gcs, json_object_get(t->load, "sourceUris"),
				 r->location, err);

	if (rc == 0)
		rc = check_gzip(definition, &t->files, err);
	if (rc == 0)
		rc = load_read_apart(r->store, t->load, t->resource, &t->files, r->cancel, &result,
				     &t->work, err);
	if (rc == 0) {
		ju_set_int64(t->resource, "numBytes", t->files.bytes);
		ret->physical = load_staging(t->work);
		json_decref(result.errors);
		return 0;
	}
	name_table_everywhere(err, result.errors, ret->name);
	r->errors = result.errors;
	return -1;
}

int external_read(struct store *s, struct gcs *gcs, const json_t *definitions, const char *location,
		  const atomic_bool *cancel, struct externals *x, json_t **errors,
		  struct api_error *err)
{
	struct reading r = { s, gcs, location, cancel, NULL };
	int rc = external_describe(definitions, x, err);

	for (size_t i = 0; rc == 0 && i < x->count; i++)
		rc = read_one(&r, json_object_get(definitions, x->list[i].name), &x->tables[i],
			      &x->list[i], err);
	*errors = r.errors;
	return rc;
}

void external_close(struct externals *x)
{
	for (size_t i = 0; i < x->count; i++) {
		struct external *t = &x->tables[i];

		load_end(t->work);
		load_files_release(&t->files);
		json_decref(t->load);
		json_decref(t->resource);
	}
	free(x->tables);
	free(x->list);
}
