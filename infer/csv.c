#include "infer/csv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/io.h"
#include "lib/rowstream.h"
#include "lib/utf8.h"

enum { BLOCK_BYTES = 256 * 1024 };

void csv_open(struct csv *c, int fd, int copy, const char *name)
{
	*c = (struct csv){ .fd = fd, .copy = copy, .name = name, .next_line = 1 };
	c->text.max = ROWSTREAM_LINE_MAX;
}

void csv_release(struct csv *c)
{
	buf_release(&c->in);
	buf_release(&c->text);
	free(c->cell);
	c->cell = NULL;
}

/* More bytes at c->position, or at_eof. */
static int fill(struct csv *c, struct error *err)
{
	ssize_t got;

	buf_clear(&c->in);
	c->position = 0;
	if (buf_reserve(&c->in, BLOCK_BYTES, err) < 0)
		return -1;
	got = io_read(c->fd, c->in.data, BLOCK_BYTES, c->name, err);
	if (got < 0)
		return -1;
	c->in.length = (size_t)got;
	if (c->exact && !c->bytes && got >= 3 && !memcmp(c->in.data, "\xef\xbb\xbf", 3))
		c->position = 3;
	c->bytes += (size_t)got;
	c->at_eof = got == 0;
	if (c->copy >= 0 &&
	    io_write_all(c->copy, c->in.data, c->in.length, "the spool file", err) < 0)
		return -1;
	return 0;
}

/* The next byte, or -1 at the end, -2 on failure. Every line end is one '\n', unless verbatim. */
static int next_byte(struct csv *c, struct error *err)
{
	char byte;

	for (;;) {
		if (c->position == c->in.length) {
			if (c->at_eof)
				return -1;
			if (fill(c, err) < 0)
				return -2;
			continue;
		}
		byte = c->in.data[c->position++];
		if (byte == '\n' && c->after_cr) {
			c->after_cr = false;
			if (c->verbatim)
				return byte;
			continue;
		}
		c->after_cr = byte == '\r';
		if (byte == '\r' || byte == '\n') {
			c->next_line++;
			return c->verbatim ? byte : '\n';
		}
		return (unsigned char)byte;
	}
}

static struct csv_cell *new_cell(struct csv *c, struct error *err)
{
	if (c->cells == c->cell_capacity) {
		size_t capacity = c->cell_capacity ? 2 * c->cell_capacity : 64;
		struct csv_cell *cell = realloc(c->cell, capacity * sizeof *cell);

		if (!cell) {
			error_nomem(err);
			return NULL;
		}
		c->cell = cell;
		c->cell_capacity = capacity;
	}
	c->cell[c->cells] = (struct csv_cell){ .start = c->text.length };
	return &c->cell[c->cells++];
}

static int append(struct csv *c, int byte, struct error *err)
{
	char one = (char)byte;

	if (buf_append(&c->text, &one, 1, err) == 0)
		return 0;
	return error_prefix(err, "%s line %llu", c->name, (unsigned long long)c->line);
}

/* Behind an opening quote; returns the byte behind the closing one. */
static int quoted(struct csv *c, struct csv_cell *cell, struct error *err)
{
	int byte;

	for (;;) {
		c->verbatim = c->exact;
		byte = next_byte(c, err);
		c->verbatim = false;
		if (byte == '"') {
			byte = next_byte(c, err);
			if (byte != '"')
				return byte;
		}
		if (byte < 0) {
			cell->open = true;
			return byte;
		}
		if (append(c, byte, err) < 0)
			return -2;
	}
}

/* One cell whose first byte is given; returns the byte that ended it. */
static int read_cell(struct csv *c, int byte, struct error *err)
{
	struct csv_cell *cell = new_cell(c, err);

	if (!cell)
		return -2;
	if (byte == '"') {
		cell->quoted = true;
		byte = quoted(c, cell, err);
		cell->loose = byte >= 0 && byte != ',' && byte != '\n';
	}
	while (byte >= 0 && byte != ',' && byte != '\n') {
		if (append(c, byte, err) < 0)
			return -2;
		byte = next_byte(c, err);
	}
	cell->length = c->text.length - cell->start;
	return byte;
}

int csv_next(struct csv *c, struct error *err)
{
	int byte;

	do {
		c->line = c->next_line;
		byte = next_byte(c, err);
	} while (byte == '\n');
	if (byte < 0)
		return byte == -1 ? 0 : -1;
	buf_clear(&c->text);
	c->cells = 0;
	byte = read_cell(c, byte, err);
	while (byte == ',')
		byte = read_cell(c, next_byte(c, err), err);
	if (byte == -2)
		return -1;
	c->rows++;
	for (size_t i = 0; i < c->cells; i++) {
		const struct csv_cell *cell = &c->cell[i];

		/* Each for itself: two halves of a character may meet across a comma. */
		if (utf8_valid_prefix(c->text.data + cell->start, cell->length) != cell->length)
			return error_set(err, ERR_DATA, "line %llu column %zu: not valid UTF-8",
					 (unsigned long long)c->line, i + 1);
	}
	return 1;
}
