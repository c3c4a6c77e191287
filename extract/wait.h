/*
 * All that a run may have to react to while something blocks: the database's
 * socket, an ending signal, a reader of stdout that went away, --timeout.
 * Neither libpq nor libmariadb looks at more than the first.
 */
#ifndef SLUICE_EXTRACT_WAIT_H
#define SLUICE_EXTRACT_WAIT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

struct wait {
	int64_t timeout_ms;  /* for the message; 0: none */
	int64_t deadline_ms; /* monotonic; 0: none */
	/* Called now and then while the socket has nothing: hand on what was gathered. */
	int (*idle)(void *, struct error *);
	void *idle_argument;
	int64_t idle_ms; /* monotonic: when it was called last */
};

/* Starts the clock of --timeout, and the tick (see wait.c). After signals_init. */
int wait_init(struct wait *w, int64_t timeout_ms, struct error *err)
	__attribute__((warn_unused_result));

/* 0 while nothing ends the run; else 128 + signal, or ERR_TEMP past the deadline. */
int wait_check(const struct wait *w, struct error *err) __attribute__((warn_unused_result));

/*
 * Until fd has one of the poll events: 1; or until until_ms (monotonic, 0:
 * forever): 0. -1 as wait_check, and 128 + SIGPIPE when stdout's reader is gone.
 */
int wait_for(struct wait *w, int fd, short events, int64_t until_ms, struct error *err)
	__attribute__((warn_unused_result));

/* Write all of it to stdout, however long its reader stalls, unless the run ends. */
int wait_write(const struct wait *w, const char *p, size_t n, struct error *err)
	__attribute__((warn_unused_result));

#endif
