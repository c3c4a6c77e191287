/*
 * What is read twice: once for the schema, once for the rows. A FILE (or a
 * stdin that is one) is read from its start again; any other stdin is copied
 * into an unlinked file in TMPDIR while it is read the first time. Of a row
 * stream only the rows are kept there: its end has been proven then.
 */
#ifndef SLUICE_INFER_INPUT_H
#define SLUICE_INFER_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "infer/config.h"
#include "infer/csv.h"
#include "lib/error.h"
#include "lib/rowstream.h"

struct input {
	const char *name; /* for messages: "stdin", or the FILE */
	int fd;
	bool own;       /* fd is to be closed */
	bool csv, bare; /* bare: no proof of its end */
	bool exact;     /* a byte order mark at the beginning of a file is none of the data */
	off_t start;    /* where a seekable input begins; -1 when it must be kept */
	int spool;      /* what is kept; -1 when nothing is */
	struct rowstream_writer keep;
	uint64_t line_offset; /* lines before the first row that were not kept */
	uint64_t size;        /* bytes, 0 when not known */
	struct rowstream_reader rows;
	struct csv lines;
};

/* ERR_NOINPUT without the FILE. twice: the rows will be read again. */
int input_open(struct input *in, const struct config *config, bool twice, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The next row of NDJSON; line is set. As rowstream_next. Each is kept, where
 * need be, by input_keep: what is left out as an empty line, in its place.
 */
int input_next(struct input *in, const char **row, size_t *length, uint64_t *line,
	       struct error *err) __attribute__((warn_unused_result));
int input_keep(struct input *in, const char *row, size_t length, struct error *err)
	__attribute__((warn_unused_result));

/* Begin again, without what was not kept. */
int input_rewind(struct input *in, struct error *err) __attribute__((warn_unused_result));

void input_release(struct input *in);

#endif
