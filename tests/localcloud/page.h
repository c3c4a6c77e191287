/* One page of rows of a physical table: what tabledata.list and getQueryResults share. */
#ifndef LOCALCLOUD_PAGE_H
#define LOCALCLOUD_PAGE_H

#include "tests/localcloud/http.h"
#include "tests/localcloud/store.h"

/*
 * Reads startIndex, pageToken, maxResults, selectedFields and formatOptions.useInt64Timestamp of the request and sets
 * rows, totalRows and pageToken of answer. fields: the table's schema. Inside store_read_begin … store_read_end.
 */
int page_read(const struct exchange *ex, struct store *s, const char *physical,
	      const json_t *fields, json_t *answer, struct api_error *err);
/* The same with the numbers given: for jobs.query, whose body holds them. limit -1: none. */
int page_read_first(struct store *s, const char *physical, const json_t *fields, int64_t limit,
		    bool int64_timestamps, json_t *answer, struct api_error *err);

#endif
