/* Notification configurations of buckets. */
#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/pubsub_check.h"

#include <string.h>

static const char service[] = "//pubsub.googleapis.com/";

static void link_config(const struct exchange *ex, json_t *config)
{
	const char *id = ju_string(config, "id", "");
	char root[300];

	json_object_set_new(config, "kind", json_string("storage#notification"));
	json_object_set_new(config, "etag", json_string(id));
	json_object_set_new(config, "selfLink",
			    json_sprintf("%s/storage/v1/b/%s/notificationConfigs/%s",
					 ex_root(ex, root, sizeof(root)), ex->param[0], id));
}

static int check_texts(const json_t *object, struct api_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
		if (!json_is_string(value))
			return api_fail(err, 400, "invalid",
					"Invalid value for custom_attributes.%s: not a string",
					key);
	return 0;
}

static int check_types(const json_t *types, struct api_error *err)
{
	static const char *const known[] = { "OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE",
					     "OBJECT_DELETE", "OBJECT_ARCHIVE", NULL };
	const json_t *type;
	size_t i;

	json_array_foreach(types, i, type)
		if (!json_is_string(type) || !ju_in(json_string_value(type), known))
			return api_fail(err, 400, "invalid", "Invalid event type: '%s'",
					json_is_string(type) ? json_string_value(type) : "");
	return 0;
}

/* What is kept of the request: new reference. The topic comes with the service's name before it or without. */
static json_t *new_config(const json_t *body, struct api_error *err)
{
	static const char *const formats[] = { "JSON_API_V1", "NONE", NULL };
	const char *topic = ju_string(body, "topic", ""),
		   *format = ju_string(body, "payload_format", "");
	const json_t *attributes = json_object_get(body, "custom_attributes"),
		     *types = json_object_get(body, "event_types");
	struct api_error bad;

	if (strncmp(topic, service, strlen(service)) == 0)
		topic += strlen(service);
	if (pubsub_check_name("topics", topic, &bad)) {
		api_fail(err, 400, "invalid", "Invalid Google Cloud Pub/Sub topic: '%s'", topic);
		return NULL;
	}
	if (!ju_in(format, formats)) {
		api_fail(err, 400, format[0] ? "invalid" : "required",
			 "Invalid payload_format: '%s'", format);
		return NULL;
	}
	if (check_types(types, err) || check_texts(attributes, err))
		return NULL;
	return json_pack("{s:o, s:s, s:O*, s:O*, s:s*}", "topic",
			 json_sprintf("%s%s", service, topic), "payload_format", format,
			 "event_types", types, "custom_attributes", attributes,
			 "object_name_prefix", ju_string(body, "object_name_prefix", NULL));
}

int gcs_notifications_insert(struct exchange *ex, struct api_error *err)
{
	json_t *body, *config;
	int rc = -1;

	if (gcs_check_bucket(ex->param[0], err))
		return -1;
	body = ex_json(ex, err);
	config = body ? new_config(body, err) : NULL;
	if (config)
		rc = gcs_notification_create(ex->server->gcs, ex->param[0], config, err);
	if (rc == 0) {
		link_config(ex, config);
		ex_answer(ex, 200, json_incref(config));
	}
	json_decref(config);
	json_decref(body);
	return rc;
}

int gcs_notifications_list(struct exchange *ex, struct api_error *err)
{
	json_t *all, *config, *answer;
	size_t i;

	if (gcs_check_bucket(ex->param[0], err))
		return -1;
	all = gcs_notification_list(ex->server->gcs, ex->param[0], err);
	if (!all)
		return -1;
	json_array_foreach(all, i, config)
		link_config(ex, config);
	answer = json_pack("{s:s}", "kind", "storage#notifications");
	if (json_array_size(all) > 0)
		json_object_set(answer, "items", all);
	json_decref(all);
	ex_answer(ex, 200, answer);
	return 0;
}

int gcs_notifications_get(struct exchange *ex, struct api_error *err)
{
	json_t *config;

	if (gcs_check_bucket(ex->param[0], err))
		return -1;
	config = gcs_notification_get(ex->server->gcs, ex->param[0], ex->param[1], err);
	if (!config)
		return -1;
	link_config(ex, config);
	ex_answer(ex, 200, config);
	return 0;
}

int gcs_notifications_delete(struct exchange *ex, struct api_error *err)
{
	if (gcs_check_bucket(ex->param[0], err) ||
	    gcs_notification_delete(ex->server->gcs, ex->param[0], ex->param[1], err))
		return -1;
	ex->status = 204;
	return 0;
}
