/* What dagtrigger makes of a message, and what it writes of it. */
#include "trigger/replicator.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"
#include "trigger/execution.h"
#include "trigger/execution_sql.h"

static const char script[] = "run_replicator.sh";

/* The message of such a line, in *m; or the code of the error. */
static int read_line(const char *text, struct replicator_message *m, struct error *err)
{
	json_t *line = json_loads(text, 0, NULL);
	int rc = replicator_message(line, script, m, err);

	json_decref(line);
	return rc < 0 ? err->code : 0;
}

static void commands(void)
{
	struct replicator_message m = { 0 };
	struct error err = { 0 };

	unit_test("a command is its text and two names");
	CHECK(replicator_parse("sh /a/run_replicator.sh db public.t_1", 37, script, &m.command,
			       &err) == 0);
	CHECK(!strcmp(m.command.text, "sh /a/run_replicator.sh db public.t_1"));
	CHECK(!strcmp(m.command.database, "db") && !strcmp(m.command.table, "public.t_1"));
	replicator_message_release(&m);
	unit_test("a NUL is a byte as any other");
	CHECK(replicator_parse("run_replicator.sh db t\0x", 24, script, &m.command, &err) < 0);
	CHECK(err.code == ERR_DATA && !m.command.text);
	CHECK_HAS(err.message, "byte 0x00 at byte 23");
}

static void messages(void)
{
	struct replicator_message m = { 0 };
	struct error err = { 0 };

	unit_test("a pulled message; its time is a DATETIME of microseconds");
	CHECK(read_line("{\"@message\":{\"id\":\"7\",\"data\":\"cnVuX3JlcGxpY2F0b3Iuc2ggZCB0\","
			"\"publishTime\":\"2026-01-31T10:00:00.123456789Z\"}}",
			&m, &err) == 0);
	CHECK(!strcmp(m.id, "7") && !strcmp(m.published, "2026-01-31 10:00:00.123456"));
	replicator_message_release(&m);
	unit_test("a pushed one, without a fraction of a second, or without a time");
	CHECK(read_line(
		      "{\"message\":{\"message_id\":\"8\",\"data\":\"cnVuX3JlcGxpY2F0b3Iuc2ggZCB0\","
		      "\"publish_time\":\"2026-01-31T10:00:00Z\"}}",
		      &m, &err) == 0);
	CHECK(!strcmp(m.id, "8") && !strcmp(m.published, "2026-01-31 10:00:00"));
	replicator_message_release(&m);
	CHECK(read_line(
		      "{\"message\":{\"messageId\":\"9\",\"data\":\"cnVuX3JlcGxpY2F0b3Iuc2ggZCB0\"}}",
		      &m, &err) == 0 &&
	      !m.published);
	replicator_message_release(&m);
	unit_test("what is no message leaves nothing behind");
	CHECK(read_line("[]", &m, &err) == ERR_DATA && read_line("{\"@message\":7}", &m, &err));
	CHECK(read_line("{\"message\":{\"messageId\":\"9\",\"data\":\"eA==\"}}", &m, &err) ==
	      ERR_DATA);
	CHECK_HAS(err.message, "message 9: 'x' is not run_replicator.sh");
	CHECK(!m.id && !m.command.text);
}

static void identity(void)
{
	struct execution e = { 0 }, other = { 0 };
	struct error err;

	unit_test("the id is the beginning of the digest, without the sign");
	/* printf 17 | sha256sum: 4523540f1504cd17… ; printf 2: d4735e3a265e16ee… */
	CHECK(execution_identify(&e, "17", "dag", &err) == 0 && e.id == 0x4523540f1504cd17);
	CHECK(execution_identify(&e, "2", "dag", &err) == 0 && e.id == 0x54735e3a265e16ee);
	unit_test("the run id is of message and DAG");
	CHECK(execution_identify(&other, "2", "dag", &err) == 0 && !strcmp(e.run_id, other.run_id));
	CHECK(execution_identify(&other, "2", "gad", &err) == 0 &&
	      strcmp(e.run_id, other.run_id) != 0);
	CHECK(strlen(e.run_id) == 42 && !strncmp(e.run_id, "replicate_", 10));
}

static void statements(void)
{
	json_t *row = json_pack("{s:I,s:s,s:s}", "id", (json_int_t)7, "command", "it's", "status",
				"received");
	json_t *query = NULL, *resource;
	struct error err = { 0 };

	unit_test(
		"values go in as parameters, NULL columns not at all, times by the server's clock");
	CHECK(execution_sql_insert("p.d.t", row, &query, &err) == 0);
	CHECK(!strcmp(json_string_value(json_object_get(query, "query")),
		      "INSERT INTO `p.d.t` (`id`, `command`, `timestamp`, `status`, `updated`)\n"
		      "VALUES (@id, @command, CURRENT_DATETIME(), @status, CURRENT_TIMESTAMP())"));
	CHECK(json_array_size(json_object_get(query, "queryParameters")) == 3);
	json_decref(query);
	json_decref(row);
	unit_test("a view is no ledger");
	resource = json_pack("{s:s}", "type", "VIEW");
	CHECK(execution_sql_check(resource, &err) < 0 && err.code == ERR_CONFIG);
	CHECK_HAS(err.message, "it is a VIEW");
	json_decref(resource);
	unit_test("a row with something else in a cell breaks the protocol");
	resource = json_pack("{s:[{s:i}]}", "f", "v", 1);
	CHECK(execution_sql_row(resource, &row, &err) < 0 && err.code == ERR_PROTOCOL);
	json_decref(resource);
}

static void allowed(void)
{
	char database[] = "db", table[] = "t";
	const struct replicator_command c = { .database = database, .table = table };
	struct replicator_allowed *a = NULL;
	struct error err = { 0 };

	unit_test("--allow must match all of it, either side");
	CHECK(replicator_allowed_new("db\\.[st]|x", &a, &err) == 0);
	CHECK(replicator_allowed_check(a, &c, &err) == 0);
	replicator_allowed_free(a);
	CHECK(replicator_allowed_new("b\\.t", &a, &err) == 0);
	CHECK(replicator_allowed_check(a, &c, &err) < 0 && err.code == ERR_PERM);
	replicator_allowed_free(a);
}

int main(void)
{
	fixture_clean_environment();
	commands();
	messages();
	identity();
	statements();
	allowed();
	return unit_done();
}
