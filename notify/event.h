/*
 * What a notification says: an object was made (or something else happened,
 * which concerns nobody here). Understood are {"@message":…} lines of
 * pubsubrun, the bodies of Pub/Sub's push requests, and Cloud Storage's object
 * resources, one JSON object a line.
 * https://cloud.google.com/storage/docs/pubsub-notifications
 */
#ifndef SLUICE_NOTIFY_EVENT_H
#define SLUICE_NOTIFY_EVENT_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"

struct event {
	bool made; /* OBJECT_FINALIZE; else nothing below is filled */
	char *bucket;
	char *object;
	char *generation; /* decimal; NULL where it is not told */
};

/* ERR_DATA: the line is none of the three, or lacks what it must have. */
int event_parse(const json_t *line, struct event *ret, struct error *err)
	__attribute__((warn_unused_result));

void event_release(struct event *e);

#endif
