#include "extract/wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/io.h"

enum {
	TICK_MS = 250,
	IDLE_MS =
		200, /* while the source has nothing, rows wait no longer than this for a buffer to fill */
};

static void on_tick(int number)
{
	(void)number;
}

/*
 * stdout is a blocking pipe that other programs share, so it must not be made
 * non-blocking; and a write(2) begun just after a signal came would sleep until
 * the reader wakes. The tick bounds that: it interrupts whatever call we sit
 * in, and its caller then looks at wait_check.
 */
int wait_init(struct wait *w, int64_t timeout_ms, struct error *err)
{
	struct sigaction action = { .sa_handler = on_tick };
	struct itimerval tick = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } };

	*w = (struct wait){ .timeout_ms = timeout_ms };
	if (timeout_ms > 0)
		w->deadline_ms = monotonic_ms() + timeout_ms;
	if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &tick, NULL) < 0)
		return error_set_errno(err, ERR_OS, "starting a timer");
	return 0;
}

int wait_check(const struct wait *w, struct error *err)
{
	if (signals_check(err) < 0)
		return -1;
	if (w->deadline_ms && monotonic_ms() >= w->deadline_ms)
		return error_set(err, ERR_TEMP, "not done within --timeout (%.1f s)",
				 (double)w->timeout_ms / 1000);
	return 0;
}

/* The next moment at which a poll must return by itself, as its timeout argument. */
static int poll_timeout(const struct wait *w, int64_t now, int64_t until_ms, bool idle)
{
	int64_t least = INT64_MAX;

	if (until_ms)
		least = until_ms - now;
	if (w->deadline_ms && w->deadline_ms - now < least)
		least = w->deadline_ms - now;
	if (idle && w->idle_ms + IDLE_MS - now < least)
		least = w->idle_ms + IDLE_MS - now;
	if (least == INT64_MAX)
		return -1;
	return least < 0 ? 0 : least > INT_MAX ? INT_MAX : (int)least;
}

/*
 * The idle call is due a while after the last one, not after a silence: rows
 * that drip in faster than that would never see one. Only who has to wait pays
 * for the clock.
 */
int wait_for(struct wait *w, int fd, short events, int64_t until_ms, struct error *err)
{
	bool idle = w->idle != NULL;

	for (;;) {
		struct pollfd watched[] = {
			{ .fd = fd, .events = events },
			{ .fd = signals_fd(), .events = POLLIN },
			{ .fd = STDOUT_FILENO }, /* errors alone */
		};
		int64_t now = monotonic_ms();
		int ready;

		if (idle && now - w->idle_ms >= IDLE_MS) {
			idle = false;
			if (w->idle(w->idle_argument, err) < 0)
				return -1;
			/* Writing may have taken long. */
			w->idle_ms = now = monotonic_ms();
		}
		ready = poll(watched, 3, poll_timeout(w, now, until_ms, idle));
		if (ready < 0 && errno != EINTR)
			return error_set_errno(err, ERR_OS, "poll");
		if (wait_check(w, err) < 0)
			return -1;
		if (ready < 0)
			continue;
		if (watched[2].revents & (POLLERR | POLLHUP))
			return error_set(err, ERR_SIGNAL + SIGPIPE, "stdout: the reader is gone");
		if (watched[0].revents)
			return 1;
		if (until_ms && monotonic_ms() >= until_ms)
			return 0;
	}
}

int wait_write(const struct wait *w, const char *p, size_t n, struct error *err)
{
	while (n > 0) {
		ssize_t written = write(STDOUT_FILENO, p, n);

		if (written > 0) {
			p += written;
			n -= (size_t)written;
		}
		/* A short write, too, may be how a signal or the tick showed itself. */
		if (n > 0 && wait_check(w, err) < 0)
			return -1;
		if (written >= 0 || errno == EINTR)
			continue;
		if (errno == EAGAIN) {
			struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

			if (poll(&out, 1, TICK_MS) < 0 && errno != EINTR)
				return error_set_errno(err, ERR_OS, "poll");
			continue;
		}
		if (errno == EPIPE)
			return error_set(err, ERR_SIGNAL + SIGPIPE, "stdout: the reader is gone");
		return error_set_errno(err, ERR_IO, "writing stdout");
	}
	return 0;
}
