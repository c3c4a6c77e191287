/* gsql_run: savepoints, the statements of a script one after the other, and results. */
#include "tests/localcloud/gsql_dml.h"
#include "tests/localcloud/gsql_func.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

static const char *const statement_types[] = { [GSQL_S_SELECT] = "SELECT",
					       [GSQL_S_INSERT] = "INSERT",
					       [GSQL_S_UPDATE] = "UPDATE",
					       [GSQL_S_DELETE] = "DELETE",
					       [GSQL_S_TRUNCATE] = "TRUNCATE_TABLE",
					       [GSQL_S_MERGE] = "MERGE",
					       [GSQL_S_CREATE_TABLE] = "CREATE_TABLE",
					       [GSQL_S_CREATE_VIEW] = "CREATE_VIEW",
					       [GSQL_S_CREATE_SCHEMA] = "CREATE_SCHEMA",
					       [GSQL_S_DROP_TABLE] = "DROP_TABLE",
					       [GSQL_S_DROP_VIEW] = "DROP_VIEW",
					       [GSQL_S_DROP_SCHEMA] = "DROP_SCHEMA",
					       [GSQL_S_ALTER_TABLE] = "ALTER_TABLE",
					       [GSQL_S_BEGIN] = "BEGIN_TRANSACTION",
					       [GSQL_S_COMMIT] = "COMMIT_TRANSACTION",
					       [GSQL_S_ROLLBACK] = "ROLLBACK_TRANSACTION" };

/* A result has names that differ; an unnamed column is f0_, f1_, … */
static void set_fields(struct gsql *g, const struct gsql_relation *r)
{
	json_t *fields = gsql_own_json(g, json_array());
	size_t unnamed = 0;
	for (size_t i = 0; i < r->column_count; i++) {
		struct gsql_field f = { .name = r->columns[i].name, .type = r->columns[i].type };
		if (f.name[0] == '\0')
			f.name = gsql_printf(g, "f%zu_", unnamed++);
		for (size_t j = 0; j < i; j++)
			if (gsql_same(json_string_value(
					      json_object_get(json_array_get(fields, j), "name")),
				      f.name))
				gsql_fail(
					g, (struct gsql_pos){ 0 },
					"Duplicate column names in the result are not supported when a destination table is present. "
					"Found duplicate(s): %s",
					f.name);
		json_array_append_new(fields, gsql_field_json(g, &f));
	}
	json_decref(g->result->fields);
	g->result->fields = json_incref(fields);
}

static void run_select(struct gsql *g, const struct gsql_statement *s)
{
	static atomic_uint number;
	struct gsql_relation r = gsql_emit_query(g, NULL, NULL, s->query);
	set_fields(g, &r);
	if (g->request->dry_run)
		return;
	if (g->result->result_table[0] != '\0')
		gsql_exec(g, gsql_printf(g, "DROP TABLE main.\"%s\"", g->result->result_table));
	struct gsql_text columns = { 0 };
	for (size_t i = 0; i < r.column_count; i++) {
		const json_t *field = json_array_get(g->result->fields, i);
		enum gsql_kind kind = r.columns[i].type->kind;
		gsql_add(g, &columns, "%s%s%s", i > 0 ? "," : "",
			 gsql_ident(g, json_string_value(json_object_get(field, "name"))),
			 kind == GSQL_NUMERIC || kind == GSQL_BIGNUMERIC ? " COLLATE gnum" : "");
	}
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	/* Unique across restarts too: a table of a process that was killed may still be there. */
	char *name = gsql_printf(g, "@result:%llx%08lx%x", (unsigned long long)now.tv_sec,
				 (unsigned long)now.tv_nsec, atomic_fetch_add(&number, 1));
	gsql_exec(g, gsql_printf(g, "CREATE TABLE main.\"%s\"(%s)", name, columns.s));
	g->result->rows = gsql_exec(g, gsql_printf(g, "INSERT INTO main.\"%s\" %s", name, r.sql));
	memcpy(g->result->result_table, name, strlen(name) + 1);
}

static void run_transaction(struct gsql *g, const struct gsql_statement *s)
{
	if (s->kind == GSQL_S_BEGIN && g->in_transaction)
		gsql_fail(g, s->pos, "Transaction already in progress");
	if (s->kind != GSQL_S_BEGIN && !g->in_transaction)
		gsql_fail(g, s->pos, "There is no active transaction");
	if (s->kind == GSQL_S_BEGIN) {
		gsql_exec(g, "SAVEPOINT gsql_transaction");
	} else {
		if (s->kind == GSQL_S_ROLLBACK)
			gsql_exec(g, "ROLLBACK TO gsql_transaction");
		gsql_exec(g, "RELEASE gsql_transaction");
	}
	g->in_transaction = s->kind == GSQL_S_BEGIN;
}

static void run_statement(struct gsql *g, const struct gsql_statement *s)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	g->now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (s->kind >= GSQL_S_BEGIN) {
		if (!g->request->dry_run)
			run_transaction(g, s);
		return;
	}
	if (g->in_transaction && s->kind >= GSQL_S_CREATE_TABLE)
		gsql_fail(
			g, s->pos,
			"DDL statements on permanent entities are not supported inside a transaction");
	if (!g->request->dry_run)
		gsql_exec(g, "SAVEPOINT gsql_statement");
	if (s->kind == GSQL_S_SELECT)
		run_select(g, s);
	else if (s->kind < GSQL_S_CREATE_TABLE)
		gsql_run_dml(g, s);
	else
		gsql_run_ddl(g, s);
	if (!g->request->dry_run)
		gsql_exec(g, "RELEASE gsql_statement");
}

static void run_all(struct gsql *g)
{
	size_t n;
	struct gsql_statement **all = gsql_parse(g, g->request->sql, &n);
	g->result->statement_type = n > 1 ? "SCRIPT" : statement_types[all[0]->kind];
	if (n == 1 && all[0]->kind == GSQL_S_CREATE_TABLE && all[0]->query != NULL)
		g->result->statement_type = "CREATE_TABLE_AS_SELECT";
	if (n == 1 && all[0]->kind >= GSQL_S_BEGIN)
		gsql_fail(
			g, all[0]->pos,
			"Transaction control statements are supported only in scripts or sessions");
	/* What a script's later statements need may not exist before it runs: a dry run checks its syntax. */
	for (size_t i = 0; i < n && !(g->request->dry_run && n > 1); i++)
		run_statement(g, all[i]);
	if (g->in_transaction)
		gsql_fail(
			g, (struct gsql_pos){ 0 },
			"The script ended with a transaction still in progress; it is rolled back");
}

static void undo(sqlite3 *db, const char *savepoint)
{
	const char *const commands[] = { "ROLLBACK TO ", "RELEASE " };
	char sql[64];
	for (size_t i = 0; i < 2; i++) {
		sqlite3_snprintf(sizeof(sql), sql, "%s%s", commands[i], savepoint);
		/* Fails when there is no such savepoint, which is fine. */
		sqlite3_exec(db, sql, NULL, NULL, NULL);
	}
}

/* Alone in a function because of setjmp: no local of it changes after the call. */
static int guarded(struct gsql *g)
{
	if (setjmp(g->fail) != 0)
		return -1;
	run_all(g);
	return 0;
}

int gsql_run(struct store *store, const struct gsql_request *request, struct gsql_result *ret,
	     struct api_error *err)
{
	struct gsql_result result = { .referenced_tables = json_array() };
	struct gsql g = { .store = store,
			  .db = store_db(store),
			  .request = request,
			  .result = &result,
			  .err = err };
	if (result.referenced_tables == NULL || gsql_func_register(g.db) != SQLITE_OK) {
		gsql_result_release(&result);
		return api_fail(err, 500, "internalError", "SQL functions cannot be registered: %s",
				sqlite3_errmsg(g.db));
	}
	int rc = guarded(&g);
	gsql_free_all(&g);
	if (rc == 0) {
		*ret = result;
		return 0;
	}
	undo(g.db, "gsql_statement");
	undo(g.db, "gsql_transaction");
	if (result.result_table[0] != '\0') {
		char *sql =
			sqlite3_mprintf("DROP TABLE IF EXISTS main.\"%w\"", result.result_table);
		sqlite3_exec(g.db, sql, NULL, NULL, NULL);
		sqlite3_free(sql);
	}
	gsql_result_release(&result);
	return -1;
}

void gsql_result_release(struct gsql_result *result)
{
	json_decref(result->fields);
	json_decref(result->dml_target);
	json_decref(result->ddl_target);
	json_decref(result->referenced_tables);
	*result = (struct gsql_result){ 0 };
}
