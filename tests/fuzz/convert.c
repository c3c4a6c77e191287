/* --type: what passes fits its room, is one line, and means the same when it is read again. */
#include "extract/convert.h"

#include "tests/fuzz/target.h"

static const struct {
	const char *type;
	const char *(*write)(const struct conversion *, const char *, size_t, char **);
	bool stable; /* its own text is taken again */
} types[] = {
	{ "INTEGER", convert_put_integer, true },
	{ "FLOAT", convert_put_float, true },
	{ "NUMERIC", convert_put_numeric, true },
	{ "BIGNUMERIC", convert_put_bignumeric, true },
	{ "BOOLEAN", convert_put_boolean, true },
	{ "DATE", convert_put_date, true },
	{ "TIME", convert_put_time, true },
	{ "DATETIME", convert_put_datetime, true },
	{ "TIMESTAMP", convert_put_timestamp, true },
	{ "INTERVAL", convert_put_interval, true },
	{ "BYTES", convert_put_bytes, false },
	{ "JSON", convert_put_json, false },
	{ "GEOGRAPHY", convert_put_geography, false },
};

enum { ROOM = 192 };

static void check_again(size_t i, const struct conversion *c, const char *text, size_t n)
{
	char *room = malloc(2 * n + ROOM), *end = room;
	bool quoted = *text == '"';

	REQUIRE(room);
	REQUIRE(!types[i].write(c, text + quoted, n - 2 * (size_t)quoted, &end));
	REQUIRE((size_t)(end - room) == n && !memcmp(room, text, n));
	free(room);
}

/* The first byte is the type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conversion c = { .inner = { .type = "STRING" } };
	char *text, *room, *end;
	size_t i, n;

	if (size == 0)
		return 0;
	i = (data[0] & 0x7F) % (sizeof types / sizeof *types);
	if (data[0] & 0x80 && (i == 2 || i == 3)) {
		c.precision = 5;
		c.scale = 2;
	}
	n = size - 1;
	text = malloc(n + 1);
	room = end = malloc(2 * n + ROOM);
	REQUIRE(text && room);
	memcpy(text, data + 1, n);
	if (!types[i].write(&c, text, n, &end)) {
		REQUIRE(end > room && !memchr(room, '\n', (size_t)(end - room)));
		if (types[i].stable)
			check_again(i, &c, room, (size_t)(end - room));
	}
	free(text);
	free(room);
	return 0;
}
