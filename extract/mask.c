#include "extract/mask.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io.h"
#include "lib/parse.h"

enum { KEY_MIN = 32, KEY_MAX = 64 * 1024, HASH_HEX = 64, CONSTANT_MAX = 1024 };

/* --- the key -------------------------------------------------------------------- */

/* As libpq treats a private key: another owner (root, say) may let our group read it. */
static int check_mode(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "--hash-key: %s", path);
	if (st.st_mode & (st.st_uid == geteuid() ? S_IRWXG | S_IRWXO : S_IRWXO))
		return error_set(err, ERR_CONFIG,
				 "--hash-key: %s can be read or changed by others (mode %04o): "
				 "chmod 600 it",
				 path, (unsigned)(st.st_mode & 07777));
	return 0;
}

/* At most max bytes of it; *n of them. */
static int read_all(int fd, const char *path, char *out, size_t max, size_t *n, struct error *err)
{
	*n = 0;
	for (;;) {
		ssize_t got = io_read(fd, out + *n, max - *n, path, err);

		if (got < 0)
			return error_prefix(err, "--hash-key");
		if (got == 0)
			return 0;
		*n += (size_t)got;
		if (*n == max)
			return error_set(err, ERR_CONFIG, "--hash-key: %s is larger than %d bytes",
					 path, KEY_MAX);
	}
}

static int use_key(const char *path, const char *key, size_t n, struct crypto_hmac **ret,
		   struct error *err)
{
	/* What an editor or `openssl rand -hex` put behind it. */
	if (n > 0 && key[n - 1] == '\n')
		n--;
	if (n < KEY_MIN)
		return error_set(err, ERR_CONFIG,
				 "--hash-key: %s has %zu bytes; a key has at least %d", path, n,
				 KEY_MIN);
	return crypto_hmac_new(key, n, ret, err);
}

int mask_read_key(const char *path, struct crypto_hmac **ret, struct error *err)
{
	char key[KEY_MAX + 1];
	size_t n = 0;
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return error_set_errno(err, ERR_NOINPUT, "--hash-key: %s", path);
	if (check_mode(fd, path, err) < 0)
		return -1;
	rc = read_all(fd, path, key, sizeof key, &n, err);
	if (rc == 0)
		rc = use_key(path, key, n, ret, err);
	crypto_wipe(key, n);
	return rc;
}

/* --- values ----------------------------------------------------------------------- */

static const char *put_hash(const struct conversion *c, const char *p, size_t n, char **out)
{
	**out = '"';
	if (!crypto_hmac_hex(c->hmac, p, n, *out + 1))
		return "its hash could not be computed";
	(*out)[1 + HASH_HEX] = '"';
	*out += HASH_HEX + 2;
	return NULL;
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

/* A value that is not longer than what may be kept would be kept whole: none of it is. */
static const char *put_partial(const struct conversion *c, const char *p, size_t n, char **out)
{
	size_t characters = 0, hidden, at = 0;
	char *const start = *out, *end;
	const char *reason;

	for (size_t i = 0; i < n; i++)
		characters += !continues(p[i]);
	hidden = characters > c->kept ? characters - c->kept : characters;
	for (size_t i = 0; i < hidden; i++)
		for (at++; at < n && continues(p[at]);)
			at++;
	/* The kept part's own opening quote stands where the last asterisk will. */
	end = start + hidden;
	reason = encode_put_string(p + at, n - at, &end);
	memset(start + 1, '*', hidden);
	*start = '"';
	*out = end;
	return reason;
}

static const char *encode_null(const struct column *column, const struct cell *cell, char **out)
{
	/* BigQuery has no null in the place of an array, only an empty one. */
	const char *text = column->repeated ? "[]" : "null";
	size_t n = strlen(text);

	(void)cell;
	memcpy(*out, text, n);
	*out += n;
	return NULL;
}

static const char *encode_constant(const struct column *column, const struct cell *cell, char **out)
{
	const struct conversion *c = column->argument;

	(void)cell;
	memcpy(*out, c->constant, c->constant_length);
	*out += c->constant_length;
	return NULL;
}

/* --- columns ---------------------------------------------------------------------- */

static void become_string(struct column *column)
{
	column->type = "STRING";
	column->precision = column->scale = 0;
	column->secret = true;
}

static int refuse_array(const struct column *column, struct error *err)
{
	if (!column->repeated)
		return 0;
	return error_set(err, ERR_USAGE,
			 "column \"%s\" is an array: leave it out with --exclude, mask it with "
			 "null, or cast it with --query",
			 column->source_name);
}

int mask_hash(struct column *column, struct conversion *conversion, struct crypto_hmac *hmac,
	      struct error *err)
{
	if (refuse_array(column, err) < 0)
		return -1;
	conversion->write = put_hash;
	conversion->hmac = hmac;
	convert_install(column, conversion, NULL);
	become_string(column);
	return 0;
}

static int mask_constant(struct column *column, struct conversion *c, const char *text,
			 struct error *err)
{
	size_t n = strlen(text);
	char *end;

	if (n > CONSTANT_MAX)
		return error_set(err, ERR_USAGE, "constant: a text of at most %d bytes",
				 CONSTANT_MAX);
	end = c->constant = malloc(6 * n + 32);
	if (!end)
		return error_nomem(err);
	if (encode_put_string(text, n, &end))
		return error_set(err, ERR_USAGE, "constant: the text is not valid UTF-8");
	c->constant_length = (size_t)(end - c->constant);
	convert_install(column, c, encode_constant);
	/* It never looks at the value. */
	c->encoder.measure = NULL;
	c->encoder.fixed = (uint16_t)c->constant_length;
	become_string(column);
	return 0;
}

static int mask_partial(struct column *column, struct conversion *c, const char *text,
			struct error *err)
{
	int64_t kept;

	if (parse_int64(text, 0, INT32_MAX, &kept, err) < 0)
		return error_prefix(err, "partial");
	if (!strcmp(column->type, "BYTES") || !strcmp(column->type, "JSON"))
		return error_set(err, ERR_USAGE,
				 "column \"%s\" is %s, which has no characters to keep",
				 column->source_name, column->type);
	c->kept = (size_t)kept;
	c->write = put_partial;
	convert_install(column, c, NULL);
	become_string(column);
	return 0;
}

int mask_column(struct column *column, struct conversion *conversion, const char *how,
		struct error *err)
{
	if (!how || !strcmp(how, "null")) {
		convert_install(column, conversion, encode_null);
		conversion->encoder.measure = NULL;
		conversion->encoder.fixed = 4;
		column->required = false;
		column->secret = true;
		return 0;
	}
	if (refuse_array(column, err) < 0)
		return -1;
	if (!strncmp(how, "constant:", 9))
		return mask_constant(column, conversion, how + 9, err);
	if (!strncmp(how, "partial:", 8))
		return mask_partial(column, conversion, how + 8, err);
	return error_set(err, ERR_USAGE, "'%s' is not null, constant:TEXT or partial:N", how);
}
