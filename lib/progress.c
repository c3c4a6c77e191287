#include "lib/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

void progress_start(struct progress *p, const char *what, uint64_t total_bytes)
{
	*p = (struct progress){ .what = what,
				.total_bytes = total_bytes,
				.start_ms = monotonic_ms() };
	p->shown_ms = p->start_ms;
	p->visible = isatty(STDERR_FILENO) && log_get_format() == LOG_TEXT && log_enabled(LOG_INFO);
}

double progress_seconds(const struct progress *p)
{
	return (double)(monotonic_ms() - p->start_ms) / 1000;
}

void progress_show(struct progress *p)
{
	int64_t now = monotonic_ms();
	double seconds = (double)(now - p->start_ms) / 1000;
	char line[256], eta[48] = "";

	p->skipped = 0;
	if (now - p->shown_ms < 500 || seconds <= 0)
		return;
	p->shown_ms = now;
	if (p->total_bytes > p->bytes && p->bytes > 0)
		snprintf(eta, sizeof eta, ", %.0f s left",
			 seconds * (double)(p->total_bytes - p->bytes) / (double)p->bytes);
	int n = snprintf(line, sizeof line, "\r\033[K%.80s: %llu rows, %.1f MB, %.0f rows/s%s",
			 p->what, (unsigned long long)p->rows, (double)p->bytes / 1e6,
			 (double)p->rows / seconds, eta);
	/* Decoration: a terminal that is gone is not worth an error. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		p->visible = false;
}

void progress_finish(struct progress *p, const char *verb)
{
	double seconds = progress_seconds(p);

	if (p->visible && write(STDERR_FILENO, "\r\033[K", 4) < 0)
		p->visible = false;
	log_info("%s: %s %llu rows, %.1f MB in %.1f s (%.0f rows/s)", p->what, verb,
		 (unsigned long long)p->rows, (double)p->bytes / 1e6, seconds,
		 seconds > 0 ? (double)p->rows / seconds : 0.0);
}
