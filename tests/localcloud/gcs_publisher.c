#include "tests/localcloud/gcs_publisher.h"

#include "lib/log.h"
#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/pubsub_send.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Between attempts to reach a Pub/Sub that does not answer. */
#define RETRY_MS 500

struct gcs_publisher {
	const struct server *server;
	struct pubsub_sender *sender;
	pthread_t thread;
};

static bool concerns(const struct gcs_event *event)
{
	const json_t *types = json_object_get(event->config, "event_types"), *type;
	const char *prefix = ju_string(event->config, "object_name_prefix", "");
	bool told = json_array_size(types) == 0;
	size_t i;

	json_array_foreach(types, i, type)
		told = told || strcmp(json_string_value(type), event->type) == 0;
	return told && strncmp(ju_string(event->object, "name", ""), prefix, strlen(prefix)) == 0;
}

static json_t *time_text(int64_t us)
{
	time_t seconds = us / 1000000;
	struct tm tm;
	char text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%06dZ", text, (int)(us % 1000000));
}

/* cloud.google.com/storage/docs/pubsub-notifications#attributes */
static json_t *attributes_of(const struct gcs_event *event)
{
	const json_t *object = event->object, *config = event->config;
	json_t *attributes = json_deep_copy(json_object_get(config, "custom_attributes"));

	if (!attributes)
		attributes = json_object();
	json_object_set_new(attributes, "notificationConfig",
			    json_sprintf("projects/_/buckets/%s/notificationConfigs/%s",
					 ju_string(object, "bucket", ""),
					 ju_string(config, "id", "")));
	json_object_set_new(attributes, "eventType", json_string(event->type));
	json_object_set_new(attributes, "eventTime", time_text(event->time_us));
	json_object_set(attributes, "payloadFormat", json_object_get(config, "payload_format"));
	json_object_set(attributes, "bucketId", json_object_get(object, "bucket"));
	json_object_set(attributes, "objectId", json_object_get(object, "name"));
	json_object_set(attributes, "objectGeneration", json_object_get(object, "generation"));
	if (event->other > 0)
		ju_set_int64(attributes,
			     strcmp(event->type, "OBJECT_FINALIZE") == 0
				     ? "overwroteGeneration"
				     : "overwrittenByGeneration",
			     event->other);
	return attributes;
}

static json_t *message_of(const struct gcs_publisher *p, const struct gcs_event *event)
{
	if (strcmp(ju_string(event->config, "payload_format", ""), "NONE") == 0)
		return pubsub_json_message(attributes_of(event), NULL);
	gcs_link(p->server->url, event->object);
	return pubsub_json_message(attributes_of(event), event->object);
}

/* Whether the event is done with: published, refused, or of no concern. */
static bool settle(struct gcs_publisher *p, const struct gcs_event *event)
{
	const char *topic = strstr(ju_string(event->config, "topic", "projects/"), "projects/");
	json_t *messages;
	long status;

	if (!concerns(event))
		return true;
	messages = json_pack("[o]", message_of(p, event));
	status = pubsub_send(p->sender, topic, messages);
	json_decref(messages);
	if (pubsub_send_again(status))
		return false;
	if (status != 200)
		log_warn("%s of %s/%s: %s answered %ld, so nobody is told", event->type,
			 ju_string(event->object, "bucket", ""),
			 ju_string(event->object, "name", ""), topic, status);
	return true;
}

static void *run(void *closure)
{
	struct gcs_publisher *p = closure;
	struct gcs *g = p->server->gcs;
	struct gcs_event event;
	struct api_error err;
	int rc;

	while ((rc = gcs_event_next(g, &event, &err)) > 0) {
		if (!settle(p, &event))
			gcs_events_pause(g, RETRY_MS);
		else
			rc = gcs_event_done(g, &event, &err);
		gcs_event_release(&event);
		if (rc < 0)
			break;
	}
	if (rc < 0)
		log_error("notifications end: %s", err.message);
	return NULL;
}

int gcs_publisher_start(const struct server *server, struct gcs_publisher **ret,
			struct api_error *err)
{
	struct gcs_publisher *p = calloc(1, sizeof(*p));

	p->server = server;
	p->sender = pubsub_sender_new(server);
	if (!p->sender || pthread_create(&p->thread, NULL, run, p)) {
		pubsub_sender_free(p->sender);
		free(p);
		return api_fail(err, 500, "internalError", "cannot start the publisher");
	}
	*ret = p;
	return 0;
}

void gcs_publisher_stop(struct gcs_publisher *p)
{
	if (!p)
		return;
	gcs_events_stop(p->server->gcs);
	pthread_join(p->thread, NULL);
	pubsub_sender_free(p->sender);
	free(p);
}
