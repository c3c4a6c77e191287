/*
 * --mode exact: a schema that holds every value unchanged. All that a row
 * does is to set bits: which kinds of values a field has had, and how many
 * digits. Their order does not matter, and the type is decided at the end.
 */
#ifndef SLUICE_INFER_EXACT_H
#define SLUICE_INFER_EXACT_H

#include <stddef.h>
#include <stdint.h>

#include "infer/config.h"
#include "infer/record.h"

struct csv;

struct exact {
	const struct config *config;
	struct record *top;
	uint64_t rows;
	struct spelling **column; /* of a CSV file */
	size_t columns;
};

int exact_init(struct exact *m, const struct config *config, struct error *err)
	__attribute__((warn_unused_result));
void exact_release(struct exact *m);

/* The schema of the table that the rows go to. It is borrowed until the release. */
int exact_seed(struct exact *m, const struct schema *schema, struct error *err)
	__attribute__((warn_unused_result));

/* One row, as rowstream_next lends it. ERR_DATA: it is invalid. */
int exact_row(struct exact *m, const char *row, size_t length, uint64_t line, struct error *err)
	__attribute__((warn_unused_result));

/* The columns of a CSV file, whose names are the cells of its first row. */
int exact_csv_header(struct exact *m, const struct csv *csv, struct error *err)
	__attribute__((warn_unused_result));
int exact_csv_row(struct exact *m, const struct csv *csv, struct error *err)
	__attribute__((warn_unused_result));

/* What a text says, its escapes decoded: bits of enum fact. csv: exponents are numbers, too. */
uint32_t exact_text_facts(const char *text, size_t length, const struct config *config,
			  struct digits *digits);

/* Decide: field->target of all fields, and their order. */
int exact_flatten(struct exact *m, struct error *err) __attribute__((warn_unused_result));

#endif
