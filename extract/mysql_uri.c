#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "extract/mysql_impl.h"
#include "lib/parse.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* n bytes, percent-decoded, into *ret, which must be NULL still. what is for the message. */
static int decode(const char *p, size_t n, const char *what, char **ret, struct error *err)
{
	char *out, *at;

	if (*ret)
		return error_set(err, ERR_USAGE, "SOURCE: %s is given twice", what);
	out = at = calloc(n + 1, 1);
	if (!out)
		return error_nomem(err);
	for (size_t i = 0; i < n; i++) {
		int high, low;

		if (p[i] != '%') {
			*at++ = p[i];
			continue;
		}
		high = n - i < 3 ? -1 : hex_digit(p[i + 1]);
		low = n - i < 3 ? -1 : hex_digit(p[i + 2]);
		if (high < 0 || low < 0 || high + low == 0) {
			free(out);
			return error_set(err, ERR_USAGE, "SOURCE: a %% in %s that encodes nothing",
					 what);
		}
		*at++ = (char)(high * 16 + low);
		i += 2;
	}
	*ret = out;
	return 0;
}

static int parse_sslmode(const char *word, enum mysql_sslmode *ret, struct error *err)
{
	static const char *const words[] = { "disable", "allow",     "prefer",
					     "require", "verify-ca", "verify-full" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(word, words[i])) {
			*ret = MYSQL_SSL_DISABLE + i;
			return 0;
		}
	return error_set(
		err, ERR_USAGE,
		"SOURCE: sslmode '%s' is not disable, allow, prefer, require, verify-ca or "
		"verify-full",
		word);
}

/* NAME=VALUE up to end. */
static int parse_parameter(struct mysql_uri *uri, const char *p, const char *end, struct error *err)
{
	const struct {
		const char *name;
		char **value;
	} strings[] = {
		{ "socket", &uri->socket },
		{ "sslrootcert", &uri->ssl_ca },
		{ "sslcert", &uri->ssl_cert },
		{ "sslkey", &uri->ssl_key },
	};
	const char *equals = memchr(p, '=', (size_t)(end - p));
	size_t n = (size_t)((equals ? equals : end) - p);
	char *name = NULL, *word = NULL;
	int rc = -1;

	if (!equals || n == 0)
		return error_set(err, ERR_USAGE, "SOURCE: a parameter that is not NAME=VALUE");
	if (decode(p, n, "a parameter's name", &name, err) < 0 || !name)
		return -1;
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		if (!strcmp(name, strings[i].name)) {
			rc = decode(equals + 1, (size_t)(end - equals - 1), name, strings[i].value,
				    err);
			goto out;
		}
	if (!strcmp(name, "password"))
		error_set(err, ERR_USAGE,
			  "SOURCE holds a password: use MYSQL_PWD or an option file (~/.my.cnf)");
	else if (strcmp(name, "sslmode") != 0)
		error_set(err, ERR_USAGE,
			  "SOURCE: unknown parameter '%s'; known are socket, sslmode, sslrootcert, "
			  "sslcert and sslkey",
			  name);
	else if (decode(equals + 1, (size_t)(end - equals - 1), name, &word, err) == 0)
		rc = parse_sslmode(word, &uri->sslmode, err);
out:
	free(word);
	free(name);
	return rc;
}

/* [user@]host[:port] */
static int parse_authority(struct mysql_uri *uri, const char *p, const char *end, struct error *err)
{
	const char *at = memrchr(p, '@', (size_t)(end - p)), *host = at ? at + 1 : p;
	const char *host_end, *port;

	if (at && memchr(p, ':', (size_t)(at - p)))
		return error_set(
			err, ERR_USAGE,
			"SOURCE holds a password: use MYSQL_PWD or an option file (~/.my.cnf)");
	if (at && decode(p, (size_t)(at - p), "the user", &uri->user, err) < 0)
		return -1;
	if (*host == '[') {
		host_end = memchr(host, ']', (size_t)(end - host));
		if (!host_end)
			return error_set(err, ERR_USAGE, "SOURCE: a [ without its ]");
		port = host_end + 1;
		host++;
	} else {
		port = host_end = memchr(host, ':', (size_t)(end - host));
		if (!port)
			port = host_end = end;
	}
	if (host_end > host &&
	    decode(host, (size_t)(host_end - host), "the host", &uri->host, err) < 0)
		return -1;
	if (port < end) {
		char digits[8] = "";
		int64_t number;

		if (*port != ':' || end - port - 1 >= (ptrdiff_t)sizeof digits)
			return error_set(err, ERR_USAGE, "SOURCE: the port is not a number");
		memcpy(digits, port + 1, (size_t)(end - port - 1));
		if (parse_int64(digits, 1, 65535, &number, err) < 0)
			return error_prefix(err, "SOURCE: the port");
		uri->port = (unsigned)number;
	}
	return 0;
}

static int parse_parts(struct mysql_uri *uri, const char *text, struct error *err)
{
	const char *p = strstr(text, "://") + 3, *end = p + strcspn(p, "/?#");

	if (parse_authority(uri, p, end, err) < 0)
		return -1;
	p = end;
	if (*p == '/') {
		p++;
		end = p + strcspn(p, "?#");
		if (end > p &&
		    decode(p, (size_t)(end - p), "the database", &uri->database, err) < 0)
			return -1;
		p = end;
	}
	if (*p == '#')
		return error_set(err, ERR_USAGE, "SOURCE: a '#' must be written %%23");
	while (*p) {
		p++; /* the '?' or '&' */
		end = p + strcspn(p, "&");
		if (parse_parameter(uri, p, end, err) < 0)
			return -1;
		p = end;
	}
	return 0;
}

void mysql_release_uri(struct mysql_uri *uri)
{
	free(uri->user);
	free(uri->host);
	free(uri->database);
	free(uri->socket);
	free(uri->ssl_ca);
	free(uri->ssl_cert);
	free(uri->ssl_key);
	*uri = (struct mysql_uri){ 0 };
}

/* The library's message about a missing file does not name it. */
static int check_file(const char *name, const char *path, struct error *err)
{
	if (path && access(path, R_OK) < 0)
		return error_set(err, ERR_NOINPUT, "SOURCE: %s %s: %s", name, path,
				 strerror(errno));
	return 0;
}

int mysql_parse_uri(const char *text, struct mysql_uri *ret, struct error *err)
{
	struct mysql_uri uri = { 0 };

	if (parse_parts(&uri, text, err) < 0)
		goto fail;
	/* The library takes what has these in it for a list of options. */
	if (uri.host && strpbrk(uri.host, ";=")) {
		error_set(err, ERR_USAGE, "SOURCE: '%s' is no host", uri.host);
		goto fail;
	}
	if (uri.socket && (uri.host || uri.port)) {
		error_set(err, ERR_USAGE, "SOURCE: socket= goes with an empty host");
		goto fail;
	}
	if (uri.sslmode >= MYSQL_SSL_VERIFY_CA && !uri.ssl_ca) {
		error_set(err, ERR_USAGE,
			  "SOURCE: sslmode=%s needs sslrootcert=FILE, the authority's certificate",
			  uri.sslmode == MYSQL_SSL_VERIFY_CA ? "verify-ca" : "verify-full");
		goto fail;
	}
	if (check_file("sslrootcert", uri.ssl_ca, err) < 0 ||
	    check_file("sslcert", uri.ssl_cert, err) < 0 ||
	    check_file("sslkey", uri.ssl_key, err) < 0)
		goto fail;
	*ret = uri;
	return 0;
fail:
	mysql_release_uri(&uri);
	return -1;
}
