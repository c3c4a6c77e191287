/* What jobs.insert refuses about a load configuration before any data comes. */
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/load_impl.h"
#include "tests/localcloud/table_check.h"

#include <stdio.h>
#include <string.h>

static int check_members(const json_t *load, struct api_error *err)
{
	static const char *const known[] = { "destinationTable",
					     "schema",
					     "sourceFormat",
					     "writeDisposition",
					     "createDisposition",
					     "schemaUpdateOptions",
					     "timePartitioning",
					     "rangePartitioning",
					     "clustering",
					     "maxBadRecords",
					     "ignoreUnknownValues",
					     "sourceUris",
					     "fieldDelimiter",
					     "skipLeadingRows",
					     "quote",
					     "allowQuotedNewlines",
					     "allowJaggedRows",
					     "nullMarker",
					     "nullMarkers",
					     "encoding",
					     "autodetect",
					     "projectionFields",
					     "decimalTargetTypes",
					     "destinationTableProperties",
					     "jsonExtension",
					     NULL };
	static const char *const beyond[] = { "hivePartitioningOptions",
					      "parquetOptions",
					      "connectionProperties",
					      "createSession",
					      "referenceFileSchemaUri",
					      "columnNameCharacterMap",
					      "fileSetSpecType",
					      "destinationEncryptionConfiguration",
					      "useAvroLogicalTypes",
					      "preserveAsciiControlCharacters",
					      "timeZone",
					      "dateFormat",
					      "datetimeFormat",
					      "timeFormat",
					      "timestampFormat",
					      "schemaInline",
					      "schemaInlineFormat",
					      "copyFilesOnly",
					      "sourceColumnMatch",
					      "timestampTargetPrecision",
					      NULL };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)load, key, value) {
		if (ju_in(key, known))
			continue;
		if (ju_in(key, beyond))
			return api_fail(err, 501, "notImplemented",
					"localcloud does not do load option %s.", key);
		return api_fail(
			err, 400, "invalid",
			"Invalid JSON payload received. Unknown name \"%s\" at 'job.configuration.load': Cannot find field.",
			key);
	}
	return 0;
}

static int check_word(const json_t *load, const char *key, const char *const *words,
		      struct api_error *err)
{
	const char *word = ju_string(load, key, NULL);

	if (!word || ju_in(word, words))
		return 0;
	return api_fail(err, 400, "invalid", "Invalid value for %s: \"%s\" is not a valid value",
			key, word);
}

static int check_words(const json_t *load, struct api_error *err)
{
	static const char *const writes[] = { "WRITE_APPEND", "WRITE_TRUNCATE",
					      "WRITE_TRUNCATE_DATA", "WRITE_EMPTY", NULL };
	static const char *const creates[] = { "CREATE_IF_NEEDED", "CREATE_NEVER", NULL };
	static const char *const formats[] = { "NEWLINE_DELIMITED_JSON", "CSV", NULL };
	static const char *const others[] = { "AVRO", "PARQUET", "ORC", "DATASTORE_BACKUP", NULL };
	static const char *const encodings[] = { "UTF-8", NULL };
	const char *format = ju_string(load, "sourceFormat", "CSV");

	if (ju_in(format, others))
		return api_fail(err, 501, "notImplemented", "localcloud does not load %s.", format);
	return check_word(load, "sourceFormat", formats, err) ||
			       check_word(load, "writeDisposition", writes, err) ||
			       check_word(load, "createDisposition", creates, err) ||
			       check_word(load, "encoding", encodings, err)
		       ? -1
		       : 0;
}

static int check_beyond(const json_t *load, struct api_error *err)
{
	if (ju_bool(load, "autodetect", false))
		return api_fail(err, 501, "notImplemented",
				"localcloud does not detect schemas: give one.");
	if (json_array_size(json_object_get(load, "nullMarkers")) > 0)
		return api_fail(err, 501, "notImplemented",
				"localcloud does not do nullMarkers: use nullMarker.");
	return 0;
}

static int check_update_options(const json_t *load, const char *table, struct api_error *err)
{
	static const char *const known[] = { "ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION",
					     NULL };
	const json_t *options = json_object_get(load, "schemaUpdateOptions"), *option;
	const char *write = ju_string(load, "writeDisposition", "WRITE_APPEND");
	size_t i;

	json_array_foreach(options, i, option)
		if (!json_is_string(option) || !ju_in(json_string_value(option), known))
			return api_fail(err, 400, "invalid",
					"Invalid value for schemaUpdateOptions");
	if (json_array_size(options) == 0 || strcmp(write, "WRITE_APPEND") == 0 ||
	    strcmp(write, "WRITE_TRUNCATE_DATA") == 0 ||
	    (strcmp(write, "WRITE_TRUNCATE") == 0 && strchr(table, '$')))
		return 0;
	return api_fail(
		err, 400, "invalid",
		"Schema update options should only be specified with WRITE_APPEND disposition, or with WRITE_TRUNCATE "
		"disposition on a table partition.");
}

static int check_destination(json_t *load, const char *project, struct api_error *err)
{
	json_t *table = json_object_get(load, "destinationTable");
	char id[1100];

	if (!json_is_object(table))
		return api_fail(err, 400, "required",
				"Required parameter is missing: destinationTable");
	if (!json_is_string(json_object_get(table, "projectId")))
		json_object_set_new(table, "projectId", json_string(project));
	snprintf(id, sizeof(id), "%s", ju_string(table, "tableId", ""));
	id[strcspn(id, "$")] = '\0';
	if (ident_check_project(ju_string(table, "projectId", ""), err) ||
	    ident_check_dataset(ju_string(table, "datasetId", ""), err) ||
	    ident_check_table(id, err))
		return -1;
	return check_update_options(load, ju_string(table, "tableId", ""), err);
}

/* Numbers may come as numbers or strings of them; anything else is refused, not taken for the default. */
static int check_numbers(const json_t *load, struct api_error *err)
{
	static const char *const keys[] = { "maxBadRecords", "skipLeadingRows" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *value = json_object_get(load, keys[i]);
		int64_t number;

		if (value && (ju_to_int64(value, &number) || number < 0 || number > INT32_MAX))
			return api_fail(err, 400, "invalid", "Invalid value for %s", keys[i]);
	}
	return 0;
}

/* Partitioning and clustering are judged with the schema that comes with them, as a table of their own. */
static int check_shape(json_t *load, struct api_error *err)
{
	static const char *const members[] = { "schema", "timePartitioning", "rangePartitioning",
					       "clustering" };
	json_t *probe;
	int rc;

	if (json_array_size(ju_path(load, "schema.fields")) == 0)
		return 0;
	probe = json_object();
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_object_get(load, members[i]))
			json_object_set(probe, members[i], json_object_get(load, members[i]));
	rc = table_check(probe, err);
	json_decref(probe);
	return rc;
}

static int check_reading(const json_t *load, struct api_error *err)
{
	return check_members(load, err) || check_words(load, err) || check_beyond(load, err) ||
			       load_files_check(json_object_get(load, "sourceUris"), err) ||
			       check_numbers(load, err)
		       ? -1
		       : 0;
}

int load_check_source(json_t *load, struct api_error *err)
{
	table_drop_nulls(load);
	return check_reading(load, err) || check_shape(load, err) ? -1 : 0;
}

int load_check(json_t *load, const char *project, struct api_error *err)
{
	table_drop_nulls(load);
	return check_reading(load, err) || check_destination(load, project, err) ||
			       check_shape(load, err)
		       ? -1
		       : 0;
}
