/*
 * Log lines on stderr: one write(2) a line, so that programs of one pipeline
 * do not cut each other's lines. Text for people, json or logfmt for machines
 * (--log-format, or LOG_ENV=prod for json); LOG_LEVEL is debug, info, warn or
 * error. The settings here are the only global state of the library.
 */
#ifndef SLUICE_LIB_LOG_H
#define SLUICE_LIB_LOG_H

#include <stdbool.h>

#include "lib/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON, LOG_LOGFMT };

/* Reads LOG_LEVEL and LOG_ENV. program is kept, not copied. */
int log_init(const char *program, struct error *err) __attribute__((warn_unused_result));

/* "text", "json" or "logfmt". */
int log_set_format(const char *name, struct error *err) __attribute__((warn_unused_result));
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
enum log_format log_get_format(void);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The closing report of a failed program: err's message, with its code where
 * the format has fields. Returns the exit status for it.
 */
int log_failure(const struct error *err) __attribute__((nonnull));

#endif
