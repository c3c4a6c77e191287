/* Runs COMMAND with the variables that point clients at this server. */
#ifndef LOCALCLOUD_COMMAND_H
#define LOCALCLOUD_COMMAND_H

#include "lib/error.h"

/* Returns the status of the command (128+n when signal n ended it), or -1 with err. */
int command_run(char **argv, const char *url, const char *project, struct error *err);

#endif
