/*
 * Random values for the property tests: each as the SQL literal that puts it
 * into a source database, and as the text that BigQuery must then give back.
 * Nothing here shares code with the programs under test.
 */
#ifndef SLUICE_TESTS_PROPERTY_VALUES_H
#define SLUICE_TESTS_PROPERTY_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* splitmix64: the same seed gives the same tables everywhere. */
struct dice {
	uint64_t state;
};

uint64_t dice_bits(struct dice *d);
uint64_t dice_below(struct dice *d, uint64_t n); /* [0, n) */
int64_t dice_between(struct dice *d, int64_t least, int64_t most);
bool dice_percent(struct dice *d, unsigned percent);

enum { VALUE_MAX = 4096 };

struct value {
	char sql[VALUE_MAX];  /* the source's literal */
	char text[VALUE_MAX]; /* what comes back, UTF-8 */
};

/* How two texts of one column are compared. */
enum compare {
	COMPARE_TEXT,
	COMPARE_FLOAT,    /* as doubles */
	COMPARE_FRACTION, /* zeros at the end of a fraction of seconds do not count */
	COMPARE_JSON,
};

/* What a column of a random table is. */
struct kind {
	/* The source's type; numbers that it has come from the dice. At most 200 bytes. */
	void (*declare)(struct dice *, char *type, int parameters[2], const char **bigquery);
	void (*make)(struct dice *, const int parameters[2], struct value *);
	/* The destination's column as text, with %s for its quoted name. */
	const char *select;
	enum compare compare;
	bool repeated; /* an array: it has no NULL of its own */
};

/* Most kinds' `select`. TO_JSON_STRING makes a text of NULL too. */
#define TEXT "CAST(%s AS STRING)"
#define JSON "IF(%1$s IS NULL, NULL, TO_JSON_STRING(%1$s))"

/* declare_NAME of a type without numbers of its own. */
#define DECLARE(name, source, destination)                                                      \
	static void declare_##name(struct dice *d, char *type, int p[2], const char **bigquery) \
	{                                                                                       \
		(void)d;                                                                        \
		(void)p;                                                                        \
		put(type, source);                                                              \
		*bigquery = destination;                                                        \
	}

/* declare_NAME of a type with up to six digits of a second: parameters[0]. */
#define DECLARE_FRACTION(name, destination)                                                     \
	static void declare_##name(struct dice *d, char *type, int p[2], const char **bigquery) \
	{                                                                                       \
		p[0] = (int)dice_between(d, 0, 6);                                              \
		put(type, #name "(%d)", p[0]);                                                  \
		*bigquery = destination;                                                        \
	}

/* Both end with an all-zero entry. */
extern const struct kind postgresql_kinds[];
extern const struct kind mysql_kinds[];

/* --- values that both databases have ------------------------------------------ */

/* Appends to a NUL-terminated text of VALUE_MAX bytes; aborts when it is full. */
void put(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bounds, neighbours of zero, or anything between. */
int64_t make_integer(struct dice *d, int64_t least, int64_t most);

/*
 * `text`: a decimal of at most precision digits, scale of them behind the
 * point, all of them written. canonical drops what BigQuery's NUMERIC drops.
 */
void make_decimal(struct dice *d, int precision, int scale, char *text);
void canonical_decimal(const char *text, char *ret);
/* As the databases print it: no leading zeros, all of the scale. */
void printed_decimal(const char *text, char *ret);

/* UTF-8 of at most `characters` characters below `limit`, without NUL and surrogates. */
void make_text(struct dice *d, int characters, uint32_t limit, char *ret);

/* A UUID of these bits. */
void put_uuid(char *text, uint64_t first, uint64_t second);
void put_hex(char *text, const void *p, size_t n);

double make_double(struct dice *d);
float make_float(struct dice *d);
/* The shortest digits that give this float back, as a double's text. */
void put_float(char *text, float value);

/* "YYYY-MM-DD HH:MM:SS.ffffff" of microseconds since 1970. */
void put_datetime(char *text, int64_t microseconds);
int64_t make_microseconds(struct dice *d, int first_year, int last_year, int digits);

/* A kind's `make`: a time of day and a time without zone of parameters[0] digits of a second. */
void make_date(struct dice *d, const int parameters[2], struct value *v);
void make_time(struct dice *d, const int parameters[2], struct value *v);
void make_datetime(struct dice *d, const int parameters[2], struct value *v);

/* A JSON object or array without duplicate keys; ASCII but for some strings. */
void make_json(struct dice *d, char *ret);

#endif
