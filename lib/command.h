/*
 * COMMAND, which a program runs: in a process group of its own, so that all of
 * a shell's children can be ended, and asked to end when the thread that
 * started it does (kill -9 of the program must not leave it running).
 *
 * Not inherited: descriptors beyond 0, 1 and 2 that are O_CLOEXEC, the signal
 * mask, the actions of signals_init.
 */
#ifndef SLUICE_LIB_COMMAND_H
#define SLUICE_LIB_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/error.h"

struct command {
	pid_t pid;
	int in;      /* to its stdin, owned by the caller; -1: it reads /dev/null */
	int in_held; /* with COMMAND_HOLD: the end that it reads from, owned by the caller; or -1 */
	int out;     /* from its stdout, owned by the caller; -1: it has ours */
	int err;     /* from its stderr, likewise */
	char *const *environment; /* set before the start: in place of ours; NULL: ours. Borrowed */
};

/* Which ends are pipes; hold: what COMMAND leaves unread of its stdin stays there. */
enum { COMMAND_IN = 1, COMMAND_OUT = 2, COMMAND_HOLD = 4, COMMAND_ERR = 8 };

/*
 * Start argv[0], found in PATH. ERR_NOINPUT: there is no such command.
 * ERR_DATA: its arguments and environment are too large. ERR_OS: all else.
 * Afterwards command_reap must follow.
 */
int command_start(struct command *c, char *const *argv, unsigned pipes, struct error *err)
	__attribute__((warn_unused_result));

/* COMMAND's first process has ended. It is not reaped, so its group's number stays taken. */
bool command_has_ended(const struct command *c);

/* Ask, then make it end, two seconds later: nothing of its group may go on behind our back. */
void command_stop(const struct command *c);

/*
 * Wait for the end. Exit status 0: 0. Else -1, and err->code is a documented
 * exit status of COMMAND, 128 + signal, or ERR_DATA for a status that says
 * nothing about retrying.
 */
int command_reap(const struct command *c, const char *name, struct error *err);

#endif
