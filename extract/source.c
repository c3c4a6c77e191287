#include "extract/source.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct driver *const drivers[] = { &postgresql_driver, &mysql_driver };

static bool has_scheme(const char *uri, const char *scheme)
{
	size_t n = strlen(scheme);

	return !strncmp(uri, scheme, n) && !strncmp(uri + n, "://", 3);
}

/*
 * user:password@ before the first '/', or a parameter that is a password. It
 * is found in the text as it stands, so that no parser gets to quote it in an
 * error; the driver's own parser sees percent-encoded names too.
 */
static bool holds_password(const char *uri)
{
	static const char *const secrets[] = { "password=", "sslpassword=" };
	const char *authority = strstr(uri, "://") + 3;
	const char *end = authority + strcspn(authority, "/?");
	const char *at = memchr(authority, '@', (size_t)(end - authority));

	/* A '/' or '?' in a password moves the '@' behind it. */
	if (!at && strchr(authority, '@') && memchr(authority, ':', (size_t)(end - authority)) &&
	    strcspn(authority, "?") > strcspn(authority, "@"))
		at = strchr(authority, '@');
	if (at && memchr(authority, ':', (size_t)(at - authority)))
		return true;
	for (const char *p = strchr(uri, '?'); p; p = strchr(p, '&')) {
		p++;
		for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
			if (!strncmp(p, secrets[i], strlen(secrets[i])))
				return true;
	}
	return false;
}

static int find_driver(const char *uri, const struct driver **driver, struct error *err)
{
	const char *end = strstr(uri, "://");

	if (!end)
		return error_set(err, ERR_USAGE,
				 "SOURCE is not a URI such as postgresql://user@host/database or "
				 "mysql://user@host/database, nor env:NAME");
	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
		for (const char *const *scheme = drivers[i]->schemes; *scheme; scheme++)
			if (has_scheme(uri, *scheme)) {
				*driver = drivers[i];
				return 0;
			}
	return error_set(err, ERR_USAGE,
			 "unknown scheme %.*s://; known are postgresql, mysql and mariadb",
			 (int)(end - uri < 20 ? end - uri : 20), uri);
}

/* What stands on the command line can be read by all; what stands in a variable is copied about. */
static int refuse_password(const struct driver *driver, bool on_command_line, struct error *err)
{
	return error_set(err, ERR_USAGE, "SOURCE holds a password%s: use %s",
			 on_command_line ? ", which any user of this machine could read" : "",
			 driver == &mysql_driver ? "MYSQL_PWD or an option file (~/.my.cnf)"
						 : "PGPASSFILE (~/.pgpass) or PGPASSWORD");
}

int source_resolve(const char *operand, const char **ret, const struct driver **driver,
		   struct error *err)
{
	const char *uri = operand;

	if (!strncmp(operand, "env:", 4)) {
		uri = getenv(operand + 4);
		if (!uri || !*uri)
			return error_set(err, ERR_USAGE, "%s: that variable is not set", operand);
	}
	if (find_driver(uri, driver, err) < 0)
		return -1;
	if (holds_password(uri))
		return refuse_password(*driver, uri == operand, err);
	*ret = uri;
	return 0;
}
