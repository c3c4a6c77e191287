/* `dtsserve run CONFIG`: all runs of stdin, some at once, and what became of them on stdout. */
#ifndef SLUICE_TRIGGER_SERVE_RUNS_H
#define SLUICE_TRIGGER_SERVE_RUNS_H

#include "lib/error.h"
#include "lib/options.h"
#include "trigger/serve_options.h"

/* line: its operands, "run" the first. */
int serve_runs(const struct serve_options *o, const struct command_line *line, struct error *err)
	__attribute__((warn_unused_result));

#endif
