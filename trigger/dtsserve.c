/*
 * dtsserve: serve a data source of the BigQuery Data Transfer Service with
 * any program that prints rows.
 */
#include <string.h>

#include "lib/error.h"
#include "lib/io.h"
#include "lib/log.h"
#include "trigger/serve_options.h"
#include "trigger/serve_runs.h"
#include "trigger/serve_source.h"

static int run(const struct serve_options *o, const struct command_line *line, struct error *err)
{
	const char *word = line->operand_count > 0 ? line->operands[0] : NULL;

	if (word && !strcmp(word, "source"))
		return serve_source(o, line, err);
	if (word && !strcmp(word, "run"))
		return serve_runs(o, line, err);
	return error_set(err, ERR_USAGE,
			 "what to do is needed: dtsserve run, or dtsserve source; see --help");
}

int main(int argc, char **argv)
{
	struct serve_options options = { .max_run_s = 12 * 3600,
					 .log_flush_s = 60,
					 .parallel = 4,
					 .connections = 2,
					 .takeover_ms = 60 * 1000 };
	struct command_line line;
	struct error err = { 0 };

	if (signals_init(&err) < 0 ||
	    options_parse(&program, argc, argv, &options, &line, &err) < 0)
		return log_failure(&err);
	if (line.done)
		return 0;
	if (run(&options, &line, &err) < 0)
		return log_failure(&err);
	return 0;
}
