/*
 * What a stream's schema and a table's differ in, for people: a line per
 * column, aligned, with what would be needed. Owns nothing.
 */
#ifndef SLUICE_LOAD_SCHEMA_DIFF_H
#define SLUICE_LOAD_SCHEMA_DIFF_H

#include "lib/error.h"
#include "lib/schema.h"

/* More lines than this help nobody, and must fit a message. */
enum { SCHEMA_DIFF_LINES = 20, SCHEMA_DIFF_TEXT = 320 };

struct schema_diff_line {
	char column[SCHEMA_DIFF_TEXT]; /* with the records that it is in */
	char table[64], stream[64];
	const char *needed;
};

struct schema_diff {
	struct schema_diff_line line[SCHEMA_DIFF_LINES];
	size_t count; /* also those that are not kept */
};

/* Either field may be NULL, not both. prefix: "record." or ""; needed stays the caller's. */
void schema_diff_add(struct schema_diff *d, const char *prefix, const struct schema_field *table,
		     const struct schema_field *stream, const char *needed);

/* ERR_DATA with all of it, -1. */
int schema_diff_error(const struct schema_diff *d, struct error *err);

#endif
