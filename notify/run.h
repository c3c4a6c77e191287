/* One run of COMMAND with some lines on its stdin. */
#ifndef SLUICE_NOTIFY_RUN_H
#define SLUICE_NOTIFY_RUN_H

#include "lib/buf.h"
#include "lib/error.h"
#include "notify/worker.h"

/*
 * 0: COMMAND read all of the lines and exited 0. -1: anything else, as
 * command_start and command_reap say it; ERR_TEMP when --max-lease is over or
 * the work is to end. *fatal: it could not even be started.
 */
int run_command(struct work *work, const struct buf *lines, bool *fatal, struct error *err)
	__attribute__((warn_unused_result));

#endif
