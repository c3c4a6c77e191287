#include "lib/google/url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_odd_bytes(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f || *s == '\\')
			return true;
	return false;
}

/* The length of the host at s: a name, an IPv4 address or [IPv6]; 0 when there is none. */
static size_t host_span(const char *s)
{
	size_t n = 0;

	if (*s == '[') {
		n = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		return s[n] == ']' && n > 1 ? n + 1 : 0;
	}
	while (is_alnum(s[n]) || (s[n] && strchr(".-_", s[n])))
		n++;
	return n;
}

/* 1 to 65535 at *s, which moves behind it; 0 when there is no such number. */
static int read_port(const char **s)
{
	int port = 0;

	while (is_digit(**s) && port <= 65535)
		port = port * 10 + (*(*s)++ - '0');
	return port <= 65535 ? port : 0;
}

static bool is_loopback(const char *host, size_t length)
{
	char text[64];
	struct in_addr v4;
	struct in6_addr v6;

	if (length >= sizeof text)
		return false;
	if (*host == '[') {
		memcpy(text, host + 1, length - 2);
		text[length - 2] = '\0';
		return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
	}
	memcpy(text, host, length);
	text[length] = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return !strcasecmp(text, "localhost");
}

int url_parse(const char *url, struct url *ret, struct error *err)
{
	struct url u = { 0 };
	const char *p;

	if (strchr(url, '@')) /* perhaps with a password: not quoted */
		return error_set(err, ERR_CONFIG, "a URL with '@' in it is refused");
	if (!strncasecmp(url, "https://", 8))
		u.https = true;
	else if (strncasecmp(url, "http://", 7))
		return error_set(err, ERR_CONFIG, "'%s' is not an http or https URL", url);
	u.host = url + (u.https ? 8 : 7);
	u.host_length = host_span(u.host);
	p = u.host + u.host_length;
	u.port = u.https ? 443 : 80;
	if (u.host_length && *p == ':') {
		p++;
		u.port = read_port(&p);
	}
	if (!u.host_length || !u.port || (*p && *p != '/' && *p != '?') || has_odd_bytes(url))
		return error_set(err, ERR_CONFIG, "'%s' is not http[s]://host[:port][/path]", url);
	u.origin_length = (size_t)(p - url);
	u.loopback = is_loopback(u.host, u.host_length);
	*ret = u;
	return 0;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && a->host_length == b->host_length &&
	       !strncasecmp(a->host, b->host, a->host_length);
}

int url_append_escaped(struct buf *out, const char *s, struct error *err)
{
	static const char hex[] = "0123456789ABCDEF";

	if (buf_reserve(out, 3 * strlen(s), err) < 0)
		return -1;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (is_alnum(*s) || strchr("-._~", *s)) {
			buf_put_byte(out, *s);
			continue;
		}
		buf_put_byte(out, '%');
		buf_put_byte(out, hex[c >> 4]);
		buf_put_byte(out, hex[c & 15]);
	}
	return 0;
}
