/*
 * CSV as Python's csv.DictReader reads it: commas, double quotes doubled
 * inside of quotes, line ends of any system, also inside of quotes (each a
 * line feed then, unless `exact`); what stands behind a closing quote belongs
 * to the field. The first row names the columns; empty lines are no rows.
 */
#ifndef SLUICE_INFER_CSV_H
#define SLUICE_INFER_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/error.h"

struct csv_cell {
	size_t start, length; /* in csv->text */
	bool quoted;
	bool open;  /* the closing quote is missing: the rest of the file is in it */
	bool loose; /* more stands behind the closing quote */
};

struct csv {
	int fd, copy; /* not owned; copy: what is read is written here too, or -1 */
	const char *name;
	struct buf in;
	size_t position;
	bool at_eof, after_cr;
	bool exact;    /* a byte order mark at the beginning is no data, line ends in quotes are */
	bool verbatim; /* inside of such quotes */
	uint64_t line; /* on which the row begins, the first is 1 */
	uint64_t next_line; /* on which the next byte stands */
	uint64_t bytes, rows;
	struct buf text; /* of the row's cells, one behind another */
	struct csv_cell *cell;
	size_t cells, cell_capacity;
};

void csv_open(struct csv *c, int fd, int copy, const char *name);

/* 1: c->cell[0 .. cells) is the next row. 0: the end. ERR_DATA: not UTF-8, or too long. */
int csv_next(struct csv *c, struct error *err) __attribute__((warn_unused_result));
void csv_release(struct csv *c);

#endif
