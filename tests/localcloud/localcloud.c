/* localcloud: BigQuery, Cloud Storage and the OAuth token endpoint on loopback, kept in one directory. See localcloud.1. */
#include "lib/log.h"
#include "lib/options.h"
#include "tests/localcloud/airflow.h"
#include "tests/localcloud/auth.h"
#include "tests/localcloud/command.h"
#include "tests/localcloud/dts.h"
#include "tests/localcloud/dts_notifier.h"
#include "tests/localcloud/gcs.h"
#include "tests/localcloud/gcs_publisher.h"
#include "tests/localcloud/http.h"
#include "tests/localcloud/jobs.h"
#include "tests/localcloud/partner.h"
#include "tests/localcloud/pubsub.h"
#include "tests/localcloud/reqlog.h"
#include "tests/localcloud/store.h"
#include "tests/localcloud/upload.h"

#include <signal.h>
#include <stdio.h>

struct config {
	const char *data, *project, *service_account;
	int64_t port, token_lifetime_s;
	bool require_auth, no_md5;
	struct dts_options transfers;
};

static const struct option_def options[] = {
	{ .name = "data",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct config, data),
	  .argument = "DIR",
	  .help = "directory that holds everything; it is created" },
	{ .name = "port",
	  .kind = OPTION_INT,
	  .offset = offsetof(struct config, port),
	  .argument = "N",
	  .min = 0,
	  .max = 65535,
	  .help = "port on 127.0.0.1 (default 0: any free one)" },
	{ .name = "project",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct config, project),
	  .argument = "ID",
	  .env = "GOOGLE_CLOUD_PROJECT",
	  .help = "project of COMMAND and of the metadata server" },
	{ .name = "require-auth",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct config, require_auth),
	  .help = "answer 401 without a live token of this server's" },
	{ .name = "token-lifetime",
	  .kind = OPTION_INT,
	  .offset = offsetof(struct config, token_lifetime_s),
	  .argument = "SECONDS",
	  .min = 0,
	  .max = 86400,
	  .help = "lifetime of tokens (default 3599)" },
	{ .name = "no-md5",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct config, no_md5),
	  .help = "objects have no md5Hash, as composite ones: to measure uploads" },
	{ .name = "service-account",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct config, service_account),
	  .argument = "FILE",
	  .help = "key file that must have signed the JWTs given to /token" },
	{ .name = "transfer-pending",
	  .kind = OPTION_INT,
	  .offset = offsetof(struct config, transfers.pending_ms),
	  .argument = "MS",
	  .min = 0,
	  .max = 86400000,
	  .help = "time that a transfer run is PENDING (default 100)" },
	{ .name = "transfer-running",
	  .kind = OPTION_INT,
	  .offset = offsetof(struct config, transfers.running_ms),
	  .argument = "MS",
	  .min = 0,
	  .max = 86400000,
	  .help = "time that it is RUNNING (default 200)" },
	{ .name = "transfer-spacing",
	  .kind = OPTION_INT,
	  .offset = offsetof(struct config, transfers.spacing_ms),
	  .argument = "MS",
	  .min = 0,
	  .max = 86400000,
	  .help = "between the runs that one request starts (default 15000)" },
	{ .name = NULL },
};

static const char *const usage[] = { "--data DIR [options]", "--data DIR [options] -- COMMAND...",
				     NULL };

static const struct program program = {
	.name = "localcloud",
	.summary = "a local stand-in for BigQuery, Data Transfer, Cloud Storage and Pub/Sub",
	.usage = usage,
	.options = options,
};

/* Everything a server needs, in the order in which it can be made. */
static int open_server(struct server *server, const struct config *config, struct api_error *err)
{
	server->dir = config->data;
	server->project = config->project;
	server->require_auth = config->require_auth;
	server->no_md5 = config->no_md5;
	server->faults = faults_new();
	server->log = reqlog_new();
	server->uploads = uploads_new();
	server->pubsub = pubsub_new();
	server->partner = partner_new();
	server->airflow = airflow_new();
	if (auth_new(config->token_lifetime_s, config->service_account, &server->auth, err) ||
	    store_open(config->data, &server->store, err) ||
	    gcs_open(config->data, &server->gcs, err) ||
	    dts_open(config->data, &config->transfers, &server->dts, err) ||
	    jobs_open(config->data, server->store, server->gcs, server->faults, &server->jobs, err))
		return -1;
	if (http_start(server, (uint16_t)config->port, err))
		return -1;
	/* It needs the address that links have. */
	return gcs_publisher_start(server, &server->publisher, err) ||
			       dts_notifier_start(server, &server->notifier, err)
		       ? -1
		       : 0;
}

static void close_server(struct server *server)
{
	if (server->daemon)
		http_stop(server);
	gcs_publisher_stop(server->publisher);
	dts_notifier_stop(server->notifier);
	/* Its threads look at jobs and runs. */
	partner_free(server->partner);
	if (server->jobs)
		jobs_close(server->jobs);
	store_close(server->store);
	uploads_free(server->uploads);
	gcs_close(server->gcs);
	dts_close(server->dts);
	pubsub_free(server->pubsub);
	airflow_free(server->airflow);
	auth_free(server->auth);
	reqlog_free(server->log);
	faults_free(server->faults);
}

static int serve(const struct server *server, const sigset_t *signals, struct error *err)
{
	int signal;

	if (printf("{\"@listening\":{\"url\":\"%s\"}}\n", server->url) < 0 || fflush(stdout))
		return error_set_errno(err, ERR_IO, "standard output");
	sigwait(signals, &signal);
	return 0;
}

/* The exit status, or -1 with err. */
static int run(const struct config *config, const struct command_line *line, struct error *err)
{
	struct server server = { 0 };
	struct api_error failure;
	sigset_t signals;
	int rc;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (open_server(&server, config, &failure))
		rc = error_set(err, ERR_CONFIG, "%s", failure.message);
	else if (line->dashes)
		rc = command_run(line->operands, &server, err);
	else
		rc = serve(&server, &signals, err);
	close_server(&server);
	return rc;
}

int main(int argc, char **argv)
{
	struct config config = {
		.project = "localcloud",
		.token_lifetime_s = 3599,
		.transfers = { .pending_ms = 100, .running_ms = 200, .spacing_ms = 15000 },
	};
	struct command_line line;
	struct error err;
	int rc;

	if (options_parse(&program, argc, argv, &config, &line, &err))
		return log_failure(&err);
	if (line.done)
		return 0;
	if (!config.data)
		rc = error_set(&err, ERR_USAGE, "--data DIR is needed");
	else if (line.operands_before_dashes > 0 || (line.dashes && line.operand_count == 0))
		rc = error_set(&err, ERR_USAGE, "COMMAND stands behind --");
	else
		rc = run(&config, &line, &err);
	return rc < 0 ? log_failure(&err) : rc;
}
