/*
 * How a function fails: it returns -1 (or NULL) and fills the struct error
 * that the caller passed last. The library never prints and never exits; one
 * place in each program turns the code into the exit status.
 *
 * The codes are those of <sysexits.h>, because every program documents them
 * as its exit status. 70 is a bug of ours, never the user's input.
 *
 * A struct error lives on the caller's stack and owns nothing. It is written
 * only on failure; on success its bytes are untouched.
 */
#ifndef SLUICE_LIB_ERROR_H
#define SLUICE_LIB_ERROR_H

#include <stdarg.h>

enum error_code {
	ERR_USAGE = 64,    /* wrong command line */
	ERR_DATA = 65,     /* bad or truncated input */
	ERR_NOINPUT = 66,  /* no such database, table, column, file */
	ERR_REMOTE = 69,   /* the remote says no */
	ERR_BUG = 70,      /* our bug */
	ERR_OS = 71,       /* the operating system or memory failed */
	ERR_IO = 74,       /* local reading or writing failed */
	ERR_TEMP = 75,     /* temporary: retrying the same command is sensible */
	ERR_PROTOCOL = 76, /* the remote broke its protocol */
	ERR_PERM = 77,     /* authentication or permission */
	ERR_CONFIG = 78,   /* configuration */
	ERR_SIGNAL = 128,  /* + signal number: ended by that signal */
};

/* Longer messages are cut, and end in "...". */
enum { ERROR_MESSAGE_MAX = 2048 };

struct error {
	int code; /* an enum error_code, or 128 + signal */
	char message[ERROR_MESSAGE_MAX];
};

/* Fill err; always returns -1, so that `return error_set(...)` reads well. */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4), nonnull(1, 3)));
int error_setv(struct error *err, int code, const char *format, va_list args)
	__attribute__((format(printf, 3, 0), nonnull(1, 3)));

/* As error_set, followed by ": " and strerror(errno). */
int error_set_errno(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4), nonnull(1, 3)));

/* Put "prefix: " before the message that is there; the code stays. -1. */
int error_prefix(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), nonnull(1, 2)));

/* Put more behind the message that is there; the code stays. -1. */
int error_append(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), nonnull(1, 2)));

/* The out-of-memory error, ERR_OS. -1. */
int error_nomem(struct error *err) __attribute__((nonnull));

#endif
