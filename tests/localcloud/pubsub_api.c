#include "tests/localcloud/pubsub_api.h"

#include "tests/localcloud/json_util.h"
#include "tests/localcloud/pubsub.h"
#include "tests/localcloud/pubsub_check.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* How long Google's emulator waits for a message. */
#define PULL_MS 89000
#define MAX_PULL 1000
#define PAGE 100

#define NAME_MAX_LENGTH 1024

bool pubsub_is_path(const char *path)
{
	return strncmp(path, "/v1/projects/", 13) == 0;
}

void pubsub_error_answer(struct exchange *ex, const struct api_error *err)
{
	json_t *envelope = api_error_envelope(err), *error = json_object_get(envelope, "error");

	json_object_del(error, "errors");
	/* Others than Pub/Sub's own give reasons such as backendError. */
	if (err->reason[0] >= 'A' && err->reason[0] <= 'Z')
		json_object_set_new(error, "status", json_string(err->reason));
	ex_answer(ex, err->status, envelope);
}

/* The name in the path, without a verb. */
static int name_of(const struct exchange *ex, const char *collection, char name[NAME_MAX_LENGTH],
		   struct api_error *err)
{
	snprintf(name, NAME_MAX_LENGTH, "projects/%s/%s/%.*s", ex->param[0], collection,
		 (int)strcspn(ex->param[1], ":"), ex->param[1]);
	return pubsub_check_name(collection, name, err);
}

static bool has_verb(const struct exchange *ex, const char *verb)
{
	return strcmp(ex->param[1] + strcspn(ex->param[1], ":"), verb) == 0;
}

static json_t *body_of(const struct exchange *ex, const char *const *known, struct api_error *err)
{
	json_t *body = ex_json(ex, err);

	if (!body) {
		api_fail(err, 400, "INVALID_ARGUMENT", "Payload isn't valid for request.");
		return NULL;
	}
	if (known && pubsub_check_members(body, known, err)) {
		json_decref(body);
		return NULL;
	}
	return body;
}

/* The page of the list that pageSize and pageToken ask for; the token is the name that it begins with. */
static int answer_list(struct exchange *ex, const char *key, json_t *list, struct api_error *err)
{
	const char *token = ex_query(ex, "pageToken");
	json_t *answer = json_object(), *page = json_array(), *entry;
	int64_t size;
	size_t i;
	int rc = ex_query_int64(ex, "pageSize", PAGE, &size, err);

	if (rc == 0 && size < 0)
		rc = api_fail(err, 400, "INVALID_ARGUMENT", "The page size is negative.");
	if (size == 0 || size > MAX_PULL)
		size = PAGE;
	json_array_foreach(list, i, entry) {
		const char *name = json_is_string(entry) ? json_string_value(entry)
							 : ju_string(entry, "name", "");

		if (token && strcmp(name, token) < 0)
			continue;
		if ((int64_t)json_array_size(page) == size) {
			json_object_set_new(answer, "nextPageToken", json_string(name));
			break;
		}
		json_array_append(page, entry);
	}
	if (json_array_size(page) > 0)
		json_object_set(answer, key, page);
	json_decref(page);
	json_decref(list);
	if (rc == 0)
		ex_answer(ex, 200, answer);
	else
		json_decref(answer);
	return rc;
}

static json_t *list_of(const struct exchange *ex, enum pubsub_kind kind)
{
	char prefix[NAME_MAX_LENGTH];

	snprintf(prefix, sizeof(prefix), "projects/%s/", ex->param[0]);
	return pubsub_list(ex->server->pubsub, kind, prefix);
}

int pubsub_topics_list(struct exchange *ex, struct api_error *err)
{
	return answer_list(ex, "topics", list_of(ex, PUBSUB_TOPICS), err);
}

int pubsub_subscriptions_list(struct exchange *ex, struct api_error *err)
{
	return answer_list(ex, "subscriptions", list_of(ex, PUBSUB_SUBSCRIPTIONS), err);
}

int pubsub_topics_subscriptions(struct exchange *ex, struct api_error *err)
{
	char topic[NAME_MAX_LENGTH];
	json_t *found, *all, *names, *subscription;
	size_t i;

	if (name_of(ex, "topics", topic, err))
		return -1;
	found = pubsub_topic_get(ex->server->pubsub, topic, err);
	if (!found)
		return -1;
	json_decref(found);
	/* They may be of other projects. */
	all = pubsub_list(ex->server->pubsub, PUBSUB_SUBSCRIPTIONS, "");
	names = json_array();
	json_array_foreach(all, i, subscription)
		if (strcmp(ju_string(subscription, "topic", ""), topic) == 0)
			json_array_append(names, json_object_get(subscription, "name"));
	json_decref(all);
	return answer_list(ex, "subscriptions", names, err);
}

typedef json_t *maker(const json_t *body, struct api_error *err);
typedef int creator(struct pubsub *ps, const char *name, json_t *resource, struct api_error *err);
typedef json_t *getter(struct pubsub *ps, const char *name, struct api_error *err);
typedef int deleter(struct pubsub *ps, const char *name, struct api_error *err);

static int create(struct exchange *ex, const char *collection, maker *make, creator *add,
		  struct api_error *err)
{
	char name[NAME_MAX_LENGTH];
	json_t *body, *resource;
	int rc = -1;

	if (name_of(ex, collection, name, err))
		return -1;
	body = body_of(ex, NULL, err);
	resource = body ? make(body, err) : NULL;
	if (resource)
		rc = add(ex->server->pubsub, name, resource, err);
	if (rc == 0)
		ex_answer(ex, 200, json_deep_copy(resource));
	json_decref(resource);
	json_decref(body);
	return rc;
}

static int get(struct exchange *ex, const char *collection, getter *find, struct api_error *err)
{
	char name[NAME_MAX_LENGTH];
	json_t *resource;

	if (name_of(ex, collection, name, err))
		return -1;
	resource = find(ex->server->pubsub, name, err);
	if (!resource)
		return -1;
	ex_answer(ex, 200, resource);
	return 0;
}

static int delete (struct exchange *ex, const char *collection, deleter *take,
		   struct api_error *err)
{
	char name[NAME_MAX_LENGTH];

	if (name_of(ex, collection, name, err) || take(ex->server->pubsub, name, err))
		return -1;
	ex_answer(ex, 200, json_object());
	return 0;
}

int pubsub_topics_create(struct exchange *ex, struct api_error *err)
{
	return create(ex, "topics", pubsub_new_topic, pubsub_topic_create, err);
}

int pubsub_topics_get(struct exchange *ex, struct api_error *err)
{
	return get(ex, "topics", pubsub_topic_get, err);
}

int pubsub_topics_delete(struct exchange *ex, struct api_error *err)
{
	return delete (ex, "topics", pubsub_topic_delete, err);
}

int pubsub_subscriptions_create(struct exchange *ex, struct api_error *err)
{
	return create(ex, "subscriptions", pubsub_new_subscription, pubsub_subscription_create,
		      err);
}

int pubsub_subscriptions_get(struct exchange *ex, struct api_error *err)
{
	return get(ex, "subscriptions", pubsub_subscription_get, err);
}

int pubsub_subscriptions_delete(struct exchange *ex, struct api_error *err)
{
	return delete (ex, "subscriptions", pubsub_subscription_delete, err);
}

static int no_verb(const struct exchange *ex, struct api_error *err)
{
	return api_fail(err, 404, "NOT_FOUND", "Not Found: localcloud does not serve %s %s",
			ex->method, ex->path);
}

int pubsub_topics_post(struct exchange *ex, struct api_error *err)
{
	static const char *const known[] = { "topic", "messages", NULL };
	char name[NAME_MAX_LENGTH];
	json_t *body, *ids;
	int rc;

	if (!has_verb(ex, ":publish"))
		return no_verb(ex, err);
	if (name_of(ex, "topics", name, err))
		return -1;
	body = body_of(ex, known, err);
	if (!body)
		return -1;
	rc = pubsub_check_messages(json_object_get(body, "messages"), err);
	if (rc == 0)
		rc = pubsub_publish(ex->server->pubsub, name, json_object_get(body, "messages"),
				    &ids, err);
	if (rc == 0)
		ex_answer(ex, 200, json_pack("{s:o}", "messageIds", ids));
	json_decref(body);
	return rc;
}

/* Is the client still there? A message that is leased to nobody comes late. */
static bool listens(void *closure)
{
	const struct exchange *ex = closure;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pollfd socket = { .fd = info ? info->connect_fd : -1, .events = POLLRDHUP };

	return poll(&socket, 1, 0) == 0;
}

static int pull(struct exchange *ex, const char *name, const json_t *body, struct api_error *err)
{
	int64_t max = ju_int64(body, "maxMessages", 0);
	bool at_once = ju_bool(body, "returnImmediately", false);
	json_t *received, *answer;

	if (max < 1 || max > MAX_PULL)
		return api_fail(err, 400, "INVALID_ARGUMENT",
				max < 1 ? "No max_messages specified"
					: "The value for max_messages is too large: at most 1000.");
	if (pubsub_pull(ex->server->pubsub, name, max, at_once ? 0 : PULL_MS, listens, ex,
			&received, err))
		return -1;
	answer = json_object();
	if (json_array_size(received) > 0)
		json_object_set(answer, "receivedMessages", received);
	json_decref(received);
	ex_answer(ex, 200, answer);
	return 0;
}

static int check_ack_ids(const json_t *body, struct api_error *err)
{
	if (json_array_size(json_object_get(body, "ackIds")) > 0)
		return 0;
	return api_fail(err, 400, "INVALID_ARGUMENT", "No ack ids specified.");
}

static int acknowledge(struct exchange *ex, const char *name, const json_t *body,
		       struct api_error *err)
{
	if (check_ack_ids(body, err) ||
	    pubsub_acknowledge(ex->server->pubsub, name, json_object_get(body, "ackIds"), err))
		return -1;
	ex_answer(ex, 200, json_object());
	return 0;
}

static int modify(struct exchange *ex, const char *name, const json_t *body, struct api_error *err)
{
	int64_t seconds = ju_int64(body, "ackDeadlineSeconds", 0);

	if (seconds < 0 || seconds > 600)
		return api_fail(err, 400, "INVALID_ARGUMENT",
				seconds < 0 ? "Ack deadline cannot be negative"
					    : "ack_deadline_secs out of bounds");
	if (check_ack_ids(body, err) ||
	    pubsub_modify_deadline(ex->server->pubsub, name, json_object_get(body, "ackIds"),
				   seconds, err))
		return -1;
	ex_answer(ex, 200, json_object());
	return 0;
}

int pubsub_subscriptions_post(struct exchange *ex, struct api_error *err)
{
	static const struct {
		const char *verb;
		const char *members[4];
		int (*run)(struct exchange *ex, const char *name, const json_t *body,
			   struct api_error *err);
	} verbs[] = {
		{ ":pull", { "subscription", "maxMessages", "returnImmediately", NULL }, pull },
		{ ":acknowledge", { "subscription", "ackIds", NULL }, acknowledge },
		{ ":modifyAckDeadline",
		  { "subscription", "ackIds", "ackDeadlineSeconds", NULL },
		  modify },
	};
	char name[NAME_MAX_LENGTH];

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		json_t *body;
		int rc;

		if (!has_verb(ex, verbs[i].verb))
			continue;
		if (name_of(ex, "subscriptions", name, err))
			return -1;
		body = body_of(ex, verbs[i].members, err);
		rc = body ? verbs[i].run(ex, name, body, err) : -1;
		json_decref(body);
		return rc;
	}
	return no_verb(ex, err);
}
