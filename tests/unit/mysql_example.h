/*
 * What the tests of MySQL's encoders share: an example is a column's metadata,
 * the bytes of one value, and what becomes of them.
 */
#ifndef SLUICE_TESTS_MYSQL_EXAMPLE_H
#define SLUICE_TESTS_MYSQL_EXAMPLE_H

#include <stdlib.h>

#include "extract/mysql_types.h"
#include "tests/unit/unit.h"

enum { BINARY = 63, UTF8MB4 = 45 };

/* A column's metadata, one value's bytes, and what becomes of them. */
struct example {
	enum enum_field_types id;
	unsigned flags;
	unsigned long width;
	unsigned decimals;
	const char *type;
	const char *wire;
	size_t length;
	const char *json; /* or "!" and a part of the reason why it is a reject */
	const char *text; /* as MySQL prints it; NULL: the bytes are the text */
};

/* The bytes of a literal, which may hold zeros. */
#define WIRE(literal) (literal), sizeof(literal) - 1

static inline struct column column_of(const struct example *e, const struct type_options *options)
{
	MYSQL_FIELD field = {
		.type = e->id,
		.flags = e->flags,
		.length = e->width,
		.decimals = e->decimals,
		.charsetnr = BINARY,
	};
	struct column column = { .source_name = "c", .required = true };
	struct error err;

	CHECK(mysql_set_type(&column, &field, options, &err) == 0);
	CHECK(column.type_id == (uint32_t)e->id);
	return column;
}

/* Encodes into exactly the room that the encoder asks for, so that a sanitizer sees more. */
static inline const char *encode(const struct column *column, const struct cell *cell, char *text,
				 size_t size)
{
	char *room = malloc(encode_room(column, cell)), *out = room;
	const char *reason = column->encoder->encode(column, cell, &out);

	text[0] = '\0';
	CHECK((size_t)(out - room) <= encode_room(column, cell));
	if (!reason)
		snprintf(text, size, "%.*s", (int)(out - room), room);
	free(room);
	/* cppcheck-suppress returnDanglingLifetime ; reasons are literals */
	return reason;
}

static inline void check_text(const struct column *column, const struct cell *cell,
			      const char *text)
{
	auto_buf out = BUF_INIT;
	struct error err;

	if (!column->encoder->text || !text) {
		CHECK(!column->encoder->text && !text);
		return;
	}
	CHECK(column->encoder->text(column, cell, 1024, &out, &err) == 0);
	if (out.length != strlen(text) || (out.length && memcmp(out.data, text, out.length) != 0)) {
		printf("# text '%.*s', not '%s'\n", (int)out.length, out.data, text);
		unit.bad = true;
	}
}

static inline void check_outcome(const char *what, const char *want, const char *json,
				 const char *reason)
{
	bool right = want[0] == '!' ? reason && strstr(reason, want + 1)
				    : !reason && !strcmp(json, want);

	if (!right) {
		printf("# %s: '%s', not '%s'\n", what, reason ? reason : json, want);
		unit.bad = true;
	}
}

static inline void check_example(const struct example *e, const struct type_options *options)
{
	struct column column = column_of(e, options);
	char *wire = malloc(e->length ? e->length : 1), json[512];
	struct cell cell = { .data = wire, .length = e->length };
	const char *reason;

	memcpy(wire, e->wire, e->length);
	reason = encode(&column, &cell, json, sizeof json);
	CHECK(!strcmp(column.type, e->type));
	check_outcome(e->type, e->json, json, reason);
	check_text(&column, &cell, e->text);
	free(wire);
}

#define CHECK_ALL(examples, options)                                               \
	do {                                                                       \
		for (size_t i = 0; i < sizeof(examples) / sizeof *(examples); i++) \
			check_example(&(examples)[i], options);                    \
	} while (0)

static const struct type_options plain;

#endif
