/*
 * Progress of long work on a terminal's stderr (rows, bytes, rate, ETA where
 * the size is known), and the one summary line at the end.
 *
 * progress_tick costs a clock read only every 4,096 calls; nothing is shown
 * unless stderr is a terminal, logs are text and --quiet is off.
 */
#ifndef SLUICE_LIB_PROGRESS_H
#define SLUICE_LIB_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "public.orders"; borrowed */
	uint64_t rows, bytes;
	uint64_t total_bytes; /* 0 when not known */
	int64_t start_ms;     /* monotonic */
	int64_t shown_ms;
	uint32_t skipped;
	bool visible;
};

void progress_start(struct progress *p, const char *what, uint64_t total_bytes);
void progress_show(struct progress *p);

static inline void progress_tick(struct progress *p, uint64_t rows, uint64_t bytes)
{
	p->rows = rows;
	p->bytes = bytes;
	if (p->visible && ++p->skipped >= 4096)
		progress_show(p);
}

/* Clear the line and log "WHAT: verb N rows, B MB in S s (R rows/s)" at level info. */
void progress_finish(struct progress *p, const char *verb);

/* Seconds since progress_start. */
double progress_seconds(const struct progress *p);

#endif
