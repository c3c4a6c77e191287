#include "trigger/dtstrigger_options.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/parse.h"
#include "trigger/dts_time.h"

enum {
	LEASE_MS = 30 * 1000,
	LEASE_MIN_MS = 1000,
	EVERY_MS = 2 * 1000,
};

#define FIELD(name) .offset = offsetof(struct config, name)
static const struct option_def options[] = {
	{ .name = "config",
	  .kind = OPTION_STRING,
	  FIELD(config),
	  .argument = "CONFIG",
	  .help = "the transfer config for all changes: its id, name or display name" },
	{ .name = "suffix",
	  .kind = OPTION_STRING,
	  FIELD(suffix),
	  .argument = "TEXT",
	  .help = "else: the one called as the dataset and this (default _transfert)" },
	{ .name = "datasets",
	  .kind = OPTION_STRING,
	  FIELD(datasets_text),
	  .argument = "A,B",
	  .env = "DATASETS_TO_TRANSFERT",
	  .help = "pass over changes of others" },
	{ .name = "project",
	  .kind = OPTION_STRING,
	  FIELD(project),
	  .argument = "P",
	  .env = "DESTINATION_PROJECT_ID",
	  .help = "project of the transfer configs" },
	{ .name = "location",
	  .kind = OPTION_STRING,
	  FIELD(location),
	  .argument = "LOC",
	  .env = "LOCATION_ID",
	  .help = "location of the transfer configs (default us)" },
	{ .name = "wait",
	  .kind = OPTION_FLAG,
	  FIELD(wait),
	  .help = "until the run has ended; it is an error if it has not SUCCEEDED" },
	{ .name = "run-time",
	  .kind = OPTION_STRING,
	  FIELD(run_time),
	  .argument = "TIME",
	  .help = "read nothing; start a run for this time, or now" },
	{ .name = "range",
	  .kind = OPTION_STRING,
	  FIELD(range),
	  .argument = "FROM,TO",
	  .help = "read nothing; start the runs from FROM up to, without, TO" },
	{ .name = "lock",
	  .kind = OPTION_STRING,
	  FIELD(lock),
	  .argument = "PLACE",
	  .help = "file:DIR, firestore:COLLECTION or datastore:KIND" },
	{ .name = "lock-project",
	  .kind = OPTION_STRING,
	  FIELD(lock_project),
	  .argument = "P",
	  .help = "project of that database (default: that of the transfer configs)" },
	{ .name = "lock-database",
	  .kind = OPTION_STRING,
	  FIELD(lock_database),
	  .argument = "ID",
	  .help = "that database, where it is not the default one" },
	{ .name = "lease",
	  .kind = OPTION_DURATION,
	  FIELD(lease_ms),
	  .argument = "D",
	  .help = "how long a lock holds that is not renewed (default 30s)" },
	{ .name = "every",
	  .kind = OPTION_DURATION,
	  FIELD(every_ms),
	  .argument = "D",
	  .help = "how often to look at what is waited for (default 2s)" },
	{ .name = "timeout",
	  .kind = OPTION_DURATION,
	  FIELD(timeout_ms),
	  .argument = "D",
	  .help = "give up after this time (exit status 75)" },
	{ .name = "dry-run",
	  .kind = OPTION_FLAG,
	  FIELD(dry_run),
	  .help = "start nothing; say what would be done" },
	{ .name = "credentials",
	  .kind = OPTION_STRING,
	  FIELD(credentials),
	  .argument = "FILE",
	  .help = "key or token file, in place of GOOGLE_APPLICATION_CREDENTIALS" },
	{ .name = "endpoint",
	  .kind = OPTION_REPEAT,
	  FIELD(endpoints),
	  .argument = "SERVICE=URL",
	  .help = "another server for datatransfer, firestore or datastore" },
	{ .name = "retry-initial",
	  .kind = OPTION_DURATION,
	  FIELD(retry_initial_ms),
	  .argument = "D",
	  .help = "first delay before a request is repeated (default 1s)" },
	{ .name = "retry-for",
	  .kind = OPTION_DURATION,
	  FIELD(retry_for_ms),
	  .argument = "D",
	  .help = "repeat failing requests this long (default 10m)" },
	{ 0 },
};
#undef FIELD

static const char *const usage[] = { "[options] < CHANGES",
				     "[options] --run-time TIME | --range FROM,TO", NULL };

const struct program dtstrigger_program = {
	.name = "dtstrigger",
	.summary = "start BigQuery Data Transfer runs when datasets change, once a change",
	.usage = usage,
	.options = options,
	.epilog =
		"CHANGES: @loaded records of bqload; or entries of BigQuery's audit log, as lines\n"
		"of pubsubrun, bodies of Pub/Sub push requests, or bare, one a line.\n",
};

/* --- parts of it ------------------------------------------------------------------------------- */

/* ["A","B"], the form of DATASETS_TO_TRANSFERT, into "A,B". */
static int join_names(const char *text, char **ret, struct error *err)
{
	json_t *names = json_loads(text, 0, NULL), *name;
	auto_buf out = BUF_INIT;
	int rc = json_is_array(names) ? 0 : -1;
	const char *joined;
	size_t i;

	json_array_foreach(names, i, name) {
		if (rc < 0 || !json_is_string(name) || strchr(json_string_value(name), ','))
			rc = -1;
		else if (buf_appendf(&out, err, "%s%s", i ? "," : "", json_string_value(name)) < 0)
			rc = -2;
	}
	json_decref(names);
	if (rc == -1)
		return error_set(err, ERR_USAGE, "'%s' is no JSON array of names", text);
	if (rc < 0 || !(joined = buf_cstr(&out, err)))
		return -1;
	*ret = strdup(joined);
	return *ret ? 0 : error_nomem(err);
}

static int read_datasets(struct config *c, struct error *err)
{
	const char *text = c->datasets_text;
	char *joined = NULL;
	size_t count;
	int rc = 0;

	if (!text || !*text)
		return 0;
	if (*text == '[')
		rc = join_names(text, &joined, err);
	if (rc == 0)
		rc = parse_list(joined ? joined : text, &c->datasets, &count, err);
	free(joined);
	return rc < 0 ? error_prefix(err, "--datasets (DATASETS_TO_TRANSFERT)") : 0;
}

/* Where --lock does not say it. */
static int read_lock(struct config *c, struct error *err)
{
	const char *mode = getenv("REALTIME_DB_MODE"), *state = getenv("SLUICE_STATE_DIR");
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n;

	if (c->lock)
		return 0;
	if (mode && *mode) {
		if (strcasecmp(mode, "FIRESTORE") != 0 && strcasecmp(mode, "DATASTORE") != 0)
			return error_set(err, ERR_CONFIG,
					 "REALTIME_DB_MODE: '%s' is not FIRESTORE or DATASTORE",
					 mode);
		c->lock = !strcasecmp(mode, "FIRESTORE") ? "firestore:dtstrigger"
							 : "datastore:dtstrigger";
		return 0;
	}
	if (state && *state)
		n = asprintf(&c->default_lock, "file:%s/dtstrigger", state);
	else if (xdg && *xdg)
		n = asprintf(&c->default_lock, "file:%s/sluice/dtstrigger", xdg);
	else
		n = asprintf(&c->default_lock, "file:%s/.local/state/sluice/dtstrigger",
			     home && *home ? home : "/var/lib");
	if (n < 0) {
		c->default_lock = NULL;
		return error_nomem(err);
	}
	c->lock = c->default_lock;
	return 0;
}

static int read_range(struct config *c, struct error *err)
{
	char **parts;
	size_t count;
	bool good;

	if (parse_list(c->range, &parts, &count, err) < 0)
		return error_prefix(err, "--range");
	good = count == 2 && dts_time_parse_day(parts[0], &c->from_ns) &&
	       dts_time_parse_day(parts[1], &c->before_ns) && c->from_ns < c->before_ns;
	free(parts);
	c->manual = c->range_given = true;
	return good ? 0
		    : error_set(
			      err, ERR_USAGE,
			      "--range: '%s' is not FROM,TO: dates, or RFC 3339, the earlier first",
			      c->range);
}

static int read_run_time(struct config *c, struct error *err)
{
	c->manual = true;
	c->now = !strcmp(c->run_time, "now");
	if (c->now || dts_time_parse_day(c->run_time, &c->from_ns))
		return 0;
	return error_set(err, ERR_USAGE,
			 "--run-time: '%s' is no date, no time in the form of RFC 3339, nor 'now'",
			 c->run_time);
}

static int check(struct config *c, const struct command_line *line, struct error *err)
{
	if (line->operand_count)
		return error_set(err, ERR_USAGE, "unexpected operand '%s'", line->operands[0]);
	if (c->config && c->suffix)
		return error_set(err, ERR_USAGE, "only one of --config, --suffix");
	if (c->run_time && c->range)
		return error_set(err, ERR_USAGE, "only one of --run-time, --range");
	if ((c->run_time || c->range) && !c->config && !c->datasets)
		return error_set(err, ERR_USAGE, "--%s needs --config, or --datasets",
				 c->run_time ? "run-time" : "range");
	if (c->lease_ms < LEASE_MIN_MS)
		return error_set(err, ERR_USAGE, "--lease: at least 1s");
	if (c->every_ms < 1)
		return error_set(err, ERR_USAGE, "--every: at least 1ms");
	if (!c->location || !*c->location)
		c->location = "us";
	if (!c->suffix)
		c->suffix = "_transfert";
	return 0;
}

int config_read(struct config *c, int argc, char **argv, bool *done, struct error *err)
{
	struct command_line line;

	*c = (struct config){ .lease_ms = LEASE_MS, .every_ms = EVERY_MS };
	if (options_parse(&dtstrigger_program, argc, argv, c, &line, err) < 0)
		return -1;
	*done = line.done;
	if (line.done)
		return 0;
	if (read_datasets(c, err) < 0 || check(c, &line, err) < 0 || read_lock(c, err) < 0 ||
	    (c->range && read_range(c, err) < 0) || (c->run_time && read_run_time(c, err) < 0)) {
		config_release(c);
		return -1;
	}
	return 0;
}

void config_release(struct config *c)
{
	free(c->datasets);
	free(c->default_lock);
	c->datasets = NULL;
	c->default_lock = NULL;
}

struct api_options config_api(const struct config *c, enum endpoint_service service)
{
	struct api_options o = { .service = service,
				 .endpoints = &c->endpoints,
				 .credentials_file = c->credentials,
				 .retry = RETRY_POLICY_DEFAULT };

	if (c->retry_initial_ms)
		o.retry.initial_ms = c->retry_initial_ms;
	if (c->retry_for_ms)
		o.retry.budget_ms = c->retry_for_ms;
	return o;
}
