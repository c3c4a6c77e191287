#include <stdlib.h>
#include <string.h>

#include "extract/postgresql_impl.h"
#include "lib/parse.h"

/* $1 schema or NULL, $2 table. A name longer than PostgreSQL's 63 bytes finds nothing. */
static const char sql_relation[] =
	"SELECT c.oid, n.nspname, c.relname, c.relkind, c.relkind = 'r' AND c.relhassubclass"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relname = $2::pg_catalog.text AND (n.nspname = $1::pg_catalog.text"
	" OR ($1 IS NULL AND pg_catalog.pg_table_is_visible(c.oid)))";

/*
 * NOT NULL is only believed where the server enforces it: not on foreign
 * tables, nor where one is a partition, not where inheriting children may have
 * dropped it, not where it was declared without looking at the rows.
 */
static const char sql_columns[] =
	"SELECT a.attname, a.atttypid, a.atttypmod, a.attnotnull AND c.relkind <> 'f'"
	" AND NOT (c.relkind = 'r' AND c.relhassubclass)"
	" AND NOT (c.relkind = 'p' AND EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) p"
	" JOIN pg_catalog.pg_class f ON f.oid = p.relid WHERE f.relkind = 'f'))"
	" AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid"
	" AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY (k.conkey)),"
	" pg_catalog.col_description(a.attrelid, a.attnum)"
	" FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
	" WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped"
	" ORDER BY a.attnum";

static const char sql_key[] =
	"SELECT a.attname FROM pg_catalog.pg_index i"
	" CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY k(attnum, place)"
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
	" WHERE i.indrelid = $1::pg_catalog.oid AND i.indisprimary AND k.place <= i.indnkeyatts ORDER BY k.place";

/* Partitions are left out: their rows are those of the table that is listed. */
static const char sql_list[] =
	"SELECT n.nspname, c.relname, c.relkind,"
	" CASE WHEN c.relkind IN ('r', 'p', 'm') AND c.reltuples >= 0 THEN c.reltuples::pg_catalog.int8 ELSE -1 END"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"
	" AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
	" AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
	" AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')"
	" ORDER BY n.nspname, c.relname";

/*
 * pg_class is read with the transaction's snapshot, pg_relation_filenode looks
 * at the present. Our locks were taken after the snapshot: what differs was
 * truncated, rewritten or replaced in between, and would read as empty.
 */
static const char sql_changed[] =
	"SELECT pg_catalog.format('%s', l.relation::pg_catalog.regclass)"
	" FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation"
	" WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.relation >= 16384"
	" AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d"
	" WHERE d.datname = pg_catalog.current_database())"
	" AND (c.oid IS NULL OR (c.relkind IN ('r', 'm') AND c.relfilenode <> 0"
	" AND pg_catalog.pg_relation_filenode(c.oid) IS DISTINCT FROM c.relfilenode)) LIMIT 1";

int postgresql_quote_table(struct buf *out, const struct table_name *table, struct error *err)
{
	if (table->schema &&
	    (names_quote(out, table->schema, '"', err) < 0 || buf_append_str(out, ".", err) < 0))
		return -1;
	return names_quote(out, table->table, '"', err);
}

static const char *kind_name(char relkind)
{
	switch (relkind) {
	case 'r':
		return "table";
	case 'p':
		return "partitioned table";
	case 'v':
		return "view";
	case 'm':
		return "materialized view";
	case 'f':
		return "foreign table";
	case 'i':
	case 'I':
		return "index";
	case 'S':
		return "sequence";
	case 'c':
		return "composite type";
	default:
		return "relation of another kind";
	}
}

/* oids and modifiers come as text from a server that we trust to print them. */
static int read_columns(struct connection *c, PGresult *result, struct error *err)
{
	auto_buf oids = BUF_INIT, modifiers = BUF_INIT;
	int count = PQntuples(result);

	c->columns = calloc((size_t)count + 1, sizeof *c->columns);
	if (!c->columns)
		return error_nomem(err);
	for (int i = 0; i < count; i++) {
		struct column *column = &c->columns[i];

		column->source_name = PQgetvalue(result, i, 0);
		column->required = PQgetvalue(result, i, 3)[0] == 't';
		column->description = PQgetisnull(result, i, 4) ? NULL : PQgetvalue(result, i, 4);
		if (buf_appendf(&oids, err, "%s%s", i ? "," : "{", PQgetvalue(result, i, 1)) < 0 ||
		    buf_appendf(&modifiers, err, "%s%s", i ? "," : "{", PQgetvalue(result, i, 2)) <
			    0)
			return -1;
	}
	return count ? postgresql_resolve_types(c, (size_t)count, &oids, &modifiers, err) : 0;
}

static int read_key(struct connection *c, const char *oid, size_t *count, struct error *err)
{
	PGresult *result = postgresql_exec(c, sql_key, &oid, 1, PGRES_TUPLES_OK, err);

	if (!result || postgresql_keep(c, result, err) < 0)
		return -1;
	*count = (size_t)PQntuples(result);
	c->key = calloc(*count + 1, sizeof *c->key);
	if (!c->key)
		return error_nomem(err);
	for (size_t i = 0; i < *count; i++)
		c->key[i] = PQgetvalue(result, (int)i, 0);
	return 0;
}

/* The one relation of that name. Its result is kept. */
static int find_relation(struct connection *c, const struct table_name *table, PGresult **ret,
			 struct error *err)
{
	const char *values[] = { table->schema, table->table };
	PGresult *found = postgresql_exec(c, sql_relation, values, 2, PGRES_TUPLES_OK, err);
	char kind;

	if (!found || postgresql_keep(c, found, err) < 0)
		return -1;
	if (PQntuples(found) == 0)
		return names_no_such_table(table, err);
	kind = PQgetvalue(found, 0, 3)[0];
	if (!strchr("rpvmf", kind))
		return error_set(err, ERR_NOINPUT, "\"%s\" is not a table; its kind: %s",
				 table->table, kind_name(kind));
	*ret = found;
	return 0;
}

int postgresql_explain_missing(struct connection *c, const struct request *request,
			       struct error *err)
{
	const struct error server = *err;
	PGresult *found = NULL;

	if (request->query || (strcmp(c->state, "42P01") != 0 && strcmp(c->state, "42809") != 0))
		return -1;
	if (postgresql_run(c, "ROLLBACK", err) < 0 ||
	    find_relation(c, &request->table, &found, err) < 0)
		return -1;
	/* It is there: the server meant something inside it. */
	*err = server;
	return -1;
}

int postgresql_describe_table(struct connection *c, const struct request *request,
			      struct relation *ret, struct error *err)
{
	struct relation relation = { 0 };
	PGresult *found = NULL, *columns;
	const char *oid;

	if (find_relation(c, &request->table, &found, err) < 0)
		return -1;
	c->label = names_label(PQgetvalue(found, 0, 1), PQgetvalue(found, 0, 2), err);
	if (!c->label)
		return -1;
	oid = PQgetvalue(found, 0, 0);
	columns = postgresql_exec(c, sql_columns, &oid, 1, PGRES_TUPLES_OK, err);
	if (!columns || postgresql_keep(c, columns, err) < 0 || read_columns(c, columns, err) < 0)
		return -1;
	/* A parent's primary key does not reach into the tables that inherit from it. */
	if (PQgetvalue(found, 0, 4)[0] != 't' && read_key(c, oid, &relation.key_count, err) < 0)
		return -1;
	relation.label = c->label;
	relation.columns = c->columns;
	relation.count = (size_t)PQntuples(columns);
	relation.key = c->key;
	*ret = relation;
	return 0;
}

/* A domain is described as its base type, with the base's modifier. */
static int read_result_columns(struct connection *c, const PGresult *result, struct error *err)
{
	auto_buf oids = BUF_INIT, modifiers = BUF_INIT;
	int count = PQnfields(result);

	c->columns = calloc((size_t)count, sizeof *c->columns);
	if (!c->columns)
		return error_nomem(err);
	for (int i = 0; i < count; i++) {
		c->columns[i].source_name = PQfname(result, i);
		if (buf_appendf(&oids, err, "%c%u", i ? ',' : '{', PQftype(result, i)) < 0 ||
		    buf_appendf(&modifiers, err, "%c%d", i ? ',' : '{', PQfmod(result, i)) < 0)
			return -1;
	}
	return postgresql_resolve_types(c, (size_t)count, &oids, &modifiers, err);
}

int postgresql_describe_query(struct connection *c, const struct request *request,
			      struct relation *ret, struct error *err)
{
	PGresult *result;

	c->busy = true;
	if (!PQsendPrepare(c->pg, "", request->query, 0, NULL))
		return postgresql_fail(c, NULL, err);
	result = postgresql_result(c, PGRES_COMMAND_OK, err);
	if (!result)
		return -1;
	PQclear(result);
	c->busy = true;
	if (!PQsendDescribePrepared(c->pg, ""))
		return postgresql_fail(c, NULL, err);
	result = postgresql_result(c, PGRES_COMMAND_OK, err);
	if (!result || postgresql_keep(c, result, err) < 0)
		return -1;
	if (PQnfields(result) == 0)
		return error_set(err, ERR_USAGE,
				 "--query: the statement returns no columns; it must be a SELECT");
	c->label = names_label(NULL, "query", err);
	if (!c->label || read_result_columns(c, result, err) < 0)
		return -1;
	*ret = (struct relation){ .label = c->label,
				  .columns = c->columns,
				  .count = (size_t)PQnfields(result) };
	return 0;
}

int postgresql_list(struct connection *c,
		    int (*one)(void *, const char *schema, const char *table, const char *kind,
			       int64_t rows, struct error *),
		    void *argument, struct error *err)
{
	PGresult *result = postgresql_exec(c, sql_list, NULL, 0, PGRES_TUPLES_OK, err);
	int rc = result ? 0 : -1;

	for (int i = 0; rc == 0 && i < PQntuples(result); i++) {
		int64_t rows;

		rc = parse_int64(PQgetvalue(result, i, 3), -1, INT64_MAX, &rows, err);
		if (rc == 0)
			rc = one(argument, PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
				 kind_name(PQgetvalue(result, i, 2)[0]), rows, err);
	}
	PQclear(result);
	return rc;
}

int postgresql_changed(struct connection *c, char **name, struct error *err)
{
	PGresult *result = postgresql_exec(c, sql_changed, NULL, 0, PGRES_TUPLES_OK, err);
	int changed;

	if (!result)
		return -1;
	changed = PQntuples(result) > 0;
	if (changed) {
		*name = strdup(PQgetvalue(result, 0, 0));
		if (!*name)
			changed = error_nomem(err);
	}
	PQclear(result);
	return changed;
}
