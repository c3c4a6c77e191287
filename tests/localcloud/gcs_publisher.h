/*
 * Tells topics of what happens to objects: one thread, in the order of the events, each at least once. They go to the
 * Pub/Sub at PUBSUB_EMULATOR_HOST where that is set, else to the server's own. An event that the topic refuses is
 * dropped; where nobody answers it waits.
 */
#ifndef LOCALCLOUD_GCS_PUBLISHER_H
#define LOCALCLOUD_GCS_PUBLISHER_H

#include "tests/localcloud/http.h"

struct gcs_publisher;

/* server outlives it. */
int gcs_publisher_start(const struct server *server, struct gcs_publisher **ret,
			struct api_error *err);
void gcs_publisher_stop(struct gcs_publisher *p);

#endif
