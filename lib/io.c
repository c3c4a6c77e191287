#include "lib/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/clock.h"

static const int ending_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static _Atomic int pending_signal;
static int signal_pipe[2] = { -1, -1 };
static _Atomic int64_t grace_until_ms; /* monotonic; 0: there is none */

void io_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int io_write_all(int fd, const void *p, size_t n, const char *name, struct error *err)
{
	const char *data = p;

	while (n > 0) {
		struct pollfd watched[] = { { .fd = fd, .events = POLLOUT },
					    { .fd = signals_fd(), .events = POLLIN } };
		ssize_t written = write(fd, data, n);

		if (written > 0) {
			data += written;
			n -= (size_t)written;
		}
		/* A short write may be how a signal showed itself. */
		if (n > 0 && signals_check(err) < 0)
			return -1;
		if (written >= 0 || errno == EINTR)
			continue;
		/* Whoever shares the descriptor may have made it non-blocking. */
		if (errno == EAGAIN) {
			if (poll(watched, 2, -1) < 0 && errno != EINTR)
				return error_set_errno(err, ERR_OS, "poll");
			continue;
		}
		if (errno == EPIPE)
			return error_set(err, ERR_SIGNAL + SIGPIPE, "%s: the reader is gone", name);
		return error_set_errno(err, ERR_IO, "writing %s", name);
	}
	return 0;
}

ssize_t io_read(int fd, void *p, size_t n, const char *name, struct error *err)
{
	return io_read_until(fd, -1, p, n, name, err);
}

ssize_t io_read_until(int fd, int stop, void *p, size_t n, const char *name, struct error *err)
{
	for (;;) {
		struct pollfd watched[] = { { .fd = fd, .events = POLLIN },
					    { .fd = signals_fd(), .events = POLLIN },
					    { .fd = stop, .events = POLLIN } };
		ssize_t got;

		/* A signal just before a bare read would not be seen while that blocks. */
		if (poll(watched, 3, -1) < 0) {
			if (errno != EINTR)
				return error_set_errno(err, ERR_OS, "poll");
			watched[0].revents = watched[2].revents = 0;
		}
		if (signals_check(err) < 0)
			return -1;
		if (watched[2].revents)
			return 0;
		if (!watched[0].revents)
			continue;
		got = read(fd, p, n);
		if (got >= 0)
			return got;
		if (errno != EINTR && errno != EAGAIN)
			return error_set_errno(err, ERR_IO, "reading %s", name);
	}
}

int io_read_file(const char *path, size_t max, struct buf *out, struct error *err)
{
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t before = out->length;
	ssize_t got;

	if (fd < 0)
		return error_set_errno(err, ERR_NOINPUT, "%s", path);
	do {
		if (buf_reserve(out, 65536, err) < 0)
			return -1;
		got = io_read(fd, out->data + out->length, 65536, path, err);
		if (got < 0)
			return -1;
		out->length += (size_t)got;
		if (out->length - before > max)
			return error_set(err, ERR_DATA, "%s: larger than %zu bytes", path, max);
	} while (got > 0);
	return 0;
}

int io_close(int fd, const char *name, struct error *err)
{
	if (close(fd) < 0 && errno != EINTR)
		return error_set_errno(err, ERR_IO, "closing %s", name);
	return 0;
}

static void on_signal(int number)
{
	int expected = 0, saved = errno;

	if (!atomic_compare_exchange_strong(&pending_signal, &expected, number)) {
		/* Whoever sends another does not want to wait. */
		if (number != SIGALRM)
			atomic_store(&grace_until_ms, 0);
	} else if (write(signal_pipe[1], "", 1) < 0) {
		errno = saved; /* pending_signal is set all the same */
	}
	errno = saved;
}

/*
 * A closed standard descriptor must not become a socket or a pipe of ours: it
 * is taken by /dev/null, opened so that using it still fails (EBADF).
 */
static int take_standard_fds(struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return error_set_errno(err, ERR_OS, "/dev/null");
	return 0;
}

int signals_init(struct error *err)
{
	struct sigaction ending = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };
	struct sigaction old;

	if (take_standard_fds(err) < 0)
		return -1;
	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set_errno(err, ERR_OS, "pipe");
	sigfillset(&ending.sa_mask);
	for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++) {
		/* What the parent ignores (nohup) stays ignored. */
		if (sigaction(ending_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		if (sigaction(ending_signals[i], &ending, NULL) < 0)
			return error_set_errno(err, ERR_OS, "sigaction");
	}
	if (sigaction(SIGPIPE, &ignore, NULL) < 0)
		return error_set_errno(err, ERR_OS, "sigaction");
	return 0;
}

static bool in_grace(void)
{
	int64_t until = atomic_load(&grace_until_ms);

	return until > 0 && monotonic_ms() < until;
}

void signals_grace(int64_t ms)
{
	if (signals_pending())
		atomic_store(&grace_until_ms, monotonic_ms() + ms);
}

int signals_fd(void)
{
	return in_grace() ? -1 : signal_pipe[0];
}

int signals_pending(void)
{
	return atomic_load(&pending_signal);
}

int signals_check(struct error *err)
{
	int number = signals_pending();

	if (!number || in_grace())
		return 0;
	if (number == SIGALRM)
		return error_set(err, ERR_TEMP, "the time of --timeout is over");
	return error_set(err, ERR_SIGNAL + number, "ended by signal %d (%s)", number,
			 strsignal(number));
}

int signals_set_timeout(int64_t timeout_ms, struct error *err)
{
	struct sigaction alarm = { .sa_handler = on_signal };
	struct itimerval timer = {
		.it_value = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 },
	};

	sigfillset(&alarm.sa_mask);
	if (sigaction(SIGALRM, &alarm, NULL) < 0 || setitimer(ITIMER_REAL, &timer, NULL) < 0)
		return error_set_errno(err, ERR_OS, "timer");
	return 0;
}

void signals_reset_in_child(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL }, old;

	for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++)
		if (sigaction(ending_signals[i], NULL, &old) == 0 && old.sa_handler == on_signal)
			sigaction(ending_signals[i], &standard, NULL);
	sigaction(SIGPIPE, &standard, NULL);
}
