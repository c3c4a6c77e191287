/*
 * From the types that columns are declared with to those that set_type knows:
 * domains are followed to their base, arrays to their elements, and types that
 * extensions bring are told by their names.
 */
#include <stdlib.h>
#include <string.h>

#include "extract/postgresql_impl.h"
#include "extract/postgresql_types.h"
#include "lib/parse.h"

/*
 * $1 OIDs and $2 modifiers, one each a column, in their order. A domain's own
 * modifier counts where none was given; an array's is that of its elements.
 * Who owns the name of a type decides, not the schema it stands in. The scale
 * of money is what the server's lc_monetary says, for the cast as for output.
 */
static const char sql_types[] =
	"WITH RECURSIVE given AS (SELECT * FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]),"
	" pg_catalog.unnest($2::pg_catalog.int4[])) WITH ORDINALITY g(type, modifier, place)),"
	" base(place, type, modifier) AS (SELECT place, type, modifier FROM given"
	" UNION ALL SELECT b.place, t.typbasetype, CASE WHEN b.modifier < 0 THEN t.typtypmod ELSE b.modifier END"
	" FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype = 'd'),"
	" known AS NOT MATERIALIZED (SELECT t.oid, e.oid AS element, CASE"
	" WHEN e.oid IS NOT NULL THEN 'A'"
	" WHEN x.extname = 'citext' AND t.typname = 'citext' THEN 'C'"
	" WHEN x.extname = 'hstore' AND t.typname = 'hstore' THEN 'H'"
	" WHEN x.extname = 'postgis' AND t.typname = 'geometry' THEN 'G'"
	" WHEN x.extname = 'postgis' AND t.typname = 'geography' THEN 'S'"
	" ELSE t.typtype::pg_catalog.text END AS kind"
	" FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid"
	" LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass"
	" AND d.objid = t.oid AND d.deptype = 'e'"
	" LEFT JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid"
	" WHERE t.typtype <> 'd'),"
	" whole AS (SELECT b.place, b.modifier, k.oid, k.element, k.kind FROM base b JOIN known k ON k.oid = b.type),"
	" part(place, type, modifier) AS (SELECT place, element, modifier FROM whole WHERE element IS NOT NULL"
	" UNION ALL SELECT p.place, t.typbasetype, CASE WHEN p.modifier < 0 THEN t.typtypmod ELSE p.modifier END"
	" FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.type AND t.typtype = 'd')"
	" SELECT pg_catalog.format_type(g.type, g.modifier), w.oid, w.modifier, w.kind, k.oid, p.modifier, k.kind,"
	" pg_catalog.scale('0'::pg_catalog.money::pg_catalog.numeric)"
	" FROM given g JOIN whole w USING (place)"
	" LEFT JOIN (part p JOIN known k ON k.oid = p.type) USING (place) ORDER BY place";

enum { OF_TYPE = 1, OF_ELEMENT = 4, MONEY_SCALE = 7 };

static int bad_catalog(const char *text, struct error *err)
{
	return error_set(err, ERR_PROTOCOL, "PostgreSQL: the catalog says '%s'", text);
}

/* The three columns from `from` on; where there is no element, they are null. */
static int read_type(const PGresult *result, int row, int from, struct postgresql_type *ret,
		     struct error *err)
{
	int64_t oid, modifier;

	*ret = (struct postgresql_type){ 0 };
	if (PQgetisnull(result, row, from))
		return 0;
	if (parse_int64(PQgetvalue(result, row, from), 0, UINT32_MAX, &oid, err) < 0)
		return bad_catalog(PQgetvalue(result, row, from), err);
	if (parse_int64(PQgetvalue(result, row, from + 1), INT32_MIN, INT32_MAX, &modifier, err) <
	    0)
		return bad_catalog(PQgetvalue(result, row, from + 1), err);
	*ret = (struct postgresql_type){ .oid = (uint32_t)oid,
					 .modifier = (int32_t)modifier,
					 .kind = PQgetvalue(result, row, from + 2)[0] };
	return 0;
}

static int set_types(struct connection *c, const PGresult *result, struct error *err)
{
	struct postgresql_settings settings = { .options = *c->options };
	int64_t scale;

	for (int i = 0; i < PQntuples(result); i++) {
		struct postgresql_type type, element;

		if (read_type(result, i, OF_TYPE, &type, err) < 0 ||
		    read_type(result, i, OF_ELEMENT, &element, err) < 0)
			return -1;
		if (parse_int64(PQgetvalue(result, i, MONEY_SCALE), 0, 10, &scale, err) < 0)
			return bad_catalog(PQgetvalue(result, i, MONEY_SCALE), err);
		settings.money_scale = (int)scale;
		c->columns[i].source_type = PQgetvalue(result, i, 0);
		postgresql_set_type(&c->columns[i], &type, &element, &c->inner[i], &settings);
	}
	return 0;
}

int postgresql_resolve_types(struct connection *c, size_t count, struct buf *oids,
			     struct buf *modifiers, struct error *err)
{
	const char *values[2];
	PGresult *result;

	c->inner = calloc(count, sizeof *c->inner);
	if (!c->inner)
		return error_nomem(err);
	if (buf_append_str(oids, "}", err) < 0 || buf_append_str(modifiers, "}", err) < 0)
		return -1;
	values[0] = buf_cstr(oids, err);
	values[1] = values[0] ? buf_cstr(modifiers, err) : NULL;
	result = values[1] ? postgresql_exec(c, sql_types, values, 2, PGRES_TUPLES_OK, err) : NULL;
	if (!result || postgresql_keep(c, result, err) < 0)
		return -1;
	if ((size_t)PQntuples(result) != count)
		return error_set(err, ERR_PROTOCOL,
				 "PostgreSQL: %d types for %zu columns; a type is gone",
				 PQntuples(result), count);
	return set_types(c, result, err);
}
