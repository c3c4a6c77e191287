#include "lib/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/parse.h"

/* The options that every program has. */
struct common_config {
	bool help, version, quiet, verbose;
	const char *log_format;
};

static const struct option_def common_options[] = {
	{ .name = "log-format",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct common_config, log_format),
	  .argument = "FORMAT",
	  .help = "logs on stderr as text, json or logfmt (LOG_ENV=prod: json)" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct common_config, quiet),
	  .help = "only warnings and errors" },
	{ .name = "verbose",
	  .letter = 'v',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct common_config, verbose),
	  .help = "more detail" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct common_config, help),
	  .help = "print this and exit" },
	{ .name = "version",
	  .letter = 'V',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct common_config, version),
	  .help = "print the version and exit" },
	{ 0 },
};

struct parser {
	const struct program *program;
	void *config;
	struct common_config common;
	int argc, next;
	char **argv;
};

/* The table entry by long name (length bytes) or by letter; *config is what its offset is in. */
static const struct option_def *find_option(struct parser *p, const char *name, size_t length,
					    char letter, void **config)
{
	const struct option_def *const tables[] = { p->program->options, common_options };

	for (int t = 0; t < 2; t++)
		for (const struct option_def *o = tables[t]; o->name; o++) {
			bool named =
				name && strlen(o->name) == length && !memcmp(o->name, name, length);

			if (named || (letter && o->letter == letter)) {
				*config = t == 0 ? p->config : (void *)&p->common;
				return o;
			}
		}
	return NULL;
}

static int add_value(struct option_values *values, const char *value, struct error *err)
{
	if (values->count == OPTION_VALUES_MAX)
		return error_set(err, ERR_USAGE, "given more than %d times", OPTION_VALUES_MAX);
	values->value[values->count++] = value;
	return 0;
}

static int set_choice(const struct option_def *o, int *field, const char *value, struct error *err)
{
	auto_buf list = BUF_INIT;

	for (int i = 0; o->choices[i]; i++) {
		if (!strcmp(o->choices[i], value)) {
			*field = i;
			return 0;
		}
		if (buf_appendf(&list, err, "%s%s", i ? ", " : "", o->choices[i]) < 0)
			return -1;
	}
	return error_set(err, ERR_USAGE, "'%s' is not one of: %.*s", value, (int)list.length,
			 list.data);
}

static int set_value(const struct option_def *o, void *config, const char *value, struct error *err)
{
	void *field = (char *)config + o->offset;

	switch (o->kind) {
	case OPTION_FLAG:
		if (value)
			return parse_bool(value, field, err);
		*(bool *)field = true;
		return 0;
	case OPTION_STRING:
		*(const char **)field = value;
		return 0;
	case OPTION_INT:
		return parse_int64(value, o->min, o->min || o->max ? o->max : INT64_MAX, field,
				   err);
	case OPTION_DURATION:
		return parse_duration_ms(value, field, err);
	case OPTION_REPEAT:
		return add_value(field, value, err);
	case OPTION_CHOICE:
		return set_choice(o, field, value, err);
	}
	return error_set(err, ERR_BUG, "option --%s has no kind", o->name);
}

static int read_environment(struct parser *p, struct error *err)
{
	for (const struct option_def *o = p->program->options; o->name; o++) {
		const char *value = o->env ? getenv(o->env) : NULL;

		if (!value || !*value)
			continue;
		if (set_value(o, p->config, value, err) < 0) {
			err->code = ERR_CONFIG;
			return error_prefix(err, "%s", o->env);
		}
	}
	return 0;
}

static int take_long(struct parser *p, const char *text, struct error *err)
{
	size_t length = strcspn(text, "=");
	const char *value = text[length] ? text + length + 1 : NULL;
	void *config;
	const struct option_def *o = find_option(p, text, length, '\0', &config);

	if (!o)
		return error_set(err, ERR_USAGE, "unknown option --%.*s (see --help)", (int)length,
				 text);
	if (o->kind == OPTION_FLAG && value)
		return error_set(err, ERR_USAGE, "--%s takes no value", o->name);
	if (o->kind != OPTION_FLAG && !value) {
		if (p->next == p->argc)
			return error_set(err, ERR_USAGE, "--%s needs a value", o->name);
		value = p->argv[p->next++];
	}
	if (set_value(o, config, value, err) < 0)
		return error_prefix(err, "--%s", o->name);
	return 0;
}

/* "-qv" is two flags, "-n5" and "-n 5" are a value. */
static int take_letters(struct parser *p, const char *text, struct error *err)
{
	for (; *text; text++) {
		void *config;
		const struct option_def *o = find_option(p, NULL, 0, *text, &config);
		const char *value = NULL;

		if (!o)
			return error_set(err, ERR_USAGE, "unknown option -%c (see --help)", *text);
		if (o->kind != OPTION_FLAG) {
			value = text[1] ? text + 1 : p->next < p->argc ? p->argv[p->next++] : NULL;
			if (!value)
				return error_set(err, ERR_USAGE, "-%c needs a value", *text);
		}
		if (set_value(o, config, value, err) < 0)
			return error_prefix(err, "-%c", *text);
		if (value)
			return 0;
	}
	return 0;
}

static int help_option(struct buf *out, const struct option_def *o, struct error *err)
{
	char left[64], letter[8] = "    ";

	if (o->letter)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->argument ? " " : "",
		 o->argument ? o->argument : "");
	if (buf_appendf(out, err, "  %-34s %s", left, o->help) < 0)
		return -1;
	if (o->env && buf_appendf(out, err, " (%s)", o->env) < 0)
		return -1;
	return buf_append_str(out, "\n", err);
}

static int print_help(const struct program *program, struct error *err)
{
	auto_buf out = BUF_INIT;

	for (int i = 0; program->usage[i]; i++)
		if (buf_appendf(&out, err, "%s %s %s\n", i ? "      " : "usage:", program->name,
				program->usage[i]) < 0)
			return -1;
	if (buf_appendf(&out, err, "\n%s: %s\n\n", program->name, program->summary) < 0)
		return -1;
	for (const struct option_def *o = program->options; o->name; o++)
		if (help_option(&out, o, err) < 0)
			return -1;
	for (const struct option_def *o = common_options; o->name; o++)
		if (help_option(&out, o, err) < 0)
			return -1;
	if (program->epilog && buf_appendf(&out, err, "\n%s", program->epilog) < 0)
		return -1;
	return io_write_all(STDOUT_FILENO, out.data, out.length, "stdout", err);
}

static int print_version(const struct program *program, struct error *err)
{
	auto_buf out = BUF_INIT;

	if (buf_appendf(&out, err, "%s (sluice) %s\n", program->name, SLUICE_VERSION) < 0)
		return -1;
	return io_write_all(STDOUT_FILENO, out.data, out.length, "stdout", err);
}

/* Moves operands to the front of argv, which never overtakes the next word. */
static int take_words(struct parser *p, struct command_line *ret, struct error *err)
{
	size_t count = 0;

	ret->operands = p->argv + 1;
	while (p->next < p->argc) {
		char *word = p->argv[p->next++];
		int rc = 0;

		if (!strcmp(word, "--")) {
			ret->dashes = true;
			ret->operands_before_dashes = count;
			while (p->next < p->argc)
				ret->operands[count++] = p->argv[p->next++];
		} else if (word[0] == '-' && word[1] == '-') {
			rc = take_long(p, word + 2, err);
		} else if (word[0] == '-' && word[1]) {
			rc = take_letters(p, word + 1, err);
		} else {
			ret->operands[count++] = word;
		}
		if (rc < 0)
			return -1;
	}
	ret->operands[count] = NULL;
	ret->operand_count = count;
	if (!ret->dashes)
		ret->operands_before_dashes = count;
	return 0;
}

int options_parse(const struct program *program, int argc, char **argv, void *config,
		  struct command_line *ret, struct error *err)
{
	struct parser p = {
		.program = program, .config = config, .argc = argc, .next = 1, .argv = argv
	};
	struct command_line result = { 0 };

	if (log_init(program->name, err) < 0)
		return -1;
	if (argc < 1)
		return error_set(err, ERR_USAGE, "no program name in argv");
	if (read_environment(&p, err) < 0 || take_words(&p, &result, err) < 0)
		return -1;
	if (p.common.log_format && log_set_format(p.common.log_format, err) < 0)
		return error_prefix(err, "--log-format");
	if (p.common.quiet)
		log_set_level(LOG_WARN);
	if (p.common.verbose)
		log_set_level(LOG_DEBUG);
	if (p.common.help || p.common.version) {
		if ((p.common.help ? print_help(program, err) : print_version(program, err)) < 0)
			return -1;
		result.done = true;
	}
	*ret = result;
	return 0;
}
