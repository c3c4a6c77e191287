/*
 * MySQL's and MariaDB's types: which BigQuery type a column becomes, its
 * encoder, and how the SELECT asks for it.
 *
 * An encoder's cell is the value as the binary protocol sends it, without a
 * length prefix: integers and floats little-endian, as wide as their type;
 * decimals, text and blobs as they are; dates and times the 0, 4, 7, 8, 11 or
 * 12 bytes behind their length byte.
 */
#ifndef SLUICE_EXTRACT_MYSQL_TYPES_H
#define SLUICE_EXTRACT_MYSQL_TYPES_H

#include <mysql.h>

#include "extract/driver.h"
#include "extract/encode.h"

/*
 * Sets type, encoder, precision, scale and form from the metadata of a
 * prepared `SELECT *`, MariaDB's extended attributes included. source_name,
 * source_type and required are the caller's; ERR_REMOTE for a type that no
 * server sends. A column that may become null on the way (--zero-dates null)
 * is no longer required afterwards, so set required first.
 */
int mysql_set_type(struct column *column, const MYSQL_FIELD *field,
		   const struct type_options *options, struct error *err)
	__attribute__((warn_unused_result));

/* Make it a STRING in the server's own text form, for the SELECT built afterwards. */
void mysql_as_text(struct column *column);

/* The column as the SELECT names it: `a`, CAST(`a` AS CHAR), ST_AsBinary(`g`). */
int mysql_append_select(struct buf *sql, const struct column *column, struct error *err)
	__attribute__((warn_unused_result));

#endif
