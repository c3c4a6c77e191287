/*
 * Messages that other services than Pub/Sub publish: to the Pub/Sub at PUBSUB_EMULATOR_HOST where that is set, else to
 * the server's own. For one thread.
 */
#ifndef LOCALCLOUD_PUBSUB_SEND_H
#define LOCALCLOUD_PUBSUB_SEND_H

#include "tests/localcloud/http.h"

struct pubsub_sender;

/* server outlives it. NULL when there is no memory. */
struct pubsub_sender *pubsub_sender_new(const struct server *server);
void pubsub_sender_free(struct pubsub_sender *s);

/* topic is a whole name, "projects/P/topics/T". The HTTP status; 0 when nobody answered. */
long pubsub_send(struct pubsub_sender *s, const char *topic, const json_t *messages);
/* Whether the message may be accepted when it is sent again. */
bool pubsub_send_again(long status);

/* New reference: a PubsubMessage with the value as JSON text for its data. Takes attributes. */
json_t *pubsub_json_message(json_t *attributes, const json_t *data);

#endif
