/*
 * One option table per program: it parses the command line, prints --help and
 * feeds completion, and a test holds the man page to it.
 *
 * Syntax: "--name value", "--name=value", "-n value", "-nvalue"; options and
 * operands may mix, "--" ends the options. Unknown and abbreviated names are
 * refused. Flag > environment variable (`env`) > what config held before.
 *
 * Strings are borrowed from argv or the environment. Errors are ERR_USAGE and
 * name the option (or the variable).
 */
#ifndef SLUICE_LIB_OPTIONS_H
#define SLUICE_LIB_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

enum option_kind {
	OPTION_FLAG,     /* bool */
	OPTION_STRING,   /* const char * */
	OPTION_INT,      /* int64_t in [min, max] */
	OPTION_DURATION, /* int64_t milliseconds, see parse_duration_ms */
	OPTION_REPEAT,   /* struct option_values, one more each time */
	OPTION_CHOICE,   /* int: index into choices */
};

enum { OPTION_VALUES_MAX = 64 };

struct option_values {
	const char *value[OPTION_VALUES_MAX];
	size_t count;
};

struct option_def {
	const char *name; /* without the dashes; NULL ends the table */
	char letter;      /* or '\0' */
	enum option_kind kind;
	size_t offset;              /* of the field in the program's config */
	const char *argument;       /* what --help calls the value; NULL for flags */
	const char *help;           /* one line */
	const char *env;            /* variable that is the default, or NULL */
	int64_t min, max;           /* OPTION_INT; both 0 means 0..INT64_MAX */
	const char *const *choices; /* OPTION_CHOICE, NULL-terminated */
};

struct program {
	const char *name;
	const char *summary;      /* one line, begins lower-case */
	const char *const *usage; /* lines behind the name, NULL-terminated */
	const struct option_def *options;
	const char *epilog; /* more of --help, or NULL */
};

struct command_line {
	char **operands; /* NULL-terminated; points into argv, which is permuted */
	size_t operand_count;
	size_t operands_before_dashes; /* how many of them stood before "--" */
	bool dashes;                   /* "--" was given */
	bool done;                     /* --help or --version was printed: exit 0 */
};

/*
 * Fill config and ret. Handles by itself: --help, --version, --log-format,
 * --quiet (LOG_WARN), --verbose (LOG_DEBUG), and calls log_init. A failure to
 * print help is ERR_IO.
 */
int options_parse(const struct program *program, int argc, char **argv, void *config,
		  struct command_line *ret, struct error *err) __attribute__((warn_unused_result));

#endif
