#include "tests/localcloud/reqlog.h"

#include "tests/localcloud/http.h"
#include "tests/localcloud/router.h"
#include "tests/localcloud/store.h"

#include <pthread.h>
#include <stdlib.h>

#define MAX_ENTRIES 5000

struct reqlog {
	pthread_mutex_t lock;
	json_t *entries;
	uint64_t connections, requests;
};

struct reqlog *reqlog_new(void)
{
	struct reqlog *l = calloc(1, sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	l->entries = json_array();
	return l;
}

void reqlog_free(struct reqlog *l)
{
	json_decref(l->entries);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

uint64_t reqlog_new_connection(struct reqlog *l)
{
	uint64_t number;

	pthread_mutex_lock(&l->lock);
	number = ++l->connections;
	pthread_mutex_unlock(&l->lock);
	return number;
}

static uint64_t connection_of(const struct exchange *ex)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? (uint64_t)(uintptr_t)info->socket_context : 0;
}

static void add_header(json_t *entry, const struct exchange *ex, const char *header,
		       const char *key)
{
	const char *value = ex_header(ex, header);

	if (value)
		json_object_set_new(entry, key, json_string(value));
}

void reqlog_add(struct reqlog *l, const struct exchange *ex, size_t answer_bytes)
{
	json_t *entry;

	if (router_is_control(ex->path))
		return;
	entry = json_pack("{s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:b}", "method", ex->method, "path",
			  ex->url, "status", ex->status, "requestBytes", (json_int_t)ex->received,
			  "answerBytes", (json_int_t)answer_bytes, "connection",
			  (json_int_t)connection_of(ex), "atMs", (json_int_t)store_now_ms(),
			  "authorized", ex_header(ex, "Authorization") != NULL);
	if (!entry)
		return;
	add_header(entry, ex, "Content-Range", "contentRange");
	add_header(entry, ex, "User-Agent", "userAgent");
	add_header(entry, ex, "If-Match", "ifMatch");
	pthread_mutex_lock(&l->lock);
	json_object_set_new(entry, "seq", json_integer((json_int_t)++l->requests));
	if (json_array_size(l->entries) >= MAX_ENTRIES)
		json_array_remove(l->entries, 0);
	json_array_append_new(l->entries, entry);
	pthread_mutex_unlock(&l->lock);
}

json_t *reqlog_list(struct reqlog *l)
{
	json_t *list;

	pthread_mutex_lock(&l->lock);
	list = json_pack("{s:o, s:I}", "requests", json_deep_copy(l->entries), "connections",
			 (json_int_t)l->connections);
	pthread_mutex_unlock(&l->lock);
	return list;
}

void reqlog_clear(struct reqlog *l)
{
	pthread_mutex_lock(&l->lock);
	json_array_clear(l->entries);
	pthread_mutex_unlock(&l->lock);
}
