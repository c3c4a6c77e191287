/*
 * PostgreSQL's types: which BigQuery type a column becomes, its encoder, and
 * how the SELECT asks for it. Nothing here needs libpq.
 *
 * Built-in types are told by their OID, which never changes; those of users by
 * their kind; those of extensions by their name and who owns it. A type with
 * no decoder of its own is cast to text by the server.
 */
#ifndef SLUICE_EXTRACT_POSTGRESQL_TYPES_H
#define SLUICE_EXTRACT_POSTGRESQL_TYPES_H

#include <stdint.h>

#include "extract/driver.h"

/* pg_type.typtype, and what sql_types of postgresql_catalog.c puts in its place. */
enum postgresql_kind {
	POSTGRESQL_BASE = 'b',
	POSTGRESQL_COMPOSITE = 'c',
	POSTGRESQL_ENUM = 'e',
	POSTGRESQL_ARRAY = 'A',
	POSTGRESQL_CITEXT = 'C',
	POSTGRESQL_HSTORE = 'H',
	POSTGRESQL_GEOMETRY = 'G',
	POSTGRESQL_GEOGRAPHY = 'S',
};

/* A type that is no domain: those were followed to their base. */
struct postgresql_type {
	uint32_t oid;
	int32_t modifier; /* -1: none */
	char kind;        /* a postgresql_kind, or another typtype */
};

struct postgresql_settings {
	struct type_options options;
	int money_scale; /* of the server's lc_monetary */
};

/*
 * Sets type, encoder, precision, scale, repeated, required, inner and form;
 * required is the caller's, and goes where the column cannot promise it. For
 * an array, element is its element's type, and inner lives as long as column.
 */
void postgresql_set_type(struct column *column, const struct postgresql_type *type,
			 const struct postgresql_type *element, struct column *inner,
			 const struct postgresql_settings *settings);

/* Make it a STRING in PostgreSQL's own text form. */
void postgresql_as_text(struct column *column);

/* The column as the SELECT asks for it: "a", "a"::pg_catalog.text… */
int postgresql_append_select(struct buf *sql, const struct column *column, struct error *err)
	__attribute__((warn_unused_result));

#endif
