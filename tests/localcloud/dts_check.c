#include "tests/localcloud/dts_check.h"

#include "tests/localcloud/dts_sources.h"
#include "tests/localcloud/dts_time.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/pubsub_check.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_SCHEDULE "every 24 hours"

enum kind { TEXT, OBJECT, BOOLEAN, NUMBER, OUTPUT };

/* bigquerydatatransfer v1, TransferConfig. */
static const struct field {
	const char *name;
	enum kind kind;
} fields[] = {
	{ "name", OUTPUT },
	{ "displayName", TEXT },
	{ "dataSourceId", TEXT },
	{ "destinationDatasetId", TEXT },
	{ "params", OBJECT },
	{ "schedule", TEXT },
	{ "scheduleOptions", OBJECT },
	{ "scheduleOptionsV2", OBJECT },
	{ "dataRefreshWindowDays", NUMBER },
	{ "disabled", BOOLEAN },
	{ "notificationPubsubTopic", TEXT },
	{ "emailPreferences", OBJECT },
	{ "encryptionConfiguration", OBJECT },
	{ "updateTime", OUTPUT },
	{ "nextRunTime", OUTPUT },
	{ "state", OUTPUT },
	{ "userId", OUTPUT },
	{ "datasetRegion", OUTPUT },
	{ "ownerInfo", OUTPUT },
	{ "error", OUTPUT },
};

/* display_name becomes displayName. */
static void to_json_name(const char *s, size_t n, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < n && used + 1 < size; i++) {
		if (s[i] == '_' && i + 1 < n && s[i + 1] >= 'a' && s[i + 1] <= 'z')
			out[used++] = (char)(s[++i] - 'a' + 'A');
		else if (s[i] == '_')
			continue;
		else
			out[used++] = s[i];
	}
	out[used] = '\0';
}

/* New reference: objects below the member with the names of their members in JSON's form. */
static json_t *with_json_names(const json_t *value)
{
	json_t *copy, *member;
	const char *key;
	char name[128];

	if (!json_is_object(value))
		return json_deep_copy(value);
	copy = json_object();
	json_object_foreach((json_t *)value, key, member) {
		to_json_name(key, strlen(key), name, sizeof(name));
		json_object_set_new(copy, name, with_json_names(member));
	}
	return copy;
}

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static bool fits(enum kind kind, const json_t *value)
{
	int64_t number;

	switch (kind) {
	case TEXT:
		return json_is_string(value);
	case OBJECT:
		return json_is_object(value);
	case BOOLEAN:
		return json_is_boolean(value);
	case NUMBER:
		return ju_to_int64(value, &number) == 0;
	case OUTPUT:
		break;
	}
	return true;
}

json_t *dts_check_config(const json_t *body, struct api_error *err)
{
	json_t *config = json_object(), *value;
	const char *key;
	char name[128];

	json_object_foreach((json_t *)body, key, value) {
		const struct field *field;

		to_json_name(key, strlen(key), name, sizeof(name));
		field = find_field(name);
		if (!field || (!json_is_null(value) && !fits(field->kind, value))) {
			api_fail(err, 400, "INVALID_ARGUMENT",
				 field ? "Invalid value at 'transfer_config.%s'"
				       : "Invalid JSON payload received. Unknown name \"%s\" at "
					 "'transfer_config': Cannot find field.",
				 key);
			json_decref(config);
			return NULL;
		}
		if (field->kind == OUTPUT || json_is_null(value))
			continue;
		if (strcmp(name, "params") == 0)
			json_object_set(config, name, value);
		else
			json_object_set_new(config, name, with_json_names(value));
	}
	if (json_object_get(config, "notificationPubsubTopic") &&
	    pubsub_check_name("topics", ju_string(config, "notificationPubsubTopic", ""), err)) {
		json_decref(config);
		return NULL;
	}
	return config;
}

/* Both forms of the schedule say the same; see TransferConfig.scheduleOptionsV2. */
static int complete_schedule(json_t *config, struct api_error *err)
{
	const json_t *options = json_object_get(config, "scheduleOptions");
	const char *schedule = ju_string(config, "schedule", NULL);
	json_t *v2 = json_object_get(config, "scheduleOptionsV2");

	if (v2 && (options || (schedule && schedule[0])))
		return api_fail(
			err, 400, "INVALID_ARGUMENT",
			"schedule_options_v2 cannot be used together with schedule and schedule_options.");
	if (!v2) {
		v2 = ju_bool(options, "disableAutoScheduling", false)
			     ? json_pack("{s:{}}", "manualSchedule")
			     : json_pack("{s:{s:s, s:O*, s:O*}}", "timeBasedSchedule", "schedule",
					 schedule && schedule[0] ? schedule : DEFAULT_SCHEDULE,
					 "startTime", json_object_get(options, "startTime"),
					 "endTime", json_object_get(options, "endTime"));
		json_object_set_new(config, "scheduleOptionsV2", v2);
	}
	if (json_object_size(v2) != 1)
		return api_fail(err, 400, "INVALID_ARGUMENT",
				"schedule_options_v2 needs one kind of schedule.");
	if (json_object_get(v2, "timeBasedSchedule"))
		json_object_set_new(config, "schedule",
				    json_string(ju_string(json_object_get(v2, "timeBasedSchedule"),
							  "schedule", DEFAULT_SCHEDULE)));
	else
		json_object_del(config, "schedule");
	return 0;
}

int dts_check_new_config(json_t *config, bool partner, struct api_error *err)
{
	const struct dts_source *source =
		partner ? NULL : dts_source_find(ju_string(config, "dataSourceId", ""), err);

	if (partner)
		return complete_schedule(config, err);
	if (!source || dts_source_check(source, json_object_get(config, "params"), err))
		return -1;
	return complete_schedule(config, err);
}

/* Adds what one path of the mask names to changes. */
static int add_change(const char *path, size_t n, const json_t *config, json_t *changes,
		      struct api_error *err)
{
	/* Named when credentials change, which a query parameter brings. */
	static const char *const others[] = { "serviceAccountName", "authorizationCode",
					      "versionInfo", NULL };
	char name[128], *dot;
	const struct field *field;
	json_t *value;

	to_json_name(path, n, name, sizeof(name));
	if (strncmp(name, "transferConfig.", 15) == 0)
		memmove(name, name + 15, strlen(name + 15) + 1);
	dot = strchr(name, '.');
	if (dot)
		*dot = '\0';
	if (ju_in(name, others))
		return 0;
	field = find_field(name);
	if (!field || field->kind == OUTPUT || strcmp(name, "dataSourceId") == 0)
		return api_fail(err, 400, "INVALID_ARGUMENT",
				"Invalid value for update_mask: '%.*s' cannot be updated.", (int)n,
				path);
	value = json_object_get(config, name);
	json_object_set_new(changes, name, value ? json_incref(value) : json_null());
	return 0;
}

/* A new schedule in either form takes the place of the old one in both. */
static int change_schedule(json_t *changes, struct api_error *err)
{
	static const char *const names[] = { "schedule", "scheduleOptions", "scheduleOptionsV2" };
	json_t *given = json_object();
	bool named = false;
	int rc = 0;

	for (size_t i = 0; i < 3; i++) {
		json_t *value = json_object_get(changes, names[i]);

		named = named || value;
		if (value && !json_is_null(value))
			json_object_set(given, names[i], value);
	}
	if (named) {
		rc = complete_schedule(given, err);
		for (size_t i = 0; rc == 0 && i < 3; i++) {
			json_t *value = json_object_get(given, names[i]);

			json_object_set_new(changes, names[i],
					    value ? json_incref(value) : json_null());
		}
	}
	json_decref(given);
	return rc;
}

json_t *dts_check_mask(const char *mask, const json_t *config, struct api_error *err)
{
	json_t *changes;
	int rc = 0;

	if (!mask || !mask[0]) {
		api_fail(err, 400, "INVALID_ARGUMENT", "update_mask is required.");
		return NULL;
	}
	changes = json_object();
	while (rc == 0 && *mask) {
		size_t n = strcspn(mask, ",");

		rc = add_change(mask, n, config, changes, err);
		mask += n + (mask[n] == ',');
	}
	if (rc == 0)
		rc = change_schedule(changes, err);
	if (rc == 0)
		return changes;
	json_decref(changes);
	return NULL;
}

static int read_time(const json_t *object, const char *key, const char *field, int64_t *us,
		     struct api_error *err)
{
	const char *text = ju_string(object, key, NULL);

	if (!text)
		return api_fail(err, 400, "INVALID_ARGUMENT", "%s is required.", field);
	if (dts_time_parse(text, us))
		return api_fail(
			err, 400, "INVALID_ARGUMENT",
			"Invalid value at '%s' (type.googleapis.com/google.protobuf.Timestamp),"
			" Field '%s', Invalid time format: %s",
			field, field, text);
	return 0;
}

static int range_times(const json_t *config, int64_t from, int64_t to, int64_t *times, size_t *n,
		       struct api_error *err)
{
	const json_t *time_based = ju_path(config, "scheduleOptionsV2.timeBasedSchedule");

	/* The service's own words, googleapis/nodejs-bigquery-data-transfer issue 493. */
	if (!time_based)
		return api_fail(
			err, 400, "INVALID_ARGUMENT",
			"Starting transfer run with on-demand schedule requires 'requested_run_time' to be"
			" specified.");
	if (from >= to)
		return api_fail(err, 400, "INVALID_ARGUMENT",
				"start_time of the time range must be before its end_time.");
	return dts_schedule_times(ju_string(time_based, "schedule", DEFAULT_SCHEDULE), from, to,
				  times, n, err);
}

int dts_check_manual_runs(const json_t *config, const json_t *body, int64_t now_us, int64_t *times,
			  size_t *n, struct api_error *err)
{
	const json_t *range = json_object_get(body, "requestedTimeRange");
	int64_t from = 0, to = 0;

	if (range && json_object_get(body, "requestedRunTime"))
		return api_fail(
			err, 400, "INVALID_ARGUMENT",
			"Invalid value at 'time' (oneof), oneof field 'time' is already set. Cannot set"
			" 'requestedRunTime'");
	if (range) {
		if (read_time(range, "startTime", "requested_time_range.start_time", &from, err) ||
		    read_time(range, "endTime", "requested_time_range.end_time", &to, err))
			return -1;
		if (to > now_us)
			return api_fail(
				err, 400, "INVALID_ARGUMENT",
				"requested_time_range must be a past time and cannot include future time"
				" values.");
		return range_times(config, from, to, times, n, err);
	}
	if (read_time(body, "requestedRunTime", "requested_run_time", &times[0], err))
		return -1;
	if (times[0] > now_us)
		return api_fail(
			err, 400, "INVALID_ARGUMENT",
			"requested_run_time must be a past time and cannot include future time values.");
	*n = 1;
	return 0;
}

int dts_check_scheduled_runs(const json_t *config, const json_t *body, int64_t *times, size_t *n,
			     struct api_error *err)
{
	int64_t from = 0, to = 0;

	if (read_time(body, "startTime", "start_time", &from, err) ||
	    read_time(body, "endTime", "end_time", &to, err))
		return -1;
	return range_times(config, from, to + 1, times, n, err);
}
