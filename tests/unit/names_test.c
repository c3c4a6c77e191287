/* Table names and column lists as users write them. */
#include "extract/names.h"

#include "extract/encode.h"
#include "tests/unit/unit.h"

static void tables(void)
{
	static const struct {
		const char *text, *schema, *table;
	} cases[] = {
		{ "orders", NULL, "orders" },
		{ "public.Orders", "public", "Orders" },
		{ "\"a.b\".c", "a.b", "c" },
		{ "a.\"b.c\"", "a", "b.c" },
		{ "\"say \"\"hi\"\"\"", NULL, "say \"hi\"" },
		{ "my table", NULL, "my table" },
		{ "a\"b", NULL, "a\"b" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct table_name name = { 0 };
		struct error err;

		CHECK(names_parse_table(cases[i].text, '"', &name, &err) == 0);
		CHECK(!name.schema == !cases[i].schema);
		CHECK(!name.schema || (cases[i].schema && !strcmp(name.schema, cases[i].schema)));
		CHECK(name.table && !strcmp(name.table, cases[i].table));
		names_release_table(&name);
	}
}

static void bad_tables(void)
{
	static const char *const cases[] = { "",    ".",      "a.",   ".a",       "a.b.c",
					     "\"a", "\"a\"b", "\"\"", "a.\"b\".c" };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct table_name name;
		struct error err = { 0 };

		CHECK(names_parse_table(cases[i], '"', &name, &err) < 0);
		CHECK(err.code == ERR_USAGE);
	}
}

static void lists(void)
{
	struct error err = { 0 };
	char **list;
	size_t count;

	CHECK(names_parse_list("a,\"b,c\",D e", &list, &count, &err) == 0);
	CHECK(count == 3 && !strcmp(list[0], "a") && !strcmp(list[1], "b,c") &&
	      !strcmp(list[2], "D e") && !list[3]);
	names_free_list(list);
	CHECK(names_parse_list("a,,b", &list, &count, &err) < 0);
	CHECK(names_parse_list("a,", &list, &count, &err) < 0);
	CHECK(names_parse_list("", &list, &count, &err) < 0);
}

static void quoting(void)
{
	auto_buf out = BUF_INIT;
	struct error err;

	CHECK(names_quote(&out, "a\"b", '"', &err) == 0);
	CHECK_HAS(buf_cstr(&out, &err), "\"a\"\"b\"");
}

int main(void)
{
	unit_test("a table name is taken literally, quoted parts as in SQL");
	tables();
	unit_test("empty parts, open quotes and third parts are refused");
	bad_tables();
	unit_test("lists split at commas outside of quotes");
	lists();
	unit_test("quoting doubles the quotes inside");
	quoting();
	return unit_done();
}
