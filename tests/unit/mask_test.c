/* --hash and --mask: what is left of a value. */
#include "extract/mask.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const char *encode_text(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	return encode_put_string(cell->data, cell->length, out);
}

/* The text as it is, as numbers and JSON have it. */
static const char *encode_bare(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	memcpy(*out, cell->data, cell->length);
	*out += cell->length;
	return NULL;
}

static const struct encoder text = { .encode = encode_text, .fixed = 18, .expand = 6 };
static const struct encoder bare = { .encode = encode_bare, .expand = 1 };

static struct column make_column(const char *type)
{
	return (struct column){ .source_name = "c",
				.source_type = "fake",
				.type = type,
				.required = true,
				.encoder = strcmp(type, "STRING") != 0 ? &bare : &text };
}

static void check_value(const struct column *column, const char *value, const char *want)
{
	struct cell cell = { .data = value, .length = strlen(value) };
	char *room = malloc(encode_room(column, &cell)), *end = room;

	CHECK(!column->encoder->encode(column, &cell, &end));
	if (strlen(want) != (size_t)(end - room) || memcmp(room, want, strlen(want)) != 0) {
		printf("# %s: %.*s, not %s\n", value, (int)(end - room), room, want);
		CHECK(!"the value is written as wanted");
	}
	free(room);
}

static char path[] = "/tmp/sluice-mask.XXXXXX";

static void write_key(const char *key, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	CHECK(write(fd, key, n) == (ssize_t)n && fchmod(fd, mode) == 0);
	close(fd);
}

static const char key[] = "0123456789abcdef0123456789abcdef";

static void hashes(void)
{
	struct conversion conversion = { 0 };
	struct crypto_hmac *hmac;
	struct column column = make_column("STRING");
	struct cell cell = { .data = "a", .length = 1 };
	char want[67] = "\"", room[1024], *end = room;
	struct error err;

	CHECK(crypto_hmac_new(key, strlen(key), &hmac, &err) == 0);
	CHECK(mask_hash(&column, &conversion, hmac, &err) == 0);
	CHECK(column.secret && column.required && !strcmp(column.type, "STRING"));
	CHECK(crypto_hmac_hex(hmac, "a\"\n\xC3\xA9", 5, want + 1));
	memcpy(want + 65, "\"", 2);
	check_value(&column, "a\"\n\xC3\xA9", want);
	cell.data = "\xFF";
	CHECK(column.encoder->encode(&column, &cell, &end) != NULL);
	/* A number beyond 2^53 has quotes in the stream, which its digits have not. */
	conversion = (struct conversion){ 0 };
	column = make_column("INTEGER");
	CHECK(mask_hash(&column, &conversion, hmac, &err) == 0);
	CHECK(crypto_hmac_hex(hmac, "9007199254740993", 16, want + 1));
	check_value(&column, "\"9007199254740993\"", want);
	check_value(&column, "9007199254740993", want);
	/* JSON is its text, and its null is NULL. */
	conversion = (struct conversion){ 0 };
	column = make_column("JSON");
	CHECK(mask_hash(&column, &conversion, hmac, &err) == 0);
	CHECK(crypto_hmac_hex(hmac, "\"x\"", 3, want + 1));
	check_value(&column, "\"x\"", want);
	check_value(&column, "null", "null");
	column = make_column("STRING");
	column.repeated = true;
	CHECK(mask_hash(&column, &conversion, hmac, &err) < 0 && err.code == ERR_USAGE);
	crypto_hmac_free(hmac);
}

static void partial(void)
{
	static const struct {
		const char *how, *value, *want;
	} cases[] = {
		{ "partial:4", "4111111111111111", "\"************1111\"" },
		{ "partial:4", "1111", "\"****\"" },
		{ "partial:4", "111", "\"***\"" },
		{ "partial:4", "11111", "\"*1111\"" },
		{ "partial:4", "", "\"\"" },
		{ "partial:0", "secret", "\"******\"" },
		{ "partial:2", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x84x", "\"**\xF0\x9F\x98\x84x\"" },
		{ "partial:2", "a\n\"b", "\"**\\\"b\"" },
		{ "partial:1", "\n\n\x01", "\"**\\u0001\"" },
	};
	struct error err;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct conversion conversion = { 0 };
		struct column column = make_column("STRING");

		CHECK(mask_column(&column, &conversion, cases[i].how, &err) == 0);
		CHECK(column.secret && column.required);
		check_value(&column, cases[i].value, cases[i].want);
	}
}

static void constants_and_nulls(void)
{
	struct conversion conversion = { 0 };
	struct column column = make_column("STRING");
	struct error err;

	CHECK(mask_column(&column, &conversion, "constant:a\"=\n", &err) == 0);
	CHECK(column.secret && column.required && !strcmp(column.type, "STRING"));
	check_value(&column, "secret", "\"a\\\"=\\n\"");
	check_value(&column, "\xFF", "\"a\\\"=\\n\"");
	check_value(&column, "", "\"a\\\"=\\n\"");
	free(conversion.constant);
	for (size_t i = 0; i < 2; i++) {
		conversion = (struct conversion){ 0 };
		column = make_column("NUMERIC");
		column.precision = 10;
		CHECK(mask_column(&column, &conversion, i ? "null" : NULL, &err) == 0);
		CHECK(column.secret && !column.required && !strcmp(column.type, "NUMERIC") &&
		      column.precision == 10);
		check_value(&column, "12", "null");
		check_value(&column, "", "null");
	}
	conversion = (struct conversion){ 0 };
	column = make_column("INTEGER");
	column.repeated = true;
	CHECK(mask_column(&column, &conversion, "null", &err) == 0);
	check_value(&column, "[1]", "[]");
}

static void refused_masks(void)
{
	static const struct {
		const char *type, *how;
		bool repeated;
	} cases[] = {
		{ "STRING", "", false },
		{ "STRING", "NULL", false },
		{ "STRING", "nullx", false },
		{ "STRING", "partial", false },
		{ "STRING", "partial:", false },
		{ "STRING", "partial:x", false },
		{ "STRING", "partial:-1", false },
		{ "STRING", "constant", false },
		{ "BYTES", "partial:4", false },
		{ "JSON", "partial:4", false },
		{ "STRING", "constant:x", true },
		{ "STRING", "partial:1", true },
		{ "STRING", "constant:\xFF", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct conversion conversion = { 0 };
		struct column column = make_column(cases[i].type);
		struct error err = { 0 };

		column.repeated = cases[i].repeated;
		CHECK(mask_column(&column, &conversion, cases[i].how, &err) < 0);
		CHECK(err.code == ERR_USAGE);
		free(conversion.constant);
	}
}

static void check_key(const char *content, size_t n, mode_t mode, int code)
{
	struct crypto_hmac *hmac = NULL;
	struct error err = { 0 };

	write_key(content, n, mode);
	CHECK((mask_read_key(path, &hmac, &err) < 0) == (code != 0));
	CHECK(err.code == code);
	crypto_hmac_free(hmac);
}

static void keys(void)
{
	char large[70000] = { 0 };
	struct crypto_hmac *hmac = NULL, *same = NULL;
	char a[64], b[64];
	struct error err;

	check_key(key, 32, 0600, 0);
	check_key(key, 32, 0400, 0);
	check_key(key, 31, 0600, ERR_CONFIG);
	check_key("0123456789abcdef0123456789abcde\n", 32, 0600, ERR_CONFIG);
	check_key("", 0, 0600, ERR_CONFIG);
	check_key(key, 32, 0640, ERR_CONFIG);
	check_key(key, 32, 0604, ERR_CONFIG);
	check_key(key, 32, 0620, ERR_CONFIG);
	check_key(large, 65536, 0600, 0);
	check_key(large, 65537, 0600, ERR_CONFIG);
	CHECK(mask_read_key("/nonexistent/key", &hmac, &err) < 0 && err.code == ERR_NOINPUT);
	/* One newline at the end is not part of it, a second one is. */
	write_key("0123456789abcdef0123456789abcdef\n\n", 34, 0600);
	CHECK(mask_read_key(path, &hmac, &err) == 0);
	CHECK(crypto_hmac_new("0123456789abcdef0123456789abcdef\n", 33, &same, &err) == 0);
	CHECK(crypto_hmac_hex(hmac, "x", 1, a) && crypto_hmac_hex(same, "x", 1, b));
	CHECK(!memcmp(a, b, sizeof a));
	crypto_hmac_free(hmac);
	crypto_hmac_free(same);
}

int main(void)
{
	int fd = mkstemp(path);

	close(fd);
	unit_test("hashes are of the text, without quotes and escapes");
	hashes();
	unit_test("partial keeps the last characters, and nothing of short values");
	partial();
	unit_test("constant and null never look at the value");
	constants_and_nulls();
	unit_test("masks that make no sense are refused");
	refused_masks();
	unit_test("a key has 32 bytes that nobody else can read");
	keys();
	unlink(path);
	return unit_done();
}
