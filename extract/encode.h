/*
 * Encoders: a cell in its database's binary form becomes the JSON value that
 * BigQuery reads. The shared pieces (strings, integers, dates, base64) are
 * here; a driver wraps them into encoders for its own wire format.
 *
 * An encoder writes at *out, where encode_room() bytes are reserved, and moves
 * *out behind what it wrote. It returns NULL, or the reason why BigQuery
 * cannot hold the value: the row is then a reject, and what was written is
 * discarded. Never clamp, round or drop. Nothing here allocates, except `text`,
 * and encode_put_json_text for a JSON value with hundreds of keys.
 */
#ifndef SLUICE_EXTRACT_ENCODE_H
#define SLUICE_EXTRACT_ENCODE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/double.h"
#include "lib/error.h"

struct cell {
	const char *data; /* borrowed */
	size_t length;
	bool null;
};

struct column;

struct encoder {
	const char *(*encode)(const struct column *, const struct cell *, char **out);
	/*
	 * The value as its database prints it, for people who read a reject;
	 * about max bytes of it are enough. NULL: the bytes are the text.
	 */
	int (*text)(const struct column *, const struct cell *, size_t max, struct buf *,
		    struct error *);
	/* Room: fixed + expand * length bytes always suffice, unless the cell is measured. */
	uint16_t fixed, expand;
	/* The room besides `fixed` of a cell of more than measure_above bytes, or NULL. */
	size_t (*measure)(const struct column *, const struct cell *);
	uint32_t measure_above;
	/* Every value has this many bytes; 0 when they vary. */
	uint16_t width;
};

struct column {
	const char *source_name; /* as the database has it */
	char *name;              /* as BigQuery has it; see names.h */
	const char *type;        /* BigQuery's word, "INTEGER" */
	const char *source_type; /* the database's, for messages */
	const char *description; /* or NULL */
	const struct encoder *encoder;
	/*
	 * For an encoder that builds on another one: an array's element, or the
	 * column as it was before --type, --hash or --mask. Borrowed.
	 */
	const struct column *inner;
	const void *argument; /* the encoder's own; borrowed */
	int precision, scale; /* of NUMERIC and BIGNUMERIC; precision 0: not given */
	bool required;
	bool repeated; /* an array, never required; a null one is left out of its row */
	bool secret;   /* reject records and messages show nothing of its values */
	/* The driver's own: its number for the type, and how its SELECT asks for the column. */
	uint32_t type_id;
	uint8_t form;
};

/* Encoders whose `expand` would be wasteful there measure cells longer than this. */
enum { ENCODE_LONG_CELL = 64 * 1024 };

static inline size_t encode_room(const struct column *column, const struct cell *c)
{
	const struct encoder *e = column->encoder;

	if (__builtin_expect(e->measure && c->length > e->measure_above, 0))
		return e->fixed + e->measure(column, c);
	return e->fixed + (size_t)e->expand * c->length;
}

/* "00" to "99", two bytes each. */
extern const char encode_two_digits[200];

static inline char *encode_put2(char *out, unsigned value)
{
	memcpy(out, encode_two_digits + 2 * value, 2);
	return out + 2;
}

static inline char *encode_put4(char *out, unsigned value)
{
	return encode_put2(encode_put2(out, value / 100), value % 100);
}

/* Decimal digits, at most 20. */
char *encode_put_unsigned(char *out, uint64_t value);

/* INTEGER: beyond ±(2^53-1) as a string, so that no JSON tool rounds it. At most 22 bytes. */
char *encode_put_integer(char *out, int64_t value);

/* NaN or an infinity as the string that BigQuery reads. At most 11 bytes. */
char *encode_put_not_finite(char *out, double value);

/* FLOAT: the shortest text that reads back. DOUBLE_TEXT_MAX bytes of room. */
static inline char *encode_put_double(char *out, double value)
{
	return isfinite(value) ? double_write(out, value) : encode_put_not_finite(out, value);
}

static inline char *encode_put_float(char *out, float value)
{
	return isfinite(value) ? double_write_float(out, value)
			       : encode_put_not_finite(out, (double)value);
}

/* STRING: quoted and escaped, checked for UTF-8; 2 + 6 * n + 16 bytes of room. */
const char *encode_put_string(const char *p, size_t n, char **out);
size_t encode_measure_string(const struct column *, const struct cell *);

/* BYTES: quoted base64; 2 + 4 * ceil(n / 3) bytes. */
char *encode_put_base64(char *out, const char *p, size_t n);

/*
 * JSON: the text as it stands, once it is known that BigQuery keeps it: valid
 * UTF-8, at most 500 levels, no number that INT64, UINT64 or FLOAT64 changes.
 * The text is a database's own output: one line, well formed. n bytes of room.
 */
const char *encode_put_json(const char *p, size_t n, char **out);

enum { ENCODE_JSON_DEPTH_MAX = 500 };

/* Behind the number in JSON's form that begins at p, or NULL. */
const char *encode_skip_json_number(const char *p, const char *end);

/* Whether FLOAT64 keeps all digits of that number, and prints them again. */
bool encode_survives_double(const char *p, const char *end);

/* The reason why BigQuery would change this number of a JSON value, or NULL. */
const char *encode_check_json_number(const char *p, const char *end);

/*
 * JSON: any text that should be JSON, on one line. Besides the rules above it
 * must be well formed, have no key twice in an object, and no escape that is
 * half a surrogate pair or the character 0. Spaces between its parts go, and
 * escapes become their shortest form, raw UTF-8 where possible; numbers and
 * the order of keys stay. A top-level null is written as null. n bytes of
 * room; p may be *out.
 */
const char *encode_put_json_text(const char *p, size_t n, char **out);

/* BigQuery reads a top-level JSON null as NULL: the reason where that may not stand, or NULL. */
const char *encode_check_json_null(bool required, const char *p, size_t n);

/* Days since 1970-01-01 -> "YYYY-MM-DD", 10 bytes; false outside years 1 to 9999. */
bool encode_put_date(char **out, int64_t days);

/* Microseconds since midnight, [0, 86400e6) -> "HH:MM:SS.ffffff", 15 bytes. */
char *encode_put_time(char *out, int64_t microseconds);

/* Microseconds since 1970 -> "YYYY-MM-DDTHH:MM:SS.ffffff", 26 bytes; false as for dates. */
bool encode_put_datetime(char **out, int64_t microseconds);

/*
 * Any proleptic Gregorian date as databases print it, "0044-03-15 BC" or
 * "12345-01-01": for reject messages alone. At most 24 bytes.
 */
char *encode_put_any_date(char *out, int64_t days, bool *bc);

/*
 * encode_cell.c: encoders, and their parts, of what both databases send as it
 * is: text, bytes, and JSON in any form.
 */
extern const struct encoder encoder_text, encoder_json;

const char *encode_cell_text(const struct column *, const struct cell *, char **out);
const char *encode_cell_bytes(const struct column *, const struct cell *, char **out);
size_t encode_measure_bytes(const struct column *, const struct cell *);

/* As encoder.text: hexadecimal digits behind a prefix. */
int encode_append_hex(struct buf *out, const char *prefix, const struct cell *cell, size_t max,
		      struct error *err);

/* Append what that encoder makes of the cell, without quotes; nothing where it refuses. */
int encode_append_as(struct buf *out, const struct encoder *encoder, const struct column *column,
		     const struct cell *cell, struct error *err);

/* encoder.text: the same by the column's own encoder. */
int encode_text_as_written(const struct column *, const struct cell *, size_t max, struct buf *,
			   struct error *);

#endif
