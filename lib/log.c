#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *program;
	enum log_level level;
	enum log_format format;
} settings = { "sluice", LOG_INFO, LOG_TEXT };

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static const char *const format_names[] = { "text", "json", "logfmt" };

static int find_name(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (!strcasecmp(names[i], name))
			return i;
	return -1;
}

int log_init(const char *program, struct error *err)
{
	const char *level = getenv("LOG_LEVEL"), *env = getenv("LOG_ENV");
	int found;

	settings.program = program;
	if (env && !strcasecmp(env, "prod"))
		settings.format = LOG_JSON;
	if (!level || !*level)
		return 0;
	found = find_name(level_names, 4, level);
	if (found < 0)
		return error_set(err, ERR_CONFIG,
				 "LOG_LEVEL: '%s' is not debug, info, warn or error", level);
	settings.level = (enum log_level)found;
	return 0;
}

int log_set_format(const char *name, struct error *err)
{
	int found = find_name(format_names, 3, name);

	if (found < 0)
		return error_set(err, ERR_USAGE, "'%s' is not text, json or logfmt", name);
	settings.format = (enum log_format)found;
	return 0;
}

void log_set_level(enum log_level level)
{
	settings.level = level;
}

bool log_enabled(enum log_level level)
{
	return level >= settings.level;
}

enum log_format log_get_format(void)
{
	return settings.format;
}

/* Message text inside double quotes: JSON's escapes serve logfmt too. */
static size_t quote(char *out, size_t room, const char *text)
{
	size_t n = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p && n + 8 < room; p++) {
		if (*p == '"' || *p == '\\') {
			out[n++] = '\\';
			out[n++] = (char)*p;
		} else if (*p < 0x20) {
			n += (size_t)snprintf(out + n, room - n, "\\u%04x", *p);
		} else {
			out[n++] = (char)*p;
		}
	}
	out[n] = '\0';
	return n;
}

static void write_line(enum log_level level, int code, const char *message)
{
	char line[3 * ERROR_MESSAGE_MAX], quoted[2 * ERROR_MESSAGE_MAX], at[32],
		exit_field[32] = "";
	bool json = settings.format == LOG_JSON;
	struct timespec now;
	struct tm utc;
	int n;

	if (settings.format == LOG_TEXT) {
		n = snprintf(line, sizeof line, "%s: %s%s\n", settings.program,
			     level == LOG_WARN    ? "warning: "
			     : level == LOG_DEBUG ? "debug: "
						  : "",
			     message);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &utc);
		strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S", &utc);
		quote(quoted, sizeof quoted, message);
		if (code)
			snprintf(exit_field, sizeof exit_field, json ? ",\"exit\":%d" : " exit=%d",
				 code);
		n = snprintf(
			line, sizeof line,
			json ? "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"program\":\"%s\",\"msg\":\"%s\"%s}\n"
			     : "time=%s.%03ldZ level=%s program=%s msg=\"%s\"%s\n",
			at, now.tv_nsec / 1000000, level_names[level], settings.program, quoted,
			exit_field);
	}
	if (n >= (int)sizeof line) {
		n = (int)sizeof line;
		line[n - 1] = '\n';
	}
	/* There is nowhere to report that stderr is gone. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

static void log_message(enum log_level level, const char *format, va_list args)
{
	char message[ERROR_MESSAGE_MAX];

	if (!log_enabled(level))
		return;
	vsnprintf(message, sizeof message, format, args);
	write_line(level, 0, message);
}

#define DEFINE_LOG(name, level)                   \
	void name(const char *format, ...)        \
	{                                         \
		va_list args;                     \
                                                  \
		va_start(args, format);           \
		log_message(level, format, args); \
		va_end(args);                     \
	}

DEFINE_LOG(log_debug, LOG_DEBUG)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_warn, LOG_WARN)
DEFINE_LOG(log_error, LOG_ERROR)

int log_failure(const struct error *err)
{
	write_line(LOG_ERROR, err->code, err->message);
	return err->code;
}
