/* Table names and column lists as users write them. */
#include "extract/names.h"

#include <stdlib.h>

#include "extract/encode.h"
#include "lib/log.h"
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

static void assignments(void)
{
	static const struct {
		const char *text;
		bool last;
		const char *name, *rest;
	} cases[] = {
		{ "a=INTEGER", true, "a", "INTEGER" },
		{ "a=b=INTEGER", true, "a=b", "INTEGER" },
		{ "\"a=b\"=INTEGER", true, "a=b", "INTEGER" },
		{ "\"a,\"\"=\"=x", true, "a,\"=", "x" },
		{ "a=constant:x=y", false, "a", "constant:x=y" },
		{ "\"a=b\"=constant:\"x\"=y", false, "a=b", "constant:\"x\"=y" },
		{ "a", false, "a", NULL },
		{ "a=", false, "a", "" },
		{ "\"a=b\"", true, "a=b", NULL },
		{ "5\"=null", false, "5\"", "null" },
	};
	static const char *const bad[] = { "", "=x", "a,b=x", "\"a=x", "\"a\"b=x" };
	struct error err;
	const char *rest;
	char *name;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(names_parse_assignment(cases[i].text, cases[i].last, &name, &rest, &err) ==
		      0);
		CHECK(!strcmp(name, cases[i].name));
		CHECK(!rest == !cases[i].rest && (!rest || !strcmp(rest, cases[i].rest)));
		free(name);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(names_parse_assignment(bad[i], true, &name, &rest, &err) < 0 &&
		      err.code == ERR_USAGE);
}

/* want NULL: it stays. */
static void check_name(const char *source, bool flexible, const char *want)
{
	struct column column = { .source_name = source };
	struct error err;

	CHECK(names_for_bigquery(&column, 1, flexible, &err) == 0);
	if (strcmp(column.name, want ? want : source) != 0)
		printf("# %s, not %s\n", column.name, want ? want : source);
	CHECK(!strcmp(column.name, want ? want : source));
	free(column.name);
}

/* That character so many times; good until the call after the next one. */
static const char *long_name(size_t count, const char *character)
{
	static char texts[2][2000];
	static unsigned next;
	char *text = texts[next++ % 2];

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * strlen(character), character, strlen(character) + 1);
	return text;
}

static void plain_names(void)
{
	check_name("Order_1", false, NULL);
	check_name("_x", false, NULL);
	check_name(long_name(300, "a"), false, NULL);
	check_name("a b", false, "a_b");
	check_name("1st", false, "_1st");
	check_name("\xC3\xA9t\xC3\xA9", false, "__t__");
	check_name("_partition_x", false, "__partition_x");
	check_name("_CHANGE_TYPE", false, "__CHANGE_TYPE");
	check_name("__root__x", false, "___root__x");
	check_name("@x", false, "_x");
}

static void flexible_names(void)
{
	static const char *const kept[] = {
		"Order_1", "1st",        "\xC3\xA9t\xC3\xA9",        "a b",
		"a-b",     "&%=+:'<>#|", "\xE4\xB8\xAD\xE6\x96\x87", " "
	};
	static const char illegal[] = "!\"$()*,./;?@[\\]^`{}~\t\n\x7F";
	char name[] = "a?b";

	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		check_name(kept[i], true, NULL);
	for (size_t i = 0; illegal[i]; i++) {
		name[1] = illegal[i];
		check_name(name, true, "a_b");
	}
	check_name("a\xFF", true, "a_");
	check_name("_TABLE_x y", true, "__TABLE_x_y");
	check_name(long_name(300, "\xC3\xA9"), true, NULL);
	check_name(long_name(301, "\xC3\xA9"), true, long_name(300, "_"));
}

static void collisions(void)
{
	struct column columns[] = { { .source_name = "a b" }, { .source_name = "A_b" } };
	struct error err;

	CHECK(names_for_bigquery(columns, 2, false, &err) < 0 && err.code == ERR_DATA);
	CHECK_HAS(err.message, "\"a b\"");
	CHECK_HAS(err.message, "\"A_b\"");
	free(columns[0].name);
	free(columns[1].name);
	CHECK(names_for_bigquery(columns, 2, true, &err) == 0);
	free(columns[0].name);
	free(columns[1].name);
}

int main(void)
{
	log_set_level(LOG_ERROR); /* a rewritten name is a warning */
	unit_test("a table name is taken literally, quoted parts as in SQL");
	tables();
	unit_test("empty parts, open quotes and third parts are refused");
	bad_tables();
	unit_test("lists split at commas outside of quotes");
	lists();
	unit_test("quoting doubles the quotes inside");
	quoting();
	unit_test("COL=REST splits outside of quotes");
	assignments();
	unit_test("plain names stay, others are rewritten");
	plain_names();
	unit_test("flexible names stay if BigQuery takes them");
	flexible_names();
	unit_test("names that would be one are refused, and both are said");
	collisions();
	return unit_done();
}
