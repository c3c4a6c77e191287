/* The command line of schemainfer. */
#ifndef SLUICE_INFER_SCHEMAINFER_OPTIONS_H
#define SLUICE_INFER_SCHEMAINFER_OPTIONS_H

#include "infer/config.h"
#include "lib/error.h"
#include "lib/options.h"

extern const struct program schemainfer_program;

/* Fill config; nothing is set where line->done. */
int schemainfer_options_parse(int argc, char **argv, struct config *config,
			      struct command_line *line, struct error *err)
	__attribute__((warn_unused_result));

#endif
