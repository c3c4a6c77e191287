#include "trigger/dagtrigger_config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/api.h"

static const char *const versions[] = { "auto", "v1", "v2", NULL };
static const char *const auths[] = { "default", "none", "basic", "token", "google", NULL };

#define FIELD(name) .offset = offsetof(struct dagtrigger_config, name)
static const struct option_def options[] = {
	{ .name = "dag",
	  .kind = OPTION_STRING,
	  FIELD(dag),
	  .argument = "ID",
	  .help = "the DAG that runs for each message" },
	{ .name = "airflow",
	  .kind = OPTION_STRING,
	  FIELD(airflow),
	  .argument = "URL",
	  .env = "AIRFLOW_URL",
	  .help = "of Airflow's web server" },
	{ .name = "composer",
	  .kind = OPTION_STRING,
	  FIELD(composer),
	  .argument = "NAME",
	  .help = "Composer's LOCATION/ENVIRONMENT, in place of --airflow" },
	{ .name = "api",
	  .kind = OPTION_CHOICE,
	  FIELD(version),
	  .argument = "VERSION",
	  .choices = versions,
	  .help = "v1 (Airflow 2), v2 (Airflow 3), auto (default: asks)" },
	{ .name = "auth",
	  .kind = OPTION_CHOICE,
	  FIELD(auth),
	  .argument = "HOW",
	  .choices = auths,
	  .help = "none, basic, token or google (default: what is given)" },
	{ .name = "user",
	  .kind = OPTION_STRING,
	  FIELD(user),
	  .argument = "NAME",
	  .env = "AIRFLOW_USER",
	  .help = "of Airflow; the password: --password-file, AIRFLOW_PASSWORD" },
	{ .name = "password-file",
	  .kind = OPTION_STRING,
	  FIELD(password_file),
	  .argument = "FILE",
	  .help = "has the password of --user" },
	{ .name = "token-file",
	  .kind = OPTION_STRING,
	  FIELD(token_file),
	  .argument = "FILE",
	  .help = "has a bearer token, in place of AIRFLOW_TOKEN" },
	{ .name = "conf",
	  .kind = OPTION_REPEAT,
	  FIELD(conf),
	  .argument = "NAME=VALUE",
	  .help = "more of the conf that every run gets" },
	{ .name = "allow",
	  .kind = OPTION_STRING,
	  FIELD(allow),
	  .argument = "REGEX",
	  .help = "refuse a DATABASE.TABLE that it does not match as a whole" },
	{ .name = "script",
	  .kind = OPTION_STRING,
	  FIELD(script),
	  .argument = "NAME",
	  .help = "that a message runs (default run_replicator.sh)" },
	{ .name = "source",
	  .kind = OPTION_STRING,
	  FIELD(source),
	  .argument = "NAME",
	  .help = "what the ledger calls where messages come from (default on-premise)" },
	{ .name = "ledger",
	  .kind = OPTION_STRING,
	  FIELD(ledger),
	  .argument = "NAME",
	  .help = "of executions: [PROJECT.]DATASET.TABLE; it is made" },
	{ .name = "location",
	  .kind = OPTION_STRING,
	  FIELD(location),
	  .argument = "LOC",
	  .help = "of the ledger's dataset if it has to be made" },
	{ .name = "wait",
	  .kind = OPTION_FLAG,
	  FIELD(wait),
	  .help = "follow each run to its end, and write that down" },
	{ .name = "every",
	  .kind = OPTION_DURATION,
	  FIELD(every_ms),
	  .argument = "D",
	  .help = "with --wait: how often to look (default 10s)" },
	{ .name = "timeout",
	  .kind = OPTION_DURATION,
	  FIELD(timeout_ms),
	  .argument = "D",
	  .help = "give up after this long, with status 75" },
	{ .name = "complete",
	  .kind = OPTION_STRING,
	  FIELD(complete),
	  .argument = "RUN_ID",
	  .help = "read no messages: write down that this run has ended" },
	{ .name = "status",
	  .kind = OPTION_STRING,
	  FIELD(status),
	  .argument = "S",
	  .help = "with --complete: success or failed" },
	{ .name = "dry-run",
	  .kind = OPTION_FLAG,
	  FIELD(dry_run),
	  .help = "only read the messages; write and trigger nothing" },
	{ .name = "project",
	  .kind = OPTION_STRING,
	  FIELD(project),
	  .argument = "P",
	  .help = "runs the ledger's statements, and has what names no project" },
	{ .name = "credentials",
	  .kind = OPTION_STRING,
	  FIELD(credentials),
	  .argument = "FILE",
	  .help = "key or token file, in place of GOOGLE_APPLICATION_CREDENTIALS" },
	{ .name = "endpoint",
	  .kind = OPTION_REPEAT,
	  FIELD(endpoints),
	  .argument = "SERVICE=URL",
	  .help = "another server for bigquery or composer; authentication stays on" },
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

static const char *const usage[] = {
	"[options] --dag ID --ledger NAME --airflow URL|--composer NAME < MESSAGES",
	"[options] --ledger NAME --complete RUN_ID --status success|failed", NULL
};

const struct program dagtrigger_program = {
	.name = "dagtrigger",
	.summary = "trigger a DAG of Airflow for each message of an on-premise job, once",
	.usage = usage,
	.options = options,
	.epilog = "MESSAGES: lines of pubsubrun, or bodies of Pub/Sub push requests, one a line.\n",
};

const struct dagtrigger_config dagtrigger_defaults = {
	.script = "run_replicator.sh",
	.source = "on-premise",
	.every_ms = 10 * 1000,
};

/* --- what fits together --------------------------------------------------------------------- */

const char *dagtrigger_airflow(const struct dagtrigger_config *c)
{
	/* Options borrow their strings, so this tells a flag from the variable. */
	bool exported = c->airflow && c->airflow == getenv("AIRFLOW_URL");

	return !c->airflow || !*c->airflow || (exported && c->composer) ? NULL : c->airflow;
}

static int check_complete(const struct dagtrigger_config *c, struct error *err)
{
	if (c->dag || c->wait || c->dry_run)
		return error_set(err, ERR_USAGE, "--complete goes without %s",
				 c->dag    ? "--dag"
				 : c->wait ? "--wait"
					   : "--dry-run");
	if (!*c->complete)
		return error_set(err, ERR_USAGE, "--complete: a run has an id");
	if (!c->status || (strcmp(c->status, "success") != 0 && strcmp(c->status, "failed") != 0))
		return error_set(err, ERR_USAGE, "--status: '%s' is not success or failed",
				 c->status ? c->status : "");
	return 0;
}

static int check_trigger(const struct dagtrigger_config *c, struct error *err)
{
	if (c->status)
		return error_set(err, ERR_USAGE, "--status goes with --complete");
	if (!c->dag || !*c->dag)
		return error_set(err, ERR_USAGE, "--dag is needed");
	if (!*c->script || strchr(c->script, '/'))
		return error_set(err, ERR_USAGE, "--script: '%s' is no name of a file", c->script);
	if (c->dry_run)
		return 0;
	if (dagtrigger_airflow(c) ? c->composer != NULL : !c->composer)
		return error_set(err, ERR_USAGE,
				 "%s --airflow URL (AIRFLOW_URL) or --composer NAME",
				 c->composer ? "only one of" : "one is needed of");
	return 0;
}

int dagtrigger_check(const struct dagtrigger_config *c, const struct command_line *line,
		     struct error *err)
{
	json_t *conf = NULL;

	if (line->operand_count)
		return error_set(err, ERR_USAGE, "unexpected operand '%s'", line->operands[0]);
	if ((c->complete ? check_complete(c, err) : check_trigger(c, err)) < 0 ||
	    dagtrigger_conf(c, &conf, err) < 0)
		return -1;
	json_decref(conf);
	if (!c->dry_run && (!c->ledger || !*c->ledger))
		return error_set(err, ERR_USAGE, "--ledger is needed");
	return 0;
}

int dagtrigger_conf(const struct dagtrigger_config *c, json_t **ret, struct error *err)
{
	static const char *const ours[] = { "database", "table", "run_id", "message_id" };
	json_t *conf = json_object();

	for (size_t i = 0; conf && i < c->conf.count; i++) {
		const char *given = c->conf.value[i], *equals = strchr(given, '=');
		size_t length = equals ? (size_t)(equals - given) : 0;
		bool taken = length == 0;

		for (size_t k = 0; k < sizeof ours / sizeof *ours; k++)
			taken = taken ||
				(length == strlen(ours[k]) && !memcmp(given, ours[k], length));
		if (taken) {
			json_decref(conf);
			return error_set(
				err, ERR_USAGE,
				"--conf: '%s' is not NAME=VALUE, or a NAME that is set anyway",
				given);
		}
		if (json_object_setn_new(conf, given, length, json_string(equals + 1)) < 0) {
			json_decref(conf);
			return error_set(err, ERR_USAGE, "--conf: '%s' is not UTF-8", given);
		}
	}
	if (!conf)
		return error_nomem(err);
	*ret = conf;
	return 0;
}

struct api_options dagtrigger_api(const struct dagtrigger_config *c, enum endpoint_service service)
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
