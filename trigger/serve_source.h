/* `dtsserve source …`: data source definitions, created, listed, shown, changed and deleted. */
#ifndef SLUICE_TRIGGER_SERVE_SOURCE_H
#define SLUICE_TRIGGER_SERVE_SOURCE_H

#include "lib/error.h"
#include "lib/options.h"
#include "trigger/serve_options.h"

/* line: its operands, "source" the first. Definitions go to stdout, each on a line. */
int serve_source(const struct serve_options *o, const struct command_line *line, struct error *err)
	__attribute__((warn_unused_result));

#endif
