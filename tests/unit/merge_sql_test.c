/* The statements of --write merge, to the letter. */
#include "load/merge_sql.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

static struct schema *schema_of(const char *text)
{
	json_t *fields = json_loads(text, 0, NULL);
	struct schema *s = NULL;
	struct error err;

	CHECK(fields && schema_parse(fields, &s, &err) == 0);
	json_decref(fields);
	return s;
}

static void is_text(const struct buf *sql, const char *text)
{
	bool same = sql->length == strlen(text) && !memcmp(sql->data, text, sql->length);

	if (!same)
		printf("# %.*s\n", (int)sql->length, sql->data);
	CHECK(same);
}

static char id[] = "id", b_c[] = "b c";
static char *key[] = { id, b_c, NULL };
static struct merge_sql merge = {
	.target = { "example.com:p", "d", "t" },
	.source = { "example.com:p", "d", "tmp" },
	.key = key,
	.key_count = 2,
};

static void statement(void)
{
	auto_buf sql = BUF_INIT;
	struct error err;

	unit_test("everything is quoted; the aliases are no column's name");
	CHECK(merge_sql_statement(&merge, &sql, &err) == 0);
	is_text(&sql,
		"MERGE `example.com:p`.`d`.`t` AS T__\nUSING `example.com:p`.`d`.`tmp` AS S\n"
		" ON T__.`id` = S.`id` AND T__.`b c` = S.`b c`\n"
		"WHEN MATCHED THEN UPDATE SET `t` = S.`t`\n"
		"WHEN NOT MATCHED THEN INSERT (`id`, `b c`, `t`) VALUES (S.`id`, S.`b c`, S.`t`)");
	unit_test("a cursor chooses the newest row and guards against older ones");
	merge.cursor = "t";
	buf_clear(&sql);
	CHECK(merge_sql_statement(&merge, &sql, &err) == 0);
	is_text(&sql,
		"MERGE `example.com:p`.`d`.`t` AS T__\nUSING (SELECT * FROM `example.com:p`.`d`.`tmp` "
		"WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY `id`, `b c` ORDER BY `t` DESC) = 1) "
		"AS S\n ON T__.`id` = S.`id` AND T__.`b c` = S.`b c`\n"
		"WHEN MATCHED AND (T__.`t` IS NULL OR S.`t` >= T__.`t`) THEN UPDATE SET `t` = S.`t`\n"
		"WHEN NOT MATCHED THEN INSERT (`id`, `b c`, `t`) VALUES (S.`id`, S.`b c`, S.`t`)");
	merge.cursor = NULL;
}

static void missing(void)
{
	auto_buf sql = BUF_INIT;
	struct error err;

	unit_test("rows that the source lacks are deleted");
	merge.missing = MISSING_DELETE;
	CHECK(merge_sql_statement(&merge, &sql, &err) == 0);
	is_text(&sql,
		"MERGE `example.com:p`.`d`.`t` AS T__\nUSING `example.com:p`.`d`.`tmp` AS S\n"
		" ON T__.`id` = S.`id` AND T__.`b c` = S.`b c`\n"
		"WHEN MATCHED THEN UPDATE SET `t` = S.`t`\n"
		"WHEN NOT MATCHED THEN INSERT (`id`, `b c`, `t`) VALUES (S.`id`, S.`b c`, S.`t`)\n"
		"WHEN NOT MATCHED BY SOURCE THEN DELETE");
	unit_test("or marked once, and unmarked when they are back");
	merge.missing = MISSING_MARK;
	merge.mark = "gone";
	merge.mark_type = TYPE_BOOLEAN;
	buf_clear(&sql);
	CHECK(merge_sql_statement(&merge, &sql, &err) == 0);
	is_text(&sql,
		"MERGE `example.com:p`.`d`.`t` AS T__\nUSING `example.com:p`.`d`.`tmp` AS S\n"
		" ON T__.`id` = S.`id` AND T__.`b c` = S.`b c`\n"
		"WHEN MATCHED THEN UPDATE SET `t` = S.`t`, `gone` = FALSE\n"
		"WHEN MATCHED AND T__.`gone` IS TRUE THEN UPDATE SET `gone` = FALSE\n"
		"WHEN NOT MATCHED THEN INSERT (`id`, `b c`, `t`, `gone`) "
		"VALUES (S.`id`, S.`b c`, S.`t`, FALSE)\n"
		"WHEN NOT MATCHED BY SOURCE AND T__.`gone` IS NOT TRUE THEN UPDATE SET `gone` = TRUE");
	unit_test("keys alone insert and update nothing");
	merge.mark_type = TYPE_TIMESTAMP;
	merge.keys_only = true;
	buf_clear(&sql);
	CHECK(merge_sql_statement(&merge, &sql, &err) == 0);
	is_text(&sql, "MERGE `example.com:p`.`d`.`t` AS T__\nUSING `example.com:p`.`d`.`tmp` AS S\n"
		      " ON T__.`id` = S.`id` AND T__.`b c` = S.`b c`\n"
		      "WHEN MATCHED AND T__.`gone` IS NOT NULL THEN UPDATE SET `gone` = NULL\n"
		      "WHEN NOT MATCHED BY SOURCE AND T__.`gone` IS NULL THEN UPDATE SET `gone` = "
		      "CURRENT_TIMESTAMP()");
	buf_clear(&sql);
	CHECK(merge_sql_mark_all(&merge, &sql, &err) == 0);
	is_text(&sql, "UPDATE `example.com:p`.`d`.`t` AS T__ SET `gone` = CURRENT_TIMESTAMP() "
		      "WHERE T__.`gone` IS NULL");
	merge.missing = MISSING_STAY;
	merge.mark = NULL;
	merge.keys_only = false;
}

static void looks(void)
{
	auto_buf sql = BUF_INIT;
	struct error err;

	unit_test("keys that are there twice are asked for as text, bytes as base64");
	CHECK(merge_sql_duplicates(&merge, &sql, &err) == 0);
	is_text(&sql,
		"SELECT CAST(`id` AS STRING), TO_BASE64(`b c`), CAST(COUNT(*) AS STRING) FROM "
		"`example.com:p`.`d`.`tmp` GROUP BY `id`, `b c` HAVING COUNT(*) > 1 LIMIT 1");
	buf_clear(&sql);
	CHECK(merge_sql_bounds(&merge, "t", &sql, &err) == 0);
	is_text(&sql, "SELECT CAST(MIN(`t`) AS STRING), CAST(MAX(`t`) AS STRING), "
		      "CAST(COUNTIF(`t` IS NULL) AS STRING) FROM `example.com:p`.`d`.`tmp`");
}

static void has_partition(struct merge_partition partition, const char *text)
{
	auto_buf sql = BUF_INIT;
	struct error err;
	const char *whole;

	merge.partition = &partition;
	CHECK(merge_sql_statement(&merge, &sql, &err) == 0 && (whole = buf_cstr(&sql, &err)));
	CHECK_HAS(sql.data, text);
	merge.partition = NULL;
}

static void partitions(void)
{
	struct merge_partition evil = {
		"p", TYPE_DATE, "2026-01-01", "' OR TRUE --", false, false
	};
	auto_buf sql = BUF_INIT;
	struct error err;

	unit_test("a range of partitions is written as literals of the column's type");
	has_partition((struct merge_partition){ "p", TYPE_DATE, "2026-01-01", "2026-01-02", false,
						false },
		      " AND (T__.`p` BETWEEN DATE '2026-01-01' AND DATE '2026-01-02')\n");
	has_partition((struct merge_partition){ "p", TYPE_INTEGER, "-5", "7", true, false },
		      " AND (T__.`p` BETWEEN -5 AND 7 OR T__.`p` IS NULL)\n");
	has_partition((struct merge_partition){ "p", TYPE_TIMESTAMP, NULL, NULL, true, false },
		      " AND (T__.`p` IS NULL)\n");
	has_partition((struct merge_partition){ "p", TYPE_TIMESTAMP, "2026-01-01 10:00:00.5+00",
						"2026-01-01 10:00:00.5+00", false, false },
		      "TIMESTAMP '2026-01-01 10:00:00.5+00'");
	has_partition((struct merge_partition){ "p", TYPE_DATE, NULL, NULL, false, true },
		      " AND (T__.`p` IS NULL OR T__.`p` IS NOT NULL)\n");
	unit_test("what is no bound of a partition never gets into the statement");
	merge.partition = &evil;
	CHECK(merge_sql_statement(&merge, &sql, &err) < 0 && err.code == ERR_PROTOCOL);
	merge.partition = NULL;
}

int main(void)
{
	struct schema *columns = schema_of("[{\"name\":\"id\",\"type\":\"INTEGER\"},"
					   "{\"name\":\"b c\",\"type\":\"BYTES\"},"
					   "{\"name\":\"t\",\"type\":\"DATE\"}]");
	struct schema *table = schema_of("[{\"name\":\"T_\",\"type\":\"DATE\"}]");

	merge.columns = columns;
	merge.table = table;
	statement();
	missing();
	looks();
	partitions();
	schema_free(columns);
	schema_free(table);
	return unit_done();
}
