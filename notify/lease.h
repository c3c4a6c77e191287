/*
 * The messages that are ours for the time being. A thread of its own keeps
 * them so while COMMAND works on them, and tells the server what became of
 * them: acknowledged, or given back after a delay. Requests are of many
 * messages at once, and repeated for as long as that makes sense.
 *
 * Whatever goes wrong here, no message is lost: the server delivers again
 * what is not acknowledged in time.
 */
#ifndef SLUICE_NOTIFY_LEASE_H
#define SLUICE_NOTIFY_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"

struct leases;

/*
 * subscription is kept, not copied; api as for api_open. first_ms: for how
 * long the server lends a message that was pulled (ackDeadlineSeconds).
 */
int leases_new(const struct api_options *api, const char *subscription, int64_t first_ms,
	       struct leases **ret, struct error *err) __attribute__((warn_unused_result));

/*
 * A message that was pulled: hold it from now on. 1: it is new, or was given
 * back. 0: it is held already, or done with, and was delivered once more; the
 * newest ackId counts. -1:
 * memory is out; it will be delivered again.
 */
int leases_hold(struct leases *l, const char *id, const char *ack_id, struct error *err)
	__attribute__((warn_unused_result));

/* Done with. Returns at once. */
void leases_acknowledge(struct leases *l, const char *id);

/* To be delivered again in delay_s seconds, 0 to PUBSUB_DEADLINE_MAX_S. Returns at once. */
void leases_give_back(struct leases *l, const char *id, int64_t delay_s);

/* Messages held, or not yet said to be done with. */
size_t leases_count(struct leases *l);

/* Wait, for so long at most, until all has been said; -1: something has not. */
int leases_finish(struct leases *l, int64_t wait_ms);

/* Whatever has not been said by now comes again. NULL is harmless. */
void leases_free(struct leases *l);

#endif
