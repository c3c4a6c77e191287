#include "lib/google/backoff.h"

#include <errno.h>
#include <poll.h>
#include <sys/random.h>

#include "lib/clock.h"
#include "lib/io.h"

/* On top of every delay, so that clients that failed together do not come back together. */
enum { JITTER_MAX_MS = 1000 };

void backoff_init(struct backoff *b, const struct retry_policy *policy)
{
	b->policy = *policy;
	backoff_reset(b);
}

void backoff_reset(struct backoff *b)
{
	b->next_ms = b->policy.initial_ms;
	b->deadline_ms = 0;
	b->waits = 0;
}

/* 0 to max_ms; a lack of randomness is no reason to fail. */
static int64_t jitter(int64_t max_ms)
{
	uint32_t random = 0;

	if (max_ms <= 0 || getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
		return 0;
	return random % (max_ms + 1);
}

int64_t backoff_next_ms(struct backoff *b, int64_t at_least_ms)
{
	int64_t delay = b->next_ms > at_least_ms ? b->next_ms : at_least_ms;

	delay += jitter(b->next_ms < JITTER_MAX_MS ? b->next_ms : JITTER_MAX_MS);
	b->next_ms = b->next_ms * 2 < b->policy.max_ms ? b->next_ms * 2 : b->policy.max_ms;
	return delay;
}

int backoff_sleep(int64_t delay_ms, int cancel_fd, struct error *err)
{
	int64_t until = monotonic_ms() + delay_ms, left;
	/* poll(2) leaves out negative descriptors. */
	struct pollfd fds[] = { { .fd = signals_fd(), .events = POLLIN },
				{ .fd = cancel_fd, .events = POLLIN } };

	for (;;) {
		if (signals_check(err) < 0)
			return -1;
		left = until - monotonic_ms();
		if (left <= 0)
			return 0;
		if (poll(fds, 2, left > 60000 ? 60000 : (int)left) < 0 && errno != EINTR)
			return error_set_errno(err, ERR_OS, "poll");
		if (fds[1].revents)
			return error_set(err, ERR_TEMP, "cancelled");
	}
}

int backoff_wait(struct backoff *b, int64_t at_least_ms, int cancel_fd, struct error *err)
{
	int64_t now = monotonic_ms(), delay;

	if (!b->deadline_ms)
		b->deadline_ms = now + b->policy.budget_ms;
	delay = backoff_next_ms(b, at_least_ms);
	if (now + delay > b->deadline_ms)
		return 0;
	b->waits++;
	return backoff_sleep(delay, cancel_fd, err) < 0 ? -1 : 1;
}
