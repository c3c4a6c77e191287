/* The methods of transfer runs and their logs. */
#include "tests/localcloud/dts_api.h"
#include "tests/localcloud/json_util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Values of an enum in their order, the first at number `first`; a number stands for a name, as some clients send it. */
struct names {
	const char *type;
	int first;
	const char *values[6];
};

static const struct names states = { "TransferState",
				     2,
				     { "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED" } };
static const struct names severities = { "TransferMessage.MessageSeverity",
					 1,
					 { "INFO", "WARNING", "ERROR" } };

static const char *find_name(const struct names *names, const char *text)
{
	int64_t number = -1;

	(void)ju_parse_int64(text, strlen(text), &number);
	for (int i = 0; names->values[i]; i++)
		if (strcmp(names->values[i], text) == 0 || number == names->first + i)
			return names->values[i];
	return NULL;
}

static int bad_name(const struct names *names, const char *key, const char *text,
		    struct api_error *err)
{
	return api_fail(
		err, 400, "INVALID_ARGUMENT",
		"Invalid value at '%s' (type.googleapis.com/google.cloud.bigquery.datatransfer"
		".v1.%s), \"%s\"",
		key, names->type, text);
}

/* The names that the repeated parameter has, as an array; NULL when it is not there. */
static int query_names(const struct exchange *ex, const char *key, const struct names *names,
		       json_t **ret, struct api_error *err)
{
	json_t *given = dts_query_values(ex, key), *value;
	size_t i;
	int rc = 0;

	json_array_foreach(given, i, value) {
		const char *text = json_string_value(value), *name = find_name(names, text);

		if (!name) {
			rc = bad_name(names, key, text, err);
			break;
		}
		json_array_set_new(given, i, json_string(name));
	}
	*ret = given;
	if (rc) {
		json_decref(given);
		*ret = NULL;
	}
	return rc;
}

static int query_latest(const struct exchange *ex, bool *ret, struct api_error *err)
{
	static const struct names attempts = { "ListTransferRunsRequest.RunAttempt",
					       0,
					       { "RUN_ATTEMPT_UNSPECIFIED", "LATEST" } };
	const char *text = ex_query(ex, "runAttempt"), *name;

	*ret = false;
	if (!text)
		return 0;
	name = find_name(&attempts, text);
	if (!name)
		return bad_name(&attempts, "run_attempt", text, err);
	*ret = strcmp(name, "LATEST") == 0;
	return 0;
}

int dts_runs_list(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;
	struct dts_page page;
	json_t *wanted, *items;
	bool latest;

	if (dts_parse_name(ex, &name, err) || dts_parse_page(ex, &page, err) ||
	    query_latest(ex, &latest, err) || query_names(ex, "states", &states, &wanted, err))
		return -1;
	items = dts_run_list(ex->server->dts, &name, wanted, latest, &page, err);
	json_decref(wanted);
	if (!items)
		return -1;
	dts_answer_list(ex, "transferRuns", items, &page);
	return 0;
}

int dts_runs_get(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;
	json_t *run;

	if (dts_parse_name(ex, &name, err))
		return -1;
	run = dts_run_get(ex->server->dts, &name, err);
	if (!run)
		return -1;
	ex_answer(ex, 200, run);
	return 0;
}

/* Whether the mask names this path; *left loses one when it does. */
static bool mask_has(const char *mask, const char *path, const char *other, size_t *left)
{
	for (; *mask; mask += strspn(mask, ",")) {
		size_t n = strcspn(mask, ",");

		if ((n == strlen(path) && strncmp(mask, path, n) == 0) ||
		    (n == strlen(other) && strncmp(mask, other, n) == 0)) {
			(*left)--;
			return true;
		}
		mask += n;
	}
	return false;
}

static size_t count_paths(const char *mask)
{
	size_t n = *mask ? 1 : 0;

	for (; *mask; mask++)
		n += *mask == ',';
	return n;
}

static int patch(struct exchange *ex, const struct dts_name *name, const json_t *body,
		 struct api_error *err)
{
	const char *mask = ex_query(ex, "updateMask"), *state = NULL;
	const json_t *error = NULL;
	size_t left = mask ? count_paths(mask) : 0;

	if (left == 0)
		return api_fail(err, 400, "INVALID_ARGUMENT", "update_mask is required.");
	if (mask_has(mask, "state", "state", &left)) {
		char number[24];
		const char *text;

		snprintf(number, sizeof(number), "%" PRId64, ju_int64(body, "state", 0));
		text = ju_string(body, "state", number);
		state = find_name(&states, text);
		if (!state)
			return bad_name(&states, "transfer_run.state", text, err);
	}
	if (mask_has(mask, "errorStatus", "error_status", &left)) {
		error = json_object_get(body, "errorStatus");
		if (!json_is_object(error))
			return api_fail(err, 400, "INVALID_ARGUMENT",
					"Invalid value at 'transfer_run.error_status'");
	}
	if (left > 0)
		return api_fail(err, 400, "INVALID_ARGUMENT",
				"Only state and error_status of a transfer run can be updated.");
	return dts_run_patch(ex->server->dts, name, state, error, err);
}

int dts_runs_patch(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;
	json_t *body, *run;
	int rc;

	if (dts_parse_name(ex, &name, err))
		return -1;
	body = ex_json(ex, err);
	rc = body ? patch(ex, &name, body, err) : -1;
	json_decref(body);
	if (rc)
		return -1;
	run = dts_run_get(ex->server->dts, &name, err);
	if (!run)
		return -1;
	ex_answer(ex, 200, run);
	return 0;
}

int dts_runs_delete(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;

	if (dts_parse_name(ex, &name, err) || dts_run_delete(ex->server->dts, &name, err))
		return -1;
	ex_answer(ex, 200, json_object());
	return 0;
}

int dts_logs_list(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;
	struct dts_page page;
	json_t *wanted, *items;

	if (dts_parse_name(ex, &name, err) || dts_parse_page(ex, &page, err) ||
	    query_names(ex, "messageTypes", &severities, &wanted, err))
		return -1;
	items = dts_log_list(ex->server->dts, &name, wanted, &page, err);
	json_decref(wanted);
	if (!items)
		return -1;
	dts_answer_list(ex, "transferMessages", items, &page);
	return 0;
}
