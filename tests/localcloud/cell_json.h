/* Physical cells -> the {"f":[{"v":…}]} form in which the API answers with rows. */
#ifndef LOCALCLOUD_CELL_JSON_H
#define LOCALCLOUD_CELL_JSON_H

#include "tests/localcloud/schema.h"

#include <sqlite3.h>

/*
 * New reference: one row {"f":[…]} from the statement's columns first … first+n-1. int64_timestamps: TIMESTAMP as
 * microseconds instead of float seconds ("1.7040672E9").
 */
json_t *cell_json_row(sqlite3_stmt *stmt, int first, const struct column *columns, size_t n,
		      bool int64_timestamps);

#endif
