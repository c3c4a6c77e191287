/* A schema from outside: what is accepted has a canonical form that is accepted and equal. */
#include "lib/schema.h"

#include "tests/fuzz/target.h"

static void check_again(const struct schema *first)
{
	struct schema *second;
	struct error err;

	REQUIRE(schema_parse(first->json, &second, &err) == 0);
	REQUIRE(json_equal(first->json, second->json));
	for (size_t i = 0; i < first->count; i++) {
		const struct schema_field *field = &first->field[i];

		REQUIRE(schema_find(first, field->name, field->name_length) == field);
		REQUIRE((field->type == TYPE_RECORD) == (field->fields != NULL));
	}
	schema_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	struct schema *schema;
	struct error err;

	if (json && schema_parse(json, &schema, &err) == 0) {
		check_again(schema);
		schema_free(schema);
	}
	json_decref(json);
	return 0;
}
