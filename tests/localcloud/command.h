/* Runs COMMAND with the variables that point clients at this server. */
#ifndef LOCALCLOUD_COMMAND_H
#define LOCALCLOUD_COMMAND_H

#include "tests/localcloud/http.h"

/*
 * Returns the status of the command (128+n when signal n ended it), or -1 with err. Google's own programs take no
 * "no credentials": they get a token of this server, in DIR/token.
 */
int command_run(char **argv, const struct server *server, struct error *err);

#endif
