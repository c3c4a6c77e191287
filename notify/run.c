#include "notify/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/command.h"
#include "lib/io.h"

/* While it is to end, a second signal is looked for so often. */
enum { LOOK_MS = 100 };

/* COMMAND while it runs. */
struct running {
	struct work *work;
	const char *name;
	struct command command;
	int process;      /* a pidfd */
	const char *left; /* of its input */
	size_t left_length;
	int64_t deadline_ms;
};

/* Must it be ended now? */
static int check_time(const struct running *r, struct error *err)
{
	int64_t now = monotonic_ms();

	if (atomic_load(&r->work->stopping) && signals_check(err) < 0) {
		/* A second signal: at once, but what becomes of the messages is still to be said. */
		atomic_store(&r->work->stop_by_ms, now);
		signals_grace(WORK_SETTLE_MS);
	}
	if (atomic_load(&r->work->stopping) && now >= atomic_load(&r->work->stop_by_ms))
		return error_set(err, ERR_TEMP, "%s: ended, because pubsubrun ends", r->name);
	if (now >= r->deadline_ms)
		return error_set(err, ERR_TEMP, "%s: ended, because --max-lease is over", r->name);
	return 0;
}

/* Up to the next thing that may happen. */
static int wait_for_event(const struct running *r, struct error *err)
{
	bool stopping = atomic_load(&r->work->stopping);
	int64_t left = r->deadline_ms - monotonic_ms();
	struct pollfd watched[] = {
		{ .fd = r->process, .events = POLLIN },
		{ .fd = r->left_length ? r->command.in : -1, .events = POLLOUT },
		{ .fd = stopping ? -1 : r->work->stop, .events = POLLIN },
	};

	if (stopping && left > LOOK_MS)
		left = LOOK_MS;
	if (poll(watched, 3, left > 0 ? (int)(left < INT32_MAX ? left : INT32_MAX) : 0) < 0 &&
	    errno != EINTR)
		return error_set_errno(err, ERR_OS, "poll");
	return 0;
}

/* What the pipe takes; its end is closed behind the last byte. */
static int feed(struct running *r, struct error *err)
{
	while (r->left_length > 0) {
		ssize_t n = write(r->command.in, r->left, r->left_length);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return error_set_errno(err, ERR_OS, "%s: its stdin", r->name);
		r->left += n;
		r->left_length -= (size_t)n;
	}
	io_close_fd(&r->command.in);
	r->command.in = -1;
	return 0;
}

static int supervise(struct running *r, struct error *err)
{
	while (!command_has_ended(&r->command)) {
		if (check_time(r, err) < 0 || (r->command.in >= 0 && feed(r, err) < 0) ||
		    wait_for_event(r, err) < 0) {
			struct error ignored;

			command_stop(&r->command);
			command_reap(&r->command, r->name, &ignored);
			return -1;
		}
	}
	return command_reap(&r->command, r->name, err);
}

/* The pipe's other end is held, so that what nobody has read is still in it. */
static int check_read(const struct running *r, int reads, struct error *err)
{
	int unread = 0;

	if (ioctl(reads, FIONREAD, &unread) < 0)
		return error_set_errno(err, ERR_OS, "%s: its stdin", r->name);
	if (r->left_length == 0 && unread == 0)
		return 0;
	return error_set(err, ERR_DATA, "%s: exit status 0, but it has not read all of its input",
			 r->name);
}

int run_command(struct work *work, const struct buf *lines, bool *fatal, struct error *err)
{
	struct running r = { .work = work,
			     .name = work->command[0],
			     .left = lines->data,
			     .left_length = lines->length,
			     .deadline_ms = monotonic_ms() + work->max_lease_ms };
	auto_fd reads = -1, process = -1;
	struct error ignored;
	int rc;

	if (command_start(&r.command, work->command, COMMAND_IN | COMMAND_HOLD, err) < 0) {
		*fatal = true;
		return -1;
	}
	reads = r.command.in_held;
	process = r.process = pidfd_open(r.command.pid, 0);
	if (process < 0 || fcntl(r.command.in, F_SETFL, O_NONBLOCK) < 0) {
		error_set_errno(err, ERR_OS, "%s", r.name);
		command_stop(&r.command);
		command_reap(&r.command, r.name, &ignored);
		*fatal = true;
		rc = -1;
	} else {
		rc = supervise(&r, err);
	}
	io_close_fd(&r.command.in);
	return rc < 0 ? -1 : check_read(&r, reads, err);
}
