/*
 * Whole reads and writes on file descriptors, and the signals that end a
 * program. Nothing here buffers.
 */
#ifndef SLUICE_LIB_IO_H
#define SLUICE_LIB_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/error.h"

#define auto_fd __attribute__((cleanup(io_close_fd))) int

/* Cleanup of auto_fd: closes *fd unless it is negative. */
void io_close_fd(int *fd);

/*
 * Write all n bytes. name is for the message ("stdout"). A closed pipe is
 * 128 + SIGPIPE, an ending signal 128 + n, anything else ERR_IO.
 */
int io_write_all(int fd, const void *p, size_t n, const char *name, struct error *err)
	__attribute__((warn_unused_result));

/* Up to n bytes; 0 at the end; retried on EINTR unless an ending signal came. -1: ERR_IO. */
ssize_t io_read(int fd, void *p, size_t n, const char *name, struct error *err)
	__attribute__((warn_unused_result));

/* As io_read, and 0 once the descriptor stop is readable too, whatever fd still has. -1: there is none. */
ssize_t io_read_until(int fd, int stop, void *p, size_t n, const char *name, struct error *err)
	__attribute__((warn_unused_result));

/* A whole file of at most max bytes, appended to out. ERR_NOINPUT when it cannot be opened. */
int io_read_file(const char *path, size_t max, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* close(2) whose failure counts (a full disk may show only here): ERR_IO. */
int io_close(int fd, const char *name, struct error *err) __attribute__((warn_unused_result));

/*
 * Make SIGINT, SIGTERM, SIGHUP and SIGQUIT end the program in an orderly way:
 * system calls return EINTR, signals_fd becomes readable, signals_check fails.
 * SIGPIPE is ignored (a write then says EPIPE). Standard descriptors that are
 * closed are taken, so that nothing else gets their numbers. Call once, first.
 */
int signals_init(struct error *err) __attribute__((warn_unused_result));

/* Readable once an ending signal came; never read from it. For poll(2). */
int signals_fd(void);

/* The ending signal that came (SIGALRM: the timeout), or 0. Safe to call from any thread. */
int signals_pending(void);

/* 0, or -1 with 128 + n once an ending signal came, ERR_TEMP once the timeout is over. */
int signals_check(struct error *err) __attribute__((warn_unused_result));

/*
 * --timeout: once that many milliseconds are over, system calls and
 * signals_check fail as with an ending signal, but with ERR_TEMP.
 */
int signals_set_timeout(int64_t timeout_ms, struct error *err) __attribute__((warn_unused_result));

/*
 * Time to clean up with after an ending signal or the timeout: for so long
 * signals_check succeeds and signals_fd is -1. A second signal ends it.
 */
void signals_grace(int64_t ms);

/* In a child before exec: the default actions again. */
void signals_reset_in_child(void);

#endif
