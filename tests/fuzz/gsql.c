/* The parser of localcloud's GoogleSQL: any text becomes statements or one error, and never more. */
#include "tests/localcloud/gsql_parse.h"

#include <setjmp.h>

#include "tests/fuzz/target.h"

/* Alone in a function because of setjmp: no local of it changes after the call. */
static int parse(struct gsql *g, const char *sql, size_t *count)
{
	if (setjmp(g->fail) != 0)
		return -1;
	REQUIRE(gsql_parse(g, sql, count));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *sql = target_string(data, size);
	struct api_error err = { 0 };
	struct gsql g = { .err = &err };
	size_t count = 0;

	if (parse(&g, sql, &count) == 0)
		REQUIRE(count > 0);
	else
		REQUIRE(err.status >= 400 && err.message[0]);
	gsql_free_all(&g);
	free(sql);
	return 0;
}
