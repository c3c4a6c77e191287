/*
 * Tells topics of runs that have ended: one thread, in the order of their ends, each at least once. What the topic
 * refuses is dropped; where nobody answers it waits.
 */
#ifndef LOCALCLOUD_DTS_NOTIFIER_H
#define LOCALCLOUD_DTS_NOTIFIER_H

#include "tests/localcloud/http.h"

struct dts_notifier;

/* server outlives it. */
int dts_notifier_start(const struct server *server, struct dts_notifier **ret,
		       struct api_error *err);
void dts_notifier_stop(struct dts_notifier *n);

#endif
