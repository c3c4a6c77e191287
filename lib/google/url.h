/*
 * The few things about URLs that decide where secrets may go. Parsing is
 * stricter than curl's, on purpose: what this accepts, curl reads the same
 * way (no user part, no backslash, no escapes in the host).
 */
#ifndef SLUICE_LIB_GOOGLE_URL_H
#define SLUICE_LIB_GOOGLE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/error.h"

/* Points into the URL it was parsed from. */
struct url {
	bool https;       /* else http */
	const char *host; /* with brackets where it is IPv6 */
	size_t host_length;
	int port;             /* the scheme's own when none was written */
	size_t origin_length; /* of "https://host:port" */
	bool loopback;        /* 127.0.0.0/8, [::1] or localhost, by name: nothing is resolved */
};

/* ERR_CONFIG, quoting the URL, when it is not http(s)://host[:port][/…]. */
int url_parse(const char *url, struct url *ret, struct error *err)
	__attribute__((warn_unused_result));

/* May a token or a key go there: https, or http to loopback. */
static inline bool url_keeps_secrets(const struct url *u)
{
	return u->https || u->loopback;
}

/* Both have the same scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);

/* Append s percent-encoded as one path segment or query value: only unreserved bytes stay. */
int url_append_escaped(struct buf *out, const char *s, struct error *err)
	__attribute__((warn_unused_result));

#endif
