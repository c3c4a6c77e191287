#include "tests/localcloud/http.h"

#include "tests/localcloud/airflow.h"
#include "tests/localcloud/airflow_api.h"
#include "tests/localcloud/auth.h"
#include "tests/localcloud/gcs_error.h"
#include "tests/localcloud/gcs_fields.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/pubsub_api.h"
#include "tests/localcloud/reqlog.h"
#include "tests/localcloud/router.h"
#include "tests/localcloud/upload.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Requests that are not uploads: insertAll takes 10 MB, a query 1 MB. */
#define MAX_BODY ((size_t)64 << 20)
/* Half of this is what libmicrohttpd receives into: large reads for fast uploads. */
#define CONNECTION_MEMORY ((size_t)1 << 20)

const char *ex_query(const struct exchange *ex, const char *name)
{
	return MHD_lookup_connection_value(ex->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *ex_header(const struct exchange *ex, const char *name)
{
	return MHD_lookup_connection_value(ex->connection, MHD_HEADER_KIND, name);
}

int ex_query_int64(const struct exchange *ex, const char *name, int64_t fallback, int64_t *ret,
		   struct api_error *err)
{
	const char *text = ex_query(ex, name);

	*ret = fallback;
	if (text && ju_parse_int64(text, strlen(text), ret))
		return api_fail_at(err, 400, "invalid", name, "Invalid value for %s: %s", name,
				   text);
	return 0;
}

json_t *ex_json(const struct exchange *ex, struct api_error *err)
{
	json_error_t where;
	json_t *value;

	if (ex->body.length == 0)
		return json_object();
	value = json_loadb(ex->body.data, ex->body.length, JSON_REJECT_DUPLICATES, &where);
	if (json_is_object(value))
		return value;
	json_decref(value);
	api_fail(err, 400, "parseError", "Parse Error: %s",
		 value ? "the body is no JSON object" : where.text);
	return NULL;
}

void ex_answer(struct exchange *ex, int status, json_t *json)
{
	json_decref(ex->json);
	ex->status = status;
	ex->json = json;
}

void ex_answer_file(struct exchange *ex, int status, int fd, int64_t from, int64_t length)
{
	ex->status = status;
	ex->fd = fd;
	ex->file_from = from;
	ex->file_length = length;
}

void ex_error(struct exchange *ex, const struct api_error *err)
{
	if (gcs_is_path(ex->path))
		gcs_error_answer(ex, err);
	else if (airflow_is_path(ex->path))
		airflow_error_answer(ex, err);
	else if (pubsub_is_path(ex->path))
		pubsub_error_answer(ex, err);
	else
		ex_answer(ex, err->status, api_error_envelope(err));
	if (err->status == 401)
		ex_set_header(
			ex, "WWW-Authenticate",
			"Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"");
}

void ex_set_header(struct exchange *ex, const char *name, const char *fmt, ...)
{
	va_list args;

	for (size_t i = 0; i < EXCHANGE_HEADERS; i++) {
		if (ex->headers[i].name)
			continue;
		va_start(args, fmt);
		if (vasprintf(&ex->headers[i].value, fmt, args) >= 0)
			ex->headers[i].name = name;
		va_end(args);
		return;
	}
}

const char *ex_root(const struct exchange *ex, char *buf, size_t size)
{
	const char *host = ex_header(ex, "Host");

	if (!host)
		return ex->server->url;
	snprintf(buf, size, "http://%s", host);
	return buf;
}

/* The selection of a partial answer, which Cloud Storage's clients ask for; NULL for a whole one. */
static const char *partial(const struct exchange *ex)
{
	const char *fields = gcs_is_path(ex->path) ? ex_query(ex, "fields") : NULL;

	return fields && fields[0] ? fields : NULL;
}

static void make_partial(struct exchange *ex)
{
	if (partial(ex) && ex->json && ex->status < 300)
		ex_answer(ex, ex->status, gcs_fields_select(ex->json, partial(ex)));
}

/* The fault's status, or 401: what is decided before the body is read. */
static void judge(struct exchange *ex)
{
	struct api_error err;

	if (ex->fault.expire_tokens) {
		auth_expire_all(ex->server->auth);
		airflow_expire_tokens(ex->server->airflow);
	}
	if (ex->fault.status) {
		api_fail(&err, ex->fault.status, ex->fault.reason, "%s", ex->fault.message);
		ex_error(ex, &err);
		if (ex->fault.retry_after_s > 0)
			ex_set_header(ex, "Retry-After", "%d", ex->fault.retry_after_s);
		ex->refused = true;
	} else if (router_needs_auth(ex->path) && ex->server->require_auth &&
		   auth_check(ex->server->auth, ex_header(ex, "Authorization"), &err)) {
		ex_error(ex, &err);
		ex->refused = true;
	} else if (partial(ex) && gcs_fields_check(partial(ex), &err)) {
		ex_error(ex, &err);
		ex->refused = true;
	}
}

static void free_exchange(struct exchange *ex)
{
	upload_abort(ex);
	if (ex->fd >= 0)
		close(ex->fd);
	json_decref(ex->json);
	buf_release(&ex->body);
	buf_release(&ex->text);
	for (size_t i = 0; i < EXCHANGE_HEADERS; i++)
		free(ex->headers[i].value);
	free(ex->segments);
	free(ex->url);
	free(ex);
}

static enum MHD_Result begin(struct server *server, struct MHD_Connection *connection,
			     const char *path, const char *method, void **slot)
{
	struct exchange *ex = *slot;
	struct api_error err;

	ex->server = server;
	ex->connection = connection;
	ex->method = method;
	ex->path = path;
	ex->body.max = MAX_BODY;
	if (!router_is_control(path))
		faults_for_request(server->faults, method, ex->url, &ex->fault);
	else
		ex->fault.short308 = -1;
	if (ex->fault.drop == DROP_BEFORE)
		return MHD_NO;
	judge(ex);
	if (!ex->refused && upload_is_path(path) && upload_begin(ex, &err)) {
		ex_error(ex, &err);
		ex->refused = true;
	}
	return MHD_YES;
}

static enum MHD_Result take_body(struct exchange *ex, const char *data, size_t n)
{
	struct error error;

	ex->received += (int64_t)n;
	if (ex->fault.drop == DROP_MID_BODY && !upload_handles_drop(ex))
		return MHD_NO;
	if (ex->refused)
		return MHD_YES;
	if (ex->upload)
		return upload_data(ex, data, n) ? MHD_NO : MHD_YES;
	return buf_append(&ex->body, data, n, &error) ? MHD_NO : MHD_YES;
}

static void send_headers(struct exchange *ex, struct MHD_Response *response)
{
	const char *type = ex->content_type ? ex->content_type
			   : ex->json       ? "application/json; charset=UTF-8"
					    : NULL;

	if (type)
		MHD_add_response_header(response, "Content-Type", type);
	for (size_t i = 0; i < EXCHANGE_HEADERS && ex->headers[i].name; i++)
		MHD_add_response_header(response, ex->headers[i].name, ex->headers[i].value);
}

/* Of a fault only the first half of a file's piece, then the connection breaks. */
static ssize_t read_file(void *closure, uint64_t at, char *buf, size_t room)
{
	const struct exchange *ex = closure;
	bool breaks = ex->fault.drop == DROP_MID_BODY;
	uint64_t end = (uint64_t)ex->file_length / (breaks ? 2 : 1);
	ssize_t got;

	if (at >= end)
		return breaks ? MHD_CONTENT_READER_END_WITH_ERROR
			      : MHD_CONTENT_READER_END_OF_STREAM;
	if (room > end - at)
		room = (size_t)(end - at);
	got = pread(ex->fd, buf, room, ex->file_from + (int64_t)at);
	return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *file_response(struct exchange *ex)
{
	struct MHD_Response *response;

	if (ex->fault.drop == DROP_MID_BODY || ex->file_streams)
		return MHD_create_response_from_callback(
			ex->file_streams ? MHD_SIZE_UNKNOWN : (uint64_t)ex->file_length, 65536,
			read_file, ex, NULL);
	response = MHD_create_response_from_fd_at_offset64((uint64_t)ex->file_length, ex->fd,
							   (uint64_t)ex->file_from);
	/* The response closes it. */
	ex->fd = -1;
	return response;
}

static struct MHD_Response *make_response(struct exchange *ex, size_t *n)
{
	char *text = ex->json ? json_dumps(ex->json, JSON_COMPACT) : NULL;

	*n = text ? strlen(text) : ex->fd >= 0 ? (size_t)ex->file_length : ex->text.length;
	if (text)
		return MHD_create_response_from_buffer(*n, text, MHD_RESPMEM_MUST_FREE);
	if (ex->fd >= 0)
		return file_response(ex);
	return MHD_create_response_from_buffer(*n, *n ? ex->text.data : (void *)"",
					       MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result answer(struct exchange *ex)
{
	enum MHD_Result rc;
	size_t n;
	struct MHD_Response *response = make_response(ex, &n);

	if (!response)
		return MHD_NO;
	send_headers(ex, response);
	reqlog_add(ex->server->log, ex, n);
	rc = MHD_queue_response(ex->connection, (unsigned)ex->status, response);
	MHD_destroy_response(response);
	return rc;
}

static void pause_ms(int64_t ms)
{
	struct timespec rest = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&rest, NULL);
}

static enum MHD_Result finish(struct exchange *ex)
{
	struct api_error err;
	int rc = 0;

	if (ex->fault.delay_ms > 0)
		pause_ms(ex->fault.delay_ms);
	if (!ex->refused) {
		ex->status = 200;
		rc = ex->upload ? upload_finish(ex, &err) : router_dispatch(ex, &err);
	}
	if (rc)
		ex_error(ex, &err);
	else
		make_partial(ex);
	if (ex->fault.drop == DROP_AFTER_EFFECT ||
	    (ex->fault.drop == DROP_MID_BODY && ex->fd < 0)) {
		ex->status = 0;
		reqlog_add(ex->server->log, ex, 0);
		return MHD_NO;
	}
	return answer(ex);
}

/* Called with the raw URL before anything else: the exchange starts here. */
static void *on_uri(void *closure, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *ex = calloc(1, sizeof(*ex));

	(void)closure;
	(void)connection;
	if (ex) {
		ex->url = strdup(uri);
		ex->fd = -1;
	}
	return ex;
}

static enum MHD_Result on_request(void *closure, struct MHD_Connection *connection,
				  const char *path, const char *method, const char *version,
				  const char *data, size_t *n, void **slot)
{
	struct exchange *ex = *slot;
	enum MHD_Result rc;

	(void)version;
	if (!ex)
		return MHD_NO;
	if (!ex->server)
		return begin(closure, connection, path, method, slot);
	if (*n == 0)
		return ex->status && !ex->refused ? MHD_NO : finish(ex);
	rc = take_body(ex, data, *n);
	*n = 0;
	return rc;
}

static void on_completed(void *closure, struct MHD_Connection *connection, void **slot,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *ex = *slot;

	(void)closure;
	(void)connection;
	(void)code;
	if (ex)
		free_exchange(ex);
	*slot = NULL;
}

static void on_connection(void *closure, struct MHD_Connection *connection, void **slot,
			  enum MHD_ConnectionNotificationCode code)
{
	struct server *server = closure;

	(void)connection;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*slot = (void *)(uintptr_t)reqlog_new_connection(server->log);
}

int http_start(struct server *server, uint16_t port, struct api_error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	const union MHD_DaemonInfo *info;
	unsigned flags =
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->daemon =
		MHD_start_daemon(flags, port, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR,
				 &address, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
				 MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
				 MHD_OPTION_URI_LOG_CALLBACK, on_uri, server,
				 MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
				 MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (!server->daemon)
		return api_fail(err, 500, "internalError", "cannot listen on 127.0.0.1:%u", port);
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", info ? info->port : port);
	return 0;
}

void http_stop(struct server *server)
{
	MHD_stop_daemon(server->daemon);
}
