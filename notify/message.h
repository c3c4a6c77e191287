/* A Pub/Sub message as one line: {"@message":{…}}. See rowstream(5). */
#ifndef SLUICE_NOTIFY_MESSAGE_H
#define SLUICE_NOTIFY_MESSAGE_H

#include <jansson.h>

#include "lib/buf.h"
#include "lib/error.h"

/*
 * received: a ReceivedMessage of a pull. The line and its LF are appended.
 * Members: id, data (base64; left out when there is none), json (the data
 * again, when it is JSON: exactly its bytes, line ends made tabs),
 * attributes, publishTime, orderingKey, deliveryAttempt, each where it is.
 */
int message_append(const json_t *received, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* Of the same; NULL: it has none, which no server sends. Borrowed. */
const char *message_id(const json_t *received);
const char *message_ack_id(const json_t *received);

/* "" when it has none. */
const char *message_ordering_key(const json_t *received);

#endif
