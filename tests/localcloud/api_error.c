#include "tests/localcloud/api_error.h"

#include <stdio.h>
#include <string.h>

static int fill(struct api_error *err, int status, const char *reason, const char *location,
		const char *fmt, va_list args)
{
	err->status = status;
	snprintf(err->reason, sizeof(err->reason), "%s", reason);
	snprintf(err->location, sizeof(err->location), "%s", location);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	return -1;
}

int api_fail(struct api_error *err, int status, const char *reason, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, status, reason, "", fmt, args);
	va_end(args);
	return -1;
}

int api_fail_at(struct api_error *err, int status, const char *reason, const char *location,
		const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, status, reason, location, fmt, args);
	va_end(args);
	return -1;
}

const char *api_status_name(int status)
{
	static const struct {
		int status;
		const char *name;
	} names[] = {
		{ 400, "INVALID_ARGUMENT" },   { 401, "UNAUTHENTICATED" },
		{ 403, "PERMISSION_DENIED" },  { 404, "NOT_FOUND" },
		{ 409, "ALREADY_EXISTS" },     { 412, "FAILED_PRECONDITION" },
		{ 429, "RESOURCE_EXHAUSTED" }, { 499, "CANCELLED" },
		{ 500, "INTERNAL" },           { 501, "UNIMPLEMENTED" },
		{ 503, "UNAVAILABLE" },        { 504, "DEADLINE_EXCEEDED" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].status == status)
			return names[i].name;
	return "UNKNOWN";
}

/* A message may hold bytes of a client's bad input: json_string() refuses what is not UTF-8. */
static json_t *text(const char *s)
{
	char clean[sizeof(((struct api_error *)0)->message)];
	size_t n = 0;
	json_t *value = json_string(s);

	if (value)
		return value;
	for (; s[n] && n + 1 < sizeof(clean); n++)
		clean[n] = (unsigned char)s[n] < 0x80 ? s[n] : '?';
	clean[n] = '\0';
	return json_string(clean);
}

json_t *api_error_proto(const struct api_error *err)
{
	json_t *proto = json_object();

	json_object_set_new(proto, "reason", text(err->reason));
	if (err->location[0])
		json_object_set_new(proto, "location", text(err->location));
	json_object_set_new(proto, "message", text(err->message));
	return proto;
}

json_t *api_error_envelope(const struct api_error *err)
{
	json_t *first = api_error_proto(err);

	json_object_set_new(first, "domain", json_string("global"));
	return json_pack("{s:{s:i, s:o, s:[o], s:s}}", "error", "code", err->status, "message",
			 text(err->message), "errors", first, "status",
			 api_status_name(err->status));
}
