/*
 * The stream that the programs speak, rowstream(5): one JSON object a line,
 * `@begin` first, `@end` (or `@abort`) last, rows between. This module alone
 * reads and writes it.
 *
 * The point of the format is that input proves that it is whole. The reader
 * therefore reports success only after a valid `@end` whose count is right
 * and behind which nothing follows; every other way to stop is an error:
 *   ERR_DATA   empty input, no @begin, truncated, wrong count, unknown control
 *              record, bytes behind @end, a line over ROWSTREAM_LINE_MAX
 *   the exit code inside an `@abort`, with its reason as the message
 *
 * Rows are lent as slices into the reader's buffer, valid until the next
 * call, without their line end, and are not parsed here.
 */
#ifndef SLUICE_LIB_ROWSTREAM_H
#define SLUICE_LIB_ROWSTREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/error.h"

/* BigQuery takes rows of up to 100 MB. */
enum { ROWSTREAM_LINE_MAX = 100 * 1000 * 1000 };
enum { ROWSTREAM_VERSION = 1 };
/* Behind a lent row stand '\n' and this many readable bytes: parsers look 16 at a time. */
enum { ROWSTREAM_PADDING = 64 };

struct rowstream_reader {
	int fd;           /* not owned */
	int stop;         /* once this is readable, the input ends; -1: none. Not owned */
	const char *name; /* for messages, "stdin" */
	bool bare;        /* plain NDJSON: no control records at all */
	bool records;     /* a stream of records instead of rows */
	bool ended;
	struct buf in;
	size_t position; /* start of the next line in in.data */
	size_t scanned;  /* no line end before here */
	bool at_eof;
	uint64_t line_number; /* of the line lent last; the first is 1 */
	uint64_t rows;        /* or records */
	uint64_t bytes;       /* read so far, control records included */
	json_t *begin;        /* the inner object of @begin; NULL when bare */
	json_t *end;          /* the inner object of @end, once seen */
};

/* Read up to and including @begin (nothing when bare). */
int rowstream_open(struct rowstream_reader *r, int fd, const char *name, bool bare,
		   struct error *err) __attribute__((warn_unused_result));

/* As rowstream_open, of a row stream if it begins as one (or with @abort), else of plain NDJSON. */
int rowstream_open_either(struct rowstream_reader *r, int fd, const char *name, struct error *err)
	__attribute__((warn_unused_result));

/* The same, of input that also ends once the descriptor stop is readable; -1: none. */
int rowstream_open_either_until(struct rowstream_reader *r, int fd, int stop, const char *name,
				struct error *err) __attribute__((warn_unused_result));

/*
 * 1: *row, *length are the next row; row[length] is '\n' and ROWSTREAM_PADDING
 * more bytes can be read. 0: the proven end. -1: error.
 */
int rowstream_next(struct rowstream_reader *r, const char **row, size_t *length, struct error *err)
	__attribute__((warn_unused_result));

/* Read and discard up to the proven end. */
int rowstream_drain(struct rowstream_reader *r, struct error *err)
	__attribute__((warn_unused_result));

/* As rowstream_open, for a stream whose payload is records (@batch, @loaded …). */
int rowstream_open_records(struct rowstream_reader *r, int fd, const char *name, struct error *err)
	__attribute__((warn_unused_result));

/* As rowstream_open_records, of a stream if it begins as one, else of plain NDJSON (then it is bare). */
int rowstream_open_records_either(struct rowstream_reader *r, int fd, const char *name,
				  struct error *err) __attribute__((warn_unused_result));

/*
 * 1: *record is the next one, {"@kind":{…}}, a new reference of the caller's,
 * and *kind and *inner point into it. 0: the proven end. -1: error, as
 * rowstream_next's; a row is ERR_DATA too. Which kinds there are is the
 * caller's to judge.
 */
int rowstream_next_record(struct rowstream_reader *r, const char **kind, json_t **inner,
			  json_t **record, struct error *err) __attribute__((warn_unused_result));

void rowstream_release(struct rowstream_reader *r);

/* The line begins as a control record does. */
static inline bool rowstream_is_control(const char *line, size_t length)
{
	return length >= 3 && line[0] == '{' && line[1] == '"' && line[2] == '@';
}

/*
 * The writer gathers rows in `out` and writes it in large pieces. A row is
 * made by appending its bytes and LF to `out` and calling
 * rowstream_row_written; an unfinished row is cut off before an @abort.
 */
struct rowstream_writer {
	int fd; /* not owned */
	const char *name;
	struct buf out;
	size_t row_start; /* where the unfinished row begins */
	uint64_t rows;
	uint64_t bytes; /* written and flushed */
	bool begun, ended;
	bool broken; /* a write failed: what the reader got may end inside a line */
};

/* Bytes gathered before a write: large enough to be cheap, small enough for the L2 cache. */
enum { ROWSTREAM_FLUSH_BYTES = 256 * 1024 };

void rowstream_writer_init(struct rowstream_writer *w, int fd, const char *name);

/* begin: the inner object; "version" is added. Borrowed. */
int rowstream_write_begin(struct rowstream_writer *w, const json_t *begin, struct error *err)
	__attribute__((warn_unused_result));

int rowstream_flush(struct rowstream_writer *w, struct error *err)
	__attribute__((warn_unused_result));

/* `out` now ends with a whole row and its LF. */
__attribute__((warn_unused_result)) static inline int
rowstream_row_written(struct rowstream_writer *w, struct error *err)
{
	w->rows++;
	w->row_start = w->out.length;
	if (w->out.length < ROWSTREAM_FLUSH_BYTES)
		return 0;
	return rowstream_flush(w, err);
}

/* Append a whole row (no line end in it). */
int rowstream_write_row(struct rowstream_writer *w, const char *row, size_t length,
			struct error *err) __attribute__((warn_unused_result));

/* A record such as {"@loaded":{…}} in a stream of records: counts as a row, written at once. */
int rowstream_write_record(struct rowstream_writer *w, const char *kind, const json_t *inner,
			   struct error *err) __attribute__((warn_unused_result));

/*
 * The last act of a producer: `end` (or NULL) plus the count under the name
 * count_name ("rows" or "records"), flushed.
 */
int rowstream_write_end(struct rowstream_writer *w, const json_t *end, const char *count_name,
			struct error *err) __attribute__((warn_unused_result));

/*
 * Say on the stream that it failed, if it can still be said: nothing is
 * written after @end, or when the output itself is what failed.
 */
void rowstream_write_abort(struct rowstream_writer *w, const struct error *failure);

/* A message as JSON takes it: it may quote bytes that are not UTF-8. NULL when memory is out. */
json_t *rowstream_reason(const char *message);

void rowstream_writer_release(struct rowstream_writer *w);

#endif
