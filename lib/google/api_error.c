#include "lib/google/api_error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/parse.h"

/* Copy what a server said, without control characters: it may reach a terminal. */
static void copy_text(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; text && *text && n + 1 < size; text++)
		out[n++] = (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text;
	out[n] = '\0';
}

static const char *status_words(int status)
{
	static const struct {
		int status;
		const char *words;
	} table[] = {
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].status == status)
			return table[i].words;
	return "unexpected status";
}

/* google.rpc.RetryInfo and ErrorInfo among error.details. */
static void read_details(const json_t *details, struct api_error_info *info)
{
	size_t index;
	json_t *detail;

	json_array_foreach(details, index, detail) {
		const char *delay = json_string_value(json_object_get(detail, "retryDelay"));
		const char *reason = json_string_value(json_object_get(detail, "reason"));
		struct error ignored;
		int64_t ms;

		if (delay && parse_duration_ms(delay, &ms, &ignored) == 0 &&
		    ms > info->retry_after_ms)
			info->retry_after_ms = ms;
		if (reason && !*info->reason)
			copy_text(info->reason, sizeof info->reason, reason);
	}
}

/* Problem details (RFC 9457), which Airflow answers with; of FastAPI "detail" may be a list of what does not fit. */
static void read_problem(const json_t *root, struct api_error_info *info)
{
	const json_t *detail = json_object_get(root, "detail");
	const char *message = json_string_value(detail);
	char *text = NULL;

	if (json_is_array(detail))
		message = json_string_value(json_object_get(json_array_get(detail, 0), "msg"));
	if (detail && !json_is_null(detail) && !message)
		message = text = json_dumps(detail, JSON_COMPACT);
	if (!message)
		message = json_string_value(json_object_get(root, "title"));
	copy_text(info->message, sizeof info->message, message);
	free(text);
}

static void read_envelope(const json_t *root, struct api_error_info *info)
{
	const json_t *error, *first;
	const char *message;

	if (json_is_array(root)) /* streaming methods wrap it */
		root = json_array_get(root, 0);
	error = json_object_get(root, "error");
	if (!error) {
		read_problem(root, info);
		return;
	}
	if (json_is_string(error)) { /* OAuth, RFC 6749 5.2 */
		copy_text(info->reason, sizeof info->reason, json_string_value(error));
		message = json_string_value(json_object_get(root, "error_description"));
		copy_text(info->message, sizeof info->message, message);
		return;
	}
	first = json_array_get(json_object_get(error, "errors"), 0);
	copy_text(info->reason, sizeof info->reason,
		  json_string_value(json_object_get(first, "reason")));
	copy_text(info->location, sizeof info->location,
		  json_string_value(json_object_get(first, "location")));
	copy_text(info->grpc_status, sizeof info->grpc_status,
		  json_string_value(json_object_get(error, "status")));
	message = json_string_value(json_object_get(error, "message"));
	if (!message)
		message = json_string_value(json_object_get(first, "message"));
	copy_text(info->message, sizeof info->message, message);
	read_details(json_object_get(error, "details"), info);
}

void api_error_parse(const struct http_response *response, struct api_error_info *ret)
{
	struct api_error_info info = { .status = response->status };
	json_t *root = NULL;

	info.retry_after_ms = http_retry_after_ms(response->retry_after);
	if (response->body.length)
		root = json_loadb(response->body.data, response->body.length, 0, NULL);
	read_envelope(root, &info);
	json_decref(root);
	if (!*info.message)
		snprintf(info.message, sizeof info.message, "HTTP %d %s", info.status,
			 status_words(info.status));
	*ret = info;
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

enum api_error_class api_error_classify(const struct api_error_info *info)
{
	static const char *const passing_reasons[] = { "rateLimitExceeded", "userRateLimitExceeded",
						       "backendError",      "internalError",
						       "badGateway",        NULL };
	static const char *const passing_states[] = { "ABORTED", "UNAVAILABLE",
						      "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED",
						      NULL };
	int status = info->status;

	if (status < 400 || status > 599)
		return API_ERROR_UNEXPECTED;
	if (status == 401)
		return API_ERROR_AUTH;
	if (!strcmp(info->reason, "quotaExceeded"))
		return API_ERROR_QUOTA;
	if (status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505) ||
	    is_one_of(info->reason, passing_reasons) ||
	    is_one_of(info->grpc_status, passing_states))
		return API_ERROR_RETRYABLE;
	switch (status) {
	case 403:
		return API_ERROR_PERMISSION;
	case 404:
	case 410:
		return API_ERROR_NOT_FOUND;
	case 409:
		return API_ERROR_CONFLICT;
	case 412:
		return API_ERROR_PRECONDITION;
	default:
		return API_ERROR_INVALID;
	}
}

static int exit_code(enum api_error_class class)
{
	switch (class) {
	case API_ERROR_RETRYABLE:
	case API_ERROR_QUOTA:
		return ERR_TEMP;
	case API_ERROR_AUTH:
	case API_ERROR_PERMISSION:
		return ERR_PERM;
	case API_ERROR_UNEXPECTED:
		return ERR_PROTOCOL;
	default:
		return ERR_REMOTE;
	}
}

int api_error_set(const struct api_error_info *info, const char *what, struct error *err)
{
	enum api_error_class class = api_error_classify(info);
	const char *word = *info->reason ? info->reason : info->grpc_status;
	const char *advice = "";

	if (class == API_ERROR_QUOTA)
		advice = "; wait 10 minutes or more before trying again";
	return error_set(err, exit_code(class), "%s: %s%s%s%s%s", what, info->message,
			 *word ? " (" : "", word, *word ? ")" : "", advice);
}
