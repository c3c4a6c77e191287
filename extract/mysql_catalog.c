#include <stdlib.h>
#include <string.h>

#include "extract/mysql_impl.h"
#include "extract/mysql_types.h"
#include "lib/log.h"
#include "lib/parse.h"

/* The parameters of a name's lookup in information_schema, see append_lookup. */
static const char sql_columns[] =
	"SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE, c.COLUMN_COMMENT"
	" FROM information_schema.COLUMNS c WHERE FIND_IN_SET('select', c.PRIVILEGES) AND ";

static const char sql_table[] =
	"SELECT c.TABLE_TYPE, c.ENGINE, e.TRANSACTIONS FROM information_schema.TABLES c"
	" LEFT JOIN information_schema.ENGINES e ON e.ENGINE = c.ENGINE WHERE ";

static const char sql_key[] =
	"SELECT c.COLUMN_NAME FROM information_schema.STATISTICS c WHERE c.INDEX_NAME = 'PRIMARY' AND ";

/* The server's own schemas hold nothing of the user's. */
static const char sql_list[] =
	"SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, t.CREATE_OPTIONS LIKE '%partitioned%', t.TABLE_ROWS"
	" FROM information_schema.TABLES t JOIN (SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME"
	" FROM information_schema.COLUMNS WHERE FIND_IN_SET('select', PRIVILEGES)) c"
	" ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND BINARY c.TABLE_NAME = BINARY t.TABLE_NAME"
	" WHERE t.TABLE_TYPE IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')"
	" AND t.TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')"
	" AND (DATABASE() IS NULL OR t.TABLE_SCHEMA = DATABASE())"
	" ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME";

int mysql_append_table(struct buf *sql, const struct table_name *table, struct error *err)
{
	if (table->schema &&
	    (names_quote(sql, table->schema, '`', err) < 0 || buf_append_str(sql, ".", err) < 0))
		return -1;
	return names_quote(sql, table->table, '`', err);
}

static int append_value(struct connection *c, struct buf *sql, const char *column,
			const char *value, struct error *err)
{
	/* The first comparison lets the server look at this table alone; it ignores case and accents. */
	if (buf_appendf(sql, err, "c.%s = ", column) < 0 ||
	    mysql_append_literal(c, sql, value, err) < 0 ||
	    buf_appendf(sql, err,
			" AND IF(@@lower_case_table_names, BINARY LOWER(c.%s) = BINARY LOWER(",
			column) < 0 ||
	    mysql_append_literal(c, sql, value, err) < 0 ||
	    buf_appendf(sql, err, "), BINARY c.%s = BINARY ", column) < 0 ||
	    mysql_append_literal(c, sql, value, err) < 0)
		return -1;
	return buf_append_str(sql, ")", err);
}

/* sql, the condition that c is this table, and the order; run it. */
static MYSQL_RES *look_up(struct connection *c, const char *sql, const struct table_name *table,
			  const char *order, struct error *err)
{
	auto_buf statement = BUF_INIT;
	const char *text;

	if (buf_append_str(&statement, sql, err) < 0)
		return NULL;
	if (table->schema) {
		if (append_value(c, &statement, "TABLE_SCHEMA", table->schema, err) < 0)
			return NULL;
	} else if (buf_append_str(&statement, "c.TABLE_SCHEMA = DATABASE()", err) < 0) {
		return NULL;
	}
	if (buf_append_str(&statement, " AND ", err) < 0 ||
	    append_value(c, &statement, "TABLE_NAME", table->table, err) < 0 ||
	    buf_append_str(&statement, order, err) < 0)
		return NULL;
	text = buf_cstr(&statement, err);
	return text ? mysql_ask(c, text, err) : NULL;
}

/* --- a table ------------------------------------------------------------------------ */

static const char *kind_name(const char *type)
{
	static const struct {
		const char *type, *name;
	} kinds[] = {
		{ "BASE TABLE", "table" }, { "SYSTEM VERSIONED", "table" }, { "VIEW", "view" },
		{ "SYSTEM VIEW", "view" }, { "SEQUENCE", "sequence" },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(type, kinds[i].type))
			return kinds[i].name;
	return "relation of another kind";
}

/*
 * It exists and is a table. Where its engine has no transactions, the SELECT
 * itself locks the table while it runs: one state as well, but of that moment.
 */
static int check_kind(struct connection *c, const struct table_name *table, bool snapshot,
		      struct error *err)
{
	MYSQL_RES *result = look_up(c, sql_table, table, "", err);
	MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
	int rc = 0;

	if (!result)
		return -1;
	if (!row)
		rc = names_no_such_table(table, err);
	else if (!strcmp(row[0], "SEQUENCE"))
		rc = error_set(err, ERR_NOINPUT, "\"%s\" is not a table; its kind: %s",
			       table->table, kind_name(row[0]));
	else if (snapshot && row[1] && (!row[2] || strcmp(row[2], "YES") != 0))
		log_warn("%s: its engine %s has no snapshots: it is read as it is later on",
			 table->table, row[1]);
	mysql_free_result(result);
	return rc;
}

int mysql_explain_missing(struct connection *c, const struct request *request, struct error *err)
{
	const struct error server = *err;

	if (request->query || c->failed != 1146)
		return -1;
	if (check_kind(c, &request->table, false, err) < 0)
		return -1;
	/* It is there: the server meant something inside it. */
	*err = server;
	return -1;
}

static int read_columns(struct connection *c, MYSQL_RES *rows, struct error *err)
{
	size_t count = 0;
	MYSQL_ROW row;

	c->columns = calloc((size_t)mysql_num_rows(rows) + 1, sizeof *c->columns);
	if (!c->columns)
		return error_nomem(err);
	while ((row = mysql_fetch_row(rows))) {
		struct column *column = &c->columns[count++];

		if (!c->label && !(c->label = names_label(row[0], row[1], err)))
			return -1;
		column->source_name = row[2];
		column->source_type = row[3];
		column->required = !strcmp(row[4], "NO");
		column->description = row[5] && *row[5] ? row[5] : NULL;
	}
	c->column_count = count;
	return 0;
}

/* For messages, and for cursors: a query's columns have no declaration to quote. */
static const char *type_name(const MYSQL_FIELD *field)
{
	static const char *const extended[] = { "uuid", "inet4", "inet6" };
	MARIADB_CONST_STRING name = { .length = 0 };

	if (mariadb_field_attr(&name, field, MARIADB_FIELD_ATTR_DATA_TYPE_NAME) == 0)
		for (size_t i = 0; i < sizeof extended / sizeof *extended; i++)
			if (name.length == strlen(extended[i]) &&
			    !memcmp(name.str, extended[i], name.length))
				return extended[i];
	if (field->flags & (ENUM_FLAG | SET_FLAG))
		return field->flags & ENUM_FLAG ? "enum" : "set";
	switch (field->type) {
	case MYSQL_TYPE_TINY:
		return "tinyint";
	case MYSQL_TYPE_SHORT:
		return "smallint";
	case MYSQL_TYPE_INT24:
		return "mediumint";
	case MYSQL_TYPE_LONG:
		return "int";
	case MYSQL_TYPE_LONGLONG:
		return "bigint";
	case MYSQL_TYPE_FLOAT:
		return "float";
	case MYSQL_TYPE_DOUBLE:
		return "double";
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL:
		return "decimal";
	case MYSQL_TYPE_YEAR:
		return "year";
	case MYSQL_TYPE_DATE:
	case MYSQL_TYPE_NEWDATE:
		return "date";
	case MYSQL_TYPE_TIME:
		return "time";
	case MYSQL_TYPE_DATETIME:
		return "datetime";
	case MYSQL_TYPE_TIMESTAMP:
		return "timestamp";
	case MYSQL_TYPE_BIT:
		return "bit";
	case MYSQL_TYPE_JSON:
		return "json";
	case MYSQL_TYPE_GEOMETRY:
		return "geometry";
	case MYSQL_TYPE_NULL:
		return "null";
	case MYSQL_TYPE_TINY_BLOB:
	case MYSQL_TYPE_MEDIUM_BLOB:
	case MYSQL_TYPE_LONG_BLOB:
	case MYSQL_TYPE_BLOB:
		return field->flags & BINARY_FLAG ? "blob" : "text";
	default:
		return field->flags & BINARY_FLAG ? "varbinary" : "varchar";
	}
}

/* What the server says of the prepared statement's columns; of a query's it is all that is known. */
static int set_types(struct connection *c, const struct request *request, struct error *err)
{
	MYSQL_RES *metadata = mysql_stmt_result_metadata(c->stmt);
	const MYSQL_FIELD *fields = metadata ? mysql_fetch_fields(metadata) : NULL;

	if (!metadata)
		return mysql_fail(c, err);
	if (mysql_keep(c, metadata, err) < 0)
		return -1;
	if (mysql_num_fields(metadata) != c->column_count)
		return error_set(err, ERR_PROTOCOL, "%s: %u columns where %zu were asked for",
				 mysql_product(c), mysql_num_fields(metadata), c->column_count);
	for (size_t i = 0; i < c->column_count; i++) {
		struct column *column = &c->columns[i];

		column->required = column->required && (fields[i].flags & NOT_NULL_FLAG);
		if (request->query) {
			column->source_name = fields[i].name;
			column->source_type = type_name(&fields[i]);
		}
		if (mysql_set_type(column, &fields[i], &request->types, err) < 0)
			return -1;
	}
	return 0;
}

static int prepare_columns(struct connection *c, const struct table_name *table, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	if (buf_append_str(&sql, "SELECT", err) < 0)
		return -1;
	for (size_t i = 0; i < c->column_count; i++)
		if (buf_append_str(&sql, i ? ", " : " ", err) < 0 ||
		    names_quote(&sql, c->columns[i].source_name, '`', err) < 0)
			return -1;
	if (buf_append_str(&sql, " FROM ", err) < 0 || mysql_append_table(&sql, table, err) < 0)
		return -1;
	text = buf_cstr(&sql, err);
	return text ? mysql_prepare(c, text, err) : -1;
}

static int read_key(struct connection *c, const struct table_name *table, size_t *count,
		    struct error *err)
{
	MYSQL_RES *rows = look_up(c, sql_key, table, " ORDER BY c.SEQ_IN_INDEX", err);
	MYSQL_ROW row;

	if (!rows || mysql_keep(c, rows, err) < 0)
		return -1;
	c->key = calloc((size_t)mysql_num_rows(rows) + 1, sizeof *c->key);
	if (!c->key)
		return error_nomem(err);
	*count = 0;
	while ((row = mysql_fetch_row(rows)))
		c->key[(*count)++] = row[0];
	return 0;
}

int mysql_describe_table(struct connection *c, const struct request *request, struct relation *ret,
			 struct error *err)
{
	struct relation relation = { 0 };
	MYSQL_RES *columns;

	if (check_kind(c, &request->table, request->snapshot_first, err) < 0)
		return -1;
	columns = look_up(c, sql_columns, &request->table, " ORDER BY c.ORDINAL_POSITION", err);
	if (!columns || mysql_keep(c, columns, err) < 0 || read_columns(c, columns, err) < 0)
		return -1;
	if (c->column_count == 0)
		return error_set(err, ERR_PERM, "%s: no column of \"%s\" may be read",
				 mysql_product(c), request->table.table);
	if (prepare_columns(c, &request->table, err) < 0 || set_types(c, request, err) < 0 ||
	    read_key(c, &request->table, &relation.key_count, err) < 0)
		return -1;
	relation.label = c->label;
	relation.columns = c->columns;
	relation.count = c->column_count;
	relation.key = c->key;
	*ret = relation;
	return 0;
}

/* --- a query ------------------------------------------------------------------------- */

int mysql_check_query(struct connection *c, const struct request *request, struct error *err)
{
	if (mysql_prepare(c, request->query, err) < 0)
		return -1;
	if (mysql_stmt_param_count(c->stmt) > 0)
		return error_set(err, ERR_USAGE,
				 "--query: a ? in it is a parameter that nobody supplies");
	if (mysql_stmt_field_count(c->stmt) == 0)
		return error_set(err, ERR_USAGE,
				 "--query: the statement returns no columns; it must be a SELECT");
	return 0;
}

/* As it will be read, for as a derived table some columns have other types than alone. */
int mysql_describe_query(struct connection *c, const struct request *request, struct relation *ret,
			 struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	if (buf_appendf(&sql, err, "SELECT * FROM (%s\n) AS query", request->query) < 0)
		return -1;
	text = buf_cstr(&sql, err);
	if (!text || mysql_prepare(c, text, err) < 0)
		return -1;
	c->column_count = mysql_stmt_field_count(c->stmt);
	c->columns = calloc(c->column_count + 1, sizeof *c->columns);
	if (!c->columns)
		return error_nomem(err);
	c->label = names_label(NULL, "query", err);
	if (!c->label || set_types(c, request, err) < 0)
		return -1;
	*ret = (struct relation){ .label = c->label,
				  .columns = c->columns,
				  .count = c->column_count };
	return 0;
}

/* --- the list -------------------------------------------------------------------------- */

int mysql_list(struct connection *c,
	       int (*one)(void *, const char *schema, const char *table, const char *kind,
			  int64_t rows, struct error *),
	       void *argument, struct error *err)
{
	MYSQL_RES *result = mysql_ask(c, sql_list, err);
	int rc = result ? 0 : -1;
	MYSQL_ROW row;

	while (rc == 0 && (row = mysql_fetch_row(result))) {
		bool partitioned = row[3] && !strcmp(row[3], "1");
		int64_t rows = -1;

		if (row[4])
			rc = parse_int64(row[4], 0, INT64_MAX, &rows, err);
		if (rc == 0)
			rc = one(argument, row[0], row[1],
				 partitioned ? "partitioned table" : kind_name(row[2]), rows, err);
	}
	mysql_free_result(result);
	return rc;
}
