/* Tables and columns as users write them: what is read can be quoted and read again. */
#include "extract/names.h"

#include "tests/fuzz/target.h"

/* "schema"."table" means the same as what was parsed. */
static void check_table_again(const struct table_name *name)
{
	auto_buf quoted = BUF_INIT;
	struct table_name again;
	struct error err;
	const char *text;

	if (name->schema) {
		REQUIRE(names_quote(&quoted, name->schema, '"', &err) == 0);
		REQUIRE(buf_append(&quoted, ".", 1, &err) == 0);
	}
	REQUIRE(names_quote(&quoted, name->table, '"', &err) == 0);
	text = buf_cstr(&quoted, &err);
	REQUIRE(text && names_parse_table(text, '"', &again, &err) == 0);
	REQUIRE(!strcmp(name->table, again.table));
	REQUIRE(!name->schema == !again.schema);
	REQUIRE(!name->schema || !strcmp(name->schema, again.schema));
	names_release_table(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = target_string(data, size), **list;
	struct table_name name;
	struct error err;
	size_t count;

	if (names_parse_table(text, '"', &name, &err) == 0) {
		REQUIRE(*name.table);
		check_table_again(&name);
		names_release_table(&name);
	}
	if (names_parse_list(text, &list, &count, &err) == 0) {
		for (size_t i = 0; i < count; i++)
			REQUIRE(*list[i]);
		REQUIRE(!list[count]);
		names_free_list(list);
	}
	free(text);
	return 0;
}
