#include "extract/rows.h"

#include <stdlib.h>

enum { COPY_BYTES = 16 };

/* `,"name":` of each column, end to end. The first comma of a row becomes its `{`. */
struct prefixes {
	struct buf text;
	size_t *end;  /* where each ends in text */
	size_t fixed; /* room that every row needs, whatever its cells */
};

static int make_prefixes(const struct rows *r, struct prefixes *p, struct error *err)
{
	p->end = calloc(r->count, sizeof *p->end);
	if (!p->end)
		return error_nomem(err);
	for (size_t i = 0; i < r->count; i++) {
		if (buf_appendf(&p->text, err, ",\"%s\":", r->columns[i].name) < 0)
			return -1;
		p->end[i] = p->text.length;
	}
	/* "null" where an encoder reserves nothing, "{}\n", and what a 16-byte store spills. */
	p->fixed = p->text.length + 4 * r->count + 3 + COPY_BYTES;
	/* copy_prefix reads that far behind the last one. */
	return buf_reserve(&p->text, COPY_BYTES, err);
}

/* Most prefixes are short: one vector move, without a call, is what they cost. */
static inline char *copy_prefix(char *out, const char *prefix, size_t n)
{
	memcpy(out, prefix, COPY_BYTES);
	if (n > COPY_BYTES)
		memcpy(out + COPY_BYTES, prefix + COPY_BYTES, n - COPY_BYTES);
	return out + n;
}

static int flush(void *argument, struct error *err)
{
	struct rows *r = argument;
	struct rowstream_writer *w = r->writer;

	if (w->out.length == 0)
		return 0;
	if (wait_write(r->wait, w->out.data, w->row_start, err) < 0) {
		/* An unknown part of it is out: no @abort can follow. */
		w->broken = true;
		return -1;
	}
	w->bytes += w->row_start;
	buf_clear(&w->out);
	w->row_start = 0;
	return 0;
}

static size_t row_room(const struct rows *r, const struct prefixes *p, const struct cell *cells)
{
	const struct column *columns = r->columns;
	size_t room = p->fixed, count = r->count;

	for (size_t i = 0; i < count; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no cells, no rows: error_nomem */
		if (!cells[i].null)
			room += encode_room(&columns[i], &cells[i]);
	return room;
}

/* The reason why this row cannot be sent, with the column (NULL: the row), or NULL: it stands in out. */
static const char *encode_row(const struct rows *r, const struct prefixes *p,
			      const struct cell *cells, struct buf *buf,
			      const struct column **column)
{
	/* Copies: a store through a char pointer may be into anything that is not local. */
	const struct column *const columns = r->columns;
	const size_t count = r->count, *const ends = p->end;
	char *const start = buf->data + buf->length;
	char *out = start;
	const char *const prefixes = p->text.data, *reason;
	size_t begin = 0;

	for (size_t i = 0; i < count; begin = ends[i++]) {
		const struct cell *cell = &cells[i];

		if (__builtin_expect(!cell->null, 1)) {
			out = copy_prefix(out, prefixes + begin, ends[i] - begin);
			reason = columns[i].encoder->encode(&columns[i], cell, &out);
			if (reason) {
				*column = &columns[i];
				/* It is a constant, not part of out. */
				/* cppcheck-suppress returnDanglingLifetime */
				return reason;
			}
		} else if (!columns[i].repeated) {
			out = copy_prefix(out, prefixes + begin, ends[i] - begin);
			memcpy(out, "null", 4);
			out += 4;
		}
	}
	/* A row of null arrays alone has no comma to turn. */
	out += out == start;
	*start = '{';
	*out++ = '}';
	*column = NULL;
	if (out - start > ROWSTREAM_LINE_MAX)
		return "the row is larger than the 100 MB that BigQuery takes";
	*out++ = '\n';
	buf->length += (size_t)(out - start);
	return NULL;
}

static int write_row(struct rows *r, const struct prefixes *p, const struct cell *cells,
		     struct error *err)
{
	struct rowstream_writer *w = r->writer;
	const struct column *column;
	const char *reason;

	if (buf_reserve(&w->out, row_room(r, p, cells), err) < 0)
		return -1;
	reason = encode_row(r, p, cells, &w->out, &column);
	if (__builtin_expect(reason != NULL, 0))
		return rejects_add(r->rejects, r->columns, cells, r->key, r->key_count, column,
				   reason, err);
	w->rows++;
	w->row_start = w->out.length;
	progress_tick(&r->progress, w->rows, w->bytes + w->out.length);
	return w->out.length < ROWSTREAM_FLUSH_BYTES ? 0 : flush(r, err);
}

int rows_copy(struct rows *r, struct error *err)
{
	struct cell *cells = calloc(r->count, sizeof *cells);
	struct prefixes p = { .text = BUF_INIT };
	int rc = cells ? make_prefixes(r, &p, err) : error_nomem(err);

	r->wait->idle = flush;
	r->wait->idle_argument = r;
	if (rc == 0)
		while ((rc = r->driver->next(r->connection, cells, err)) > 0)
			if (write_row(r, &p, cells, err) < 0) {
				rc = -1;
				break;
			}
	r->wait->idle = NULL;
	if (rc == 0)
		rc = flush(r, err);
	buf_release(&p.text);
	free(p.end);
	free(cells);
	return rc;
}
