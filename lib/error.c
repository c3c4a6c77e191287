#include "lib/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void mark_cut(char *message, int length)
{
	if (length >= ERROR_MESSAGE_MAX)
		memcpy(message + ERROR_MESSAGE_MAX - 4, "...", 4);
}

int error_setv(struct error *err, int code, const char *format, va_list args)
{
	err->code = code;
	mark_cut(err->message, vsnprintf(err->message, sizeof err->message, format, args));
	return -1;
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_setv(err, code, format, args);
	va_end(args);
	return -1;
}

int error_set_errno(struct error *err, int code, const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX], reason[128];
	int number = errno;
	va_list args;

	va_start(args, format);
	mark_cut(text, vsnprintf(text, sizeof text, format, args));
	va_end(args);
	return error_set(err, code, "%s: %s", text, strerror_r(number, reason, sizeof reason));
}

int error_prefix(struct error *err, const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX], old[ERROR_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	mark_cut(text, vsnprintf(text, sizeof text, format, args));
	va_end(args);
	memcpy(old, err->message, sizeof old);
	return error_set(err, err->code, "%s: %s", text, old);
}

int error_append(struct error *err, const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX], old[ERROR_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	mark_cut(text, vsnprintf(text, sizeof text, format, args));
	va_end(args);
	memcpy(old, err->message, sizeof old);
	return error_set(err, err->code, "%s%s", old, text);
}

int error_nomem(struct error *err)
{
	return error_set(err, ERR_OS, "out of memory");
}
