/*
 * Standard input as changes: a stream of @loaded records, which must prove
 * that it is whole, or plain lines of what comes from outside (event.h). Of
 * the changes of one dataset the last one counts: a run that covers it covers
 * all.
 */
#ifndef SLUICE_TRIGGER_EVENT_INPUT_H
#define SLUICE_TRIGGER_EVENT_INPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "trigger/event.h"

struct changed {
	struct change last;
	uint64_t count; /* how many changes it stands for */
};

struct changes {
	struct changed *item; /* owned; in the order in which they first came */
	size_t count, room;
	bool broken; /* the input has ended before its end */
};

/* Which changes concern us. Borrowed. */
struct event_filter {
	char *const *datasets; /* NULL-terminated, "DATASET" or "PROJECT.DATASET"; NULL: all */
	bool together;         /* all datasets are one */
};

/* Is the change one of a dataset that is wanted? */
bool event_is_wanted(const struct event_filter *filter, const struct change *change);

/* Add a change, which is emptied. */
int changes_add(struct changes *all, const struct event_filter *filter, struct change *change,
		struct error *err) __attribute__((warn_unused_result));

/*
 * Read to the end. What is not understood is logged, with its line; the others
 * are added, also where the result is -1: the first failure, or that of the
 * stream.
 */
int changes_read(struct changes *all, int fd, const struct event_filter *filter, struct error *err)
	__attribute__((warn_unused_result));

void changes_release(struct changes *all);

#endif
