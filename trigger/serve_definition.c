#include "trigger/serve_definition.h"

#include <string.h>

#include "trigger/serve_document.h"

enum { ALL = 64 };

/* protobuf's Duration as its JSON form has it, where it was written as the message. */
static int fix_duration(json_t *object, const char *key, struct error *err)
{
	const json_t *value = json_object_get(object, key);
	const json_t *seconds = json_object_get(value, "seconds");
	const json_t *nanos = json_object_get(value, "nanos");

	if (!json_is_object(value))
		return 0;
	if (!json_is_integer(seconds) || nanos || json_object_size(value) != 1)
		return error_set(err, ERR_CONFIG, "%s: write it as \"3600s\", or {seconds: 3600}",
				 key);
	return json_object_set_new(object, key,
				   json_sprintf("%" JSON_INTEGER_FORMAT "s",
						json_integer_value(seconds))) < 0
		       ? error_nomem(err)
		       : 0;
}

/* A DoubleValue likewise. */
static void fix_wrapper(json_t *object, const char *key)
{
	json_t *value = json_object_get(json_object_get(object, key), "value");

	if (value)
		json_object_set(object, key, value);
}

static void fix_parameters(json_t *parameters)
{
	json_t *parameter;
	size_t i;

	json_array_foreach(parameters, i, parameter) {
		fix_wrapper(parameter, "minValue");
		fix_wrapper(parameter, "maxValue");
		fix_parameters(json_object_get(parameter, "fields"));
	}
}

static int check(json_t *definition, struct error *err)
{
	json_t *source = json_object_get(definition, "dataSource");
	const char *id = definition_id(definition);

	if (!json_is_object(source))
		return error_set(err, ERR_CONFIG, "a data source definition has dataSource");
	if (!id || !*id || strchr(id, '/'))
		return error_set(err, ERR_CONFIG,
				 "dataSource.dataSourceId is missing, or is no plain name");
	if (fix_duration(definition, "runTimeOffset", err) < 0 ||
	    fix_duration(source, "minimumScheduleInterval", err) < 0)
		return -1;
	fix_parameters(json_object_get(source, "parameters"));
	return 0;
}

int definition_from(const json_t *document, json_t **ret, struct error *err)
{
	static const char *const forms[] = { "data_source_definition", "dataSourceDefinition" };
	const json_t *inner = document;
	json_t *definition;

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (json_object_get(document, forms[i]))
			inner = json_object_get(document, forms[i]);
	if (document_camel(inner, ALL, &definition, err) < 0) {
		err->code = err->code == ERR_DATA ? ERR_CONFIG : err->code;
		return -1;
	}
	if (check(definition, err) < 0) {
		json_decref(definition);
		return -1;
	}
	*ret = definition;
	return 0;
}

const char *definition_id(const json_t *definition)
{
	return json_string_value(
		json_object_get(json_object_get(definition, "dataSource"), "dataSourceId"));
}
