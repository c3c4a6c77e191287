/*
 * A scanner of JSON text in memory, for rows: it finds and checks values without building a tree and without losing
 * digits. Tokens point into the text that was given; nothing is owned. The text is not NUL-terminated, and the caller
 * has checked that it is UTF-8.
 */
#ifndef LOCALCLOUD_JSCAN_H
#define LOCALCLOUD_JSCAN_H

#include "lib/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Above JSON_NORMAL_MAX_DEPTH by what is around a JSON value: an array, and 15 records. The C stack holds far more. */
#define JSCAN_MAX_DEPTH 520

enum json_kind {
	JSON_K_NULL,
	JSON_K_TRUE,
	JSON_K_FALSE,
	JSON_K_NUMBER,
	JSON_K_STRING,
	JSON_K_OBJECT,
	JSON_K_ARRAY
};

struct jtoken {
	enum json_kind kind;
	const char *
		p; /* number: its text; string: between the quotes, undecoded; object, array: with the brackets */
	size_t n;
	bool escaped; /* the string holds a backslash */
};

/* Scans one value (leading white space allowed) and moves *p behind it. -1 when it is not JSON. */
int jscan_value(const char **p, const char *end, struct jtoken *ret);

/* Walks the members of an object or the elements of an array. */
struct jiter {
	const char *p, *end;
	bool started;
};

/* Opens text that begins with '{' or '[' (leading white space allowed). -1 when it does not. */
int jiter_open(struct jiter *it, char bracket, const char *p, const char *end);
/* 1 with the next member or element, 0 behind the closing bracket (it->p stands there), -1 when malformed. */
int jiter_member(struct jiter *it, struct jtoken *key, struct jtoken *value);
int jiter_element(struct jiter *it, struct jtoken *value);

/* Only white space up to the end? */
bool jscan_blank(const char *p, const char *end);

/* Appends a string token decoded; -1 for a lone surrogate. */
int jscan_unescape(const struct jtoken *string, struct buf *out);
/* Appends s[0..n) as a JSON string with quotes. */
int jscan_quote(const char *s, size_t n, struct buf *out);

#endif
