#include "trigger/serve_config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "trigger/serve_definition.h"
#include "trigger/serve_document.h"

enum { ALL = 64 };

/* --- the command ----------------------------------------------------------------------------- */

/* The vector and its strings in one allocation; NULL when memory is out. */
static char **make_argv(const json_t *words)
{
	size_t count = json_array_size(words), bytes = (count + 1) * sizeof(char *), i;
	json_t *word;
	char **argv, *text;

	json_array_foreach((json_t *)words, i, word)
		bytes += json_string_length(word) + 1;
	argv = malloc(bytes);
	if (!argv)
		return NULL;
	text = (char *)(argv + count + 1);
	json_array_foreach((json_t *)words, i, word) {
		size_t n = json_string_length(word) + 1;

		argv[i] = memcpy(text, json_string_value(word), n);
		text += n;
	}
	argv[count] = NULL;
	return argv;
}

/* A list of words, or a line for bash. */
static int take_command(const json_t *command, struct serve_table *t, struct error *err)
{
	json_t *words = json_is_string(command)
				? json_pack("[s,s,s,s,O]", "bash", "-o", "pipefail", "-c", command)
				: json_incref((json_t *)command),
	       *word;
	bool good = json_array_size(words) > 0;
	size_t i;

	json_array_foreach(words, i, word)
		good = good && json_is_string(word) &&
		       strlen(json_string_value(word)) == json_string_length(word);
	t->argv = good ? make_argv(words) : NULL;
	json_decref(words);
	if (!good)
		return error_set(err, ERR_CONFIG, "command is a list of words, or a line for bash");
	return t->argv ? 0 : error_nomem(err);
}

/* --- schemas --------------------------------------------------------------------------------- */

static const char *const partner_types[] = { "STRING",  "INTEGER",   "FLOAT", "RECORD", "BYTES",
					     "BOOLEAN", "TIMESTAMP", "DATE",  "TIME",   "DATETIME",
					     "NUMERIC", "GEOGRAPHY", NULL };

static int check_type(const char *name, const char *type, struct error *err)
{
	for (size_t i = 0; partner_types[i]; i++)
		if (type && !strcmp(type, partner_types[i]))
			return 0;
	return error_set(err, ERR_CONFIG,
			 "column %s: the Data Transfer Service loads no column of type %s",
			 name ? name : "without a name", type ? type : "none");
}

/* One field; `back`: to BigQuery's form. */
static json_t *convert_field(const json_t *field, bool back)
{
	const char *name = back ? "fieldName" : "name", *other = back ? "name" : "fieldName";
	const char *mode = json_string_value(json_object_get(field, "mode"));
	json_t *made = json_pack("{s:O?,s:O?}", other, json_object_get(field, name), "type",
				 json_object_get(field, "type"));

	if (json_object_get(field, "description"))
		json_object_set(made, "description", json_object_get(field, "description"));
	if (back && json_is_true(json_object_get(field, "isRepeated")))
		json_object_set_new(made, "mode", json_string("REPEATED"));
	if (!back && mode && !strcmp(mode, "REPEATED"))
		json_object_set_new(made, "isRepeated", json_true());
	return made;
}

static int convert_fields(const json_t *fields, bool back, json_t **ret, struct error *err)
{
	json_t *made = json_array(), *field;
	int rc = 0;
	size_t i;

	json_array_foreach((json_t *)fields, i, field) {
		json_t *one = convert_field(field, back), *inner = NULL;
		const char *type = json_string_value(json_object_get(field, "type"));
		const json_t *record =
			back ? json_object_get(json_object_get(field, "schema"), "fields")
			     : json_object_get(field, "fields");

		rc = check_type(
			json_string_value(json_object_get(field, back ? "fieldName" : "name")),
			type, err);
		if (rc == 0 && !strcmp(type, "RECORD"))
			rc = convert_fields(record, back, &inner, err);
		if (inner && back)
			json_object_set_new(one, "fields", inner);
		else if (inner)
			json_object_set_new(one, "schema", json_pack("{s:o}", "fields", inner));
		json_array_append_new(made, one);
		if (rc < 0)
			break;
	}
	if (rc == 0 && json_array_size(made) == 0)
		rc = error_set(err, ERR_CONFIG, "a schema has fields");
	if (rc < 0)
		json_decref(made);
	else
		*ret = made;
	return rc;
}

int serve_fields_of(const json_t *bigquery_fields, json_t **ret, struct error *err)
{
	return convert_fields(bigquery_fields, false, ret, err);
}

int serve_bigquery_fields(const json_t *fields, json_t **ret, struct error *err)
{
	return convert_fields(fields, true, ret, err);
}

/* --- tables ---------------------------------------------------------------------------------- */

static int take_schema(const json_t *definition, struct serve_table *t, struct error *err)
{
	const json_t *fields = json_object_get(json_object_get(definition, "schema"), "fields");
	json_t *bigquery;
	int rc;

	if (!json_object_get(definition, "schema"))
		return 0;
	if (serve_bigquery_fields(fields, &bigquery, err) < 0)
		return -1;
	rc = schema_parse(bigquery, &t->schema, err);
	json_decref(bigquery);
	if (rc < 0)
		err->code = ERR_CONFIG;
	return rc;
}

/* The one table definition that a load has; with its defaults. */
static int take_definition(struct serve_table *t, struct error *err)
{
	json_t *definitions = json_object_get(t->info, "tableDefs"), *definition;
	const char *format;

	if (!definitions) {
		definitions = json_pack("[{}]");
		json_object_set_new(t->info, "tableDefs", definitions);
	}
	definition = json_array_get(definitions, 0);
	if (json_array_size(definitions) != 1 || !json_is_object(definition))
		return error_set(err, ERR_CONFIG, "table_defs has one definition");
	if (!json_object_get(definition, "format"))
		json_object_set_new(definition, "format", json_string("JSON"));
	format = json_string_value(json_object_get(definition, "format"));
	if (!format || strcmp(format, "JSON") != 0)
		return error_set(err, ERR_CONFIG, "format: connectors print JSON");
	if (!json_object_get(definition, "tableId"))
		json_object_set_new(definition, "tableId", json_string(t->name));
	t->check_rows = json_integer_value(json_object_get(definition, "maxBadRecords")) == 0 &&
			!json_is_true(json_object_get(definition, "ignoreUnknownValues"));
	return take_schema(definition, t, err);
}

static int take_disposition(struct serve_table *t, struct error *err)
{
	const char *word;

	if (!json_object_get(t->info, "writeDisposition"))
		json_object_set_new(t->info, "writeDisposition", json_string("WRITE_TRUNCATE"));
	word = json_string_value(json_object_get(t->info, "writeDisposition"));
	t->append = word && !strcmp(word, "WRITE_APPEND");
	if (!word || (!t->append && strcmp(word, "WRITE_TRUNCATE") != 0))
		return error_set(err, ERR_CONFIG,
				 "write_disposition is WRITE_TRUNCATE or WRITE_APPEND");
	if (t->append)
		log_warn("table %s is appended to: a crash between the start of its job and the "
			 "service's word of it may double a run's rows",
			 t->name);
	return 0;
}

/* Names become directories, and variables. */
static bool is_plain(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_-") == strlen(name);
}

static int take_table(const char *name, const json_t *entry, const json_t *command,
		      struct serve_table *t, struct error *err)
{
	const json_t *own, *template;

	t->name = name;
	if (!is_plain(name))
		return error_set(err, ERR_CONFIG, "its name has others than letters, digits, _ -");
	if (!json_is_object(entry))
		return error_set(err, ERR_CONFIG, "is no mapping (object)");
	if (document_camel(entry, ALL, &t->info, err) < 0) {
		err->code = err->code == ERR_DATA ? ERR_CONFIG : err->code;
		return -1;
	}
	own = json_object_get(t->info, "command");
	template = json_object_get(t->info, "destinationTableIdTemplate");
	if (!own && !command)
		return error_set(err, ERR_CONFIG, "command is missing, here and at the top");
	if (template && !json_is_string(template))
		return error_set(err, ERR_CONFIG, "destination_table_id_template is no string");
	if (json_object_get(t->info, "sql"))
		return error_set(err, ERR_CONFIG, "sql: statements are not supported");
	if (take_command(own ? own : command, t, err) < 0)
		return -1;
	/* It stays alive in the document. */
	t->template =
		template ? json_string_value(
				   json_object_get(entry, "destination_table_id_template")
					   ? json_object_get(entry, "destination_table_id_template")
					   : json_object_get(entry, "destinationTableIdTemplate"))
			 : name;
	json_object_del(t->info, "command");
	json_object_del(t->info, "destinationTableIdTemplate");
	return take_definition(t, err) < 0 ? -1 : take_disposition(t, err);
}

static int take_tables(struct serve_config *c, struct error *err)
{
	json_t *tables = json_object_get(c->document, "imported_data_info"), *entry;
	const char *name;

	if (!tables)
		tables = json_object_get(c->document, "importedDataInfo");
	if (json_object_size(tables) == 0)
		return error_set(err, ERR_CONFIG, "imported_data_info names no tables");
	c->table = calloc(json_object_size(tables), sizeof *c->table);
	if (!c->table)
		return error_nomem(err);
	json_object_foreach(tables, name, entry) {
		if (take_table(name, entry, json_object_get(c->document, "command"),
			       &c->table[c->count++], err) < 0)
			return error_prefix(err, "imported_data_info: %s", name);
	}
	return 0;
}

int serve_config_read(const char *path, struct serve_config *ret, struct error *err)
{
	struct serve_config c = { 0 };

	if (document_read_file(path, ERR_CONFIG, &c.document, err) < 0)
		return -1;
	if (definition_from(c.document, &c.definition, err) < 0 || take_tables(&c, err) < 0) {
		serve_config_release(&c);
		return error_prefix(err, "%s", path);
	}
	*ret = c;
	return 0;
}

void serve_config_release(struct serve_config *c)
{
	for (size_t i = 0; i < c->count; i++) {
		json_decref(c->table[i].info);
		schema_free(c->table[i].schema);
		free(c->table[i].argv);
	}
	free(c->table);
	json_decref(c->definition);
	json_decref(c->document);
	*c = (struct serve_config){ 0 };
}
