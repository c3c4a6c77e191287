#include "tests/localcloud/pubsub_check.h"

#include "tests/localcloud/base64.h"
#include "tests/localcloud/json_util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* cloud.google.com/pubsub/quotas#resource_limits */
#define MAX_MESSAGES 1000
#define MAX_BYTES 10000000
#define MAX_ATTRIBUTES 100
#define MAX_KEY 256
#define MAX_VALUE 1024
#define MAX_ORDERING_KEY 1024

static int invalid(struct api_error *err, const char *what)
{
	return api_fail(err, 400, "INVALID_ARGUMENT", "%s", what);
}

static int not_valid(struct api_error *err)
{
	return invalid(err, "Payload isn't valid for request.");
}

/* Letters, digits and "-._~+%", 3 to 255 of them, a letter first; not "goog…". */
static bool is_id(const char *id)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strlen(id);
	size_t plain = 0;

	while (id[plain] && (strchr(letters, id[plain]) || strchr("0123456789-._~+%", id[plain])))
		plain++;
	return plain == n && n >= 3 && n <= 255 && strchr(letters, id[0]) &&
	       strncmp(id, "goog", 4) != 0;
}

int pubsub_check_name(const char *collection, const char *name, struct api_error *err)
{
	size_t n = strlen(collection);
	const char *p = strncmp(name, "projects/", 9) == 0 ? name + 9 : "";
	size_t project = strcspn(p, "/");

	if (project > 0 && p[project] == '/' && strncmp(p + project + 1, collection, n) == 0 &&
	    p[project + 1 + n] == '/' && is_id(p + project + n + 2))
		return 0;
	return api_fail(err, 400, "INVALID_ARGUMENT", "Invalid [%s] name: (name=%.300s)",
			collection, name);
}

int pubsub_check_members(const json_t *body, const char *const *known, struct api_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)body, key, value)
		if (!ju_in(key, known))
			return not_valid(err);
	return 0;
}

json_t *pubsub_new_topic(const json_t *body, struct api_error *err)
{
	static const char *const known[] = { "name", "labels", "messageRetentionDuration",
					     "messageStoragePolicy", NULL };

	return pubsub_check_members(body, known, err) ? NULL : json_deep_copy(body);
}

static int check_dead_letters(const json_t *policy, struct api_error *err)
{
	int64_t attempts = ju_int64(policy, "maxDeliveryAttempts", 5);

	if (!policy)
		return 0;
	if (attempts >= 5 && attempts <= 100)
		return pubsub_check_name("topics", ju_string(policy, "deadLetterTopic", ""), err);
	return api_fail(err, 400, "OUT_OF_RANGE",
			"The value for max_delivery_attempts is too %s. You passed %" PRId64
			" in the request, but the %simum value is %d.",
			attempts < 5 ? "small" : "large", attempts, attempts < 5 ? "min" : "max",
			attempts < 5 ? 5 : 100);
}

/* Of a subscription what would change how messages come, and is not done. */
static int check_beyond(const json_t *body, struct api_error *err)
{
	static const char *const beyond[] = { "enableExactlyOnceDelivery", "retainAckedMessages",
					      "filter", "bigqueryConfig", "cloudStorageConfig" };

	if (ju_string(json_object_get(body, "pushConfig"), "pushEndpoint", "")[0])
		return api_fail(err, 501, "UNIMPLEMENTED", "localcloud does not push messages.");
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		const json_t *value = json_object_get(body, beyond[i]);
		const char *text = json_string_value(value);

		if (value && !json_is_null(value) && !json_is_false(value) && !(text && !text[0]))
			return api_fail(err, 501, "UNIMPLEMENTED", "localcloud does not do %s.",
					beyond[i]);
	}
	return 0;
}

json_t *pubsub_new_subscription(const json_t *body, struct api_error *err)
{
	static const char *const known[] = { "name",
					     "topic",
					     "pushConfig",
					     "ackDeadlineSeconds",
					     "retainAckedMessages",
					     "messageRetentionDuration",
					     "labels",
					     "enableMessageOrdering",
					     "expirationPolicy",
					     "filter",
					     "deadLetterPolicy",
					     "retryPolicy",
					     "enableExactlyOnceDelivery",
					     "bigqueryConfig",
					     "cloudStorageConfig",
					     NULL };
	int64_t deadline = ju_int64(body, "ackDeadlineSeconds", 0);
	json_t *made;

	if (pubsub_check_members(body, known, err) || check_beyond(body, err) ||
	    pubsub_check_name("topics", ju_string(body, "topic", ""), err) ||
	    check_dead_letters(json_object_get(body, "deadLetterPolicy"), err))
		return NULL;
	if (deadline != 0 && (deadline < 10 || deadline > 600)) {
		invalid(err, "ack_deadline_secs out of bounds");
		return NULL;
	}
	made = json_deep_copy(body);
	json_object_set_new(made, "ackDeadlineSeconds", json_integer(deadline ? deadline : 10));
	if (!json_object_get(made, "pushConfig"))
		json_object_set_new(made, "pushConfig", json_object());
	if (!json_object_get(made, "messageRetentionDuration"))
		json_object_set_new(made, "messageRetentionDuration", json_string("604800s"));
	return made;
}

static int check_attributes(const json_t *attributes, size_t *bytes, struct api_error *err)
{
	const char *key;
	json_t *value;

	if (attributes && !json_is_object(attributes))
		return not_valid(err);
	if (json_object_size(attributes) > MAX_ATTRIBUTES)
		return invalid(err, "The value for attributes is too large: at most 100.");
	json_object_foreach((json_t *)attributes, key, value) {
		if (!json_is_string(value))
			return not_valid(err);
		if (!key[0] || strlen(key) > MAX_KEY || strncmp(key, "goog", 4) == 0 ||
		    json_string_length(value) > MAX_VALUE)
			return api_fail(err, 400, "INVALID_ARGUMENT",
					"The attribute %.300s is not allowed.", key);
		*bytes += strlen(key) + json_string_length(value);
	}
	return 0;
}

static int check_message(const json_t *message, const char *first_key, size_t *bytes,
			 struct api_error *err)
{
	static const char *const known[] = { "data",      "attributes",  "orderingKey",
					     "messageId", "publishTime", NULL };
	const json_t *data = json_object_get(message, "data");
	const char *key = ju_string(message, "orderingKey", "");
	auto_buf raw = BUF_INIT;

	if (!json_is_object(message) || pubsub_check_members(message, known, err))
		return not_valid(err);
	if (data && (!json_is_string(data) ||
		     base64_decode(json_string_value(data), json_string_length(data), false, &raw)))
		return not_valid(err);
	if (raw.length == 0 && json_object_size(json_object_get(message, "attributes")) == 0)
		return invalid(err, "Some messages are empty");
	if (strlen(key) > MAX_ORDERING_KEY)
		return invalid(err, "The ordering key is longer than 1024 bytes.");
	if (strcmp(key, first_key) != 0)
		return invalid(err,
			       "In a single publish request, all messages must have no ordering "
			       "key or they must all have the same ordering key.");
	*bytes += raw.length + strlen(key);
	return check_attributes(json_object_get(message, "attributes"), bytes, err);
}

int pubsub_check_messages(const json_t *messages, struct api_error *err)
{
	const char *key = ju_string(json_array_get(messages, 0), "orderingKey", "");
	const json_t *message;
	size_t i, bytes = 0;

	if (messages && !json_is_array(messages))
		return not_valid(err);
	if (json_array_size(messages) == 0)
		return invalid(err, "No messages to publish");
	if (json_array_size(messages) > MAX_MESSAGES)
		return invalid(err, "The value for message_count is too large: at most 1000.");
	json_array_foreach(messages, i, message)
		if (check_message(message, key, &bytes, err))
			return -1;
	return bytes <= MAX_BYTES ? 0
				  : invalid(err, "The value for request_size is too large: at most "
						 "10000000 bytes.");
}
