#include "trigger/serve_options.h"

#include <stddef.h>

#define FIELD(name) .offset = offsetof(struct serve_options, name)
static const struct option_def options[] = {
	{ .name = "stage",
	  .kind = OPTION_STRING,
	  FIELD(stage),
	  .argument = "gs://BUCKET/PREFIX",
	  .help = "run: where rows wait for their load" },
	{ .name = "transfer-run",
	  .kind = OPTION_STRING,
	  FIELD(transfer_run),
	  .argument = "FILE",
	  .help = "run: one run, from YAML or JSON, loaded without the service" },
	{ .name = "max-transfer-run-secs",
	  .kind = OPTION_INT,
	  FIELD(max_run_s),
	  .argument = "N",
	  .min = 1,
	  .max = 7 * 86400,
	  .help = "run: fail a run that takes longer (default 43200)" },
	{ .name = "log-flush-secs",
	  .kind = OPTION_INT,
	  FIELD(log_flush_s),
	  .argument = "N",
	  .min = 1,
	  .max = 3600,
	  .help = "run: send its log so often, or a sign of life (default 60)" },
	{ .name = "parallel",
	  .kind = OPTION_INT,
	  FIELD(parallel),
	  .argument = "N",
	  .min = 1,
	  .max = 64,
	  .help = "run: so many runs at once (default 4)" },
	{ .name = "connections",
	  .kind = OPTION_INT,
	  FIELD(connections),
	  .argument = "N",
	  .min = 1,
	  .max = 64,
	  .help = "run: upload a table by so many connections (default 2)" },
	{ .name = "gzip",
	  .kind = OPTION_FLAG,
	  FIELD(gzip),
	  .help = "run: compress what is staged" },
	{ .name = "takeover-after",
	  .kind = OPTION_DURATION,
	  FIELD(takeover_ms),
	  .argument = "D",
	  .help = "run: start the jobs of another process that has not for so long (default 60s)" },
	{ .name = "project",
	  .kind = OPTION_STRING,
	  FIELD(project),
	  .argument = "P",
	  .help = "project of the data source, or of --transfer-run's dataset" },
	{ .name = "location",
	  .kind = OPTION_STRING,
	  FIELD(location),
	  .argument = "L",
	  .help = "location of the data source definition (default us)" },
	{ .name = "update-mask",
	  .kind = OPTION_STRING,
	  FIELD(update_mask),
	  .argument = "A,B",
	  .help = "source patch: the fields to change, as dataSource.parameters" },
	{ .name = "page-size",
	  .kind = OPTION_INT,
	  FIELD(page_size),
	  .argument = "N",
	  .min = 1,
	  .max = 1000,
	  .help = "source list: so many at a time (default: the server's number)" },
	{ .name = "credentials",
	  .kind = OPTION_STRING,
	  FIELD(credentials),
	  .argument = "FILE",
	  .help = "key or token file, in place of GOOGLE_APPLICATION_CREDENTIALS" },
	{ .name = "endpoint",
	  .kind = OPTION_REPEAT,
	  FIELD(endpoints),
	  .argument = "SERVICE=URL",
	  .help = "another server for datatransfer, storage or bigquery" },
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
	"run CONFIG --stage gs://BUCKET/PREFIX [options] < requests",
	"run CONFIG --stage gs://BUCKET/PREFIX --transfer-run FILE [options]",
	"source create FILE [options]",
	"source list [options]",
	"source get ID [options]",
	"source patch FILE --update-mask A,B [options]",
	"source delete ID [options]",
	NULL,
};

const struct program program = {
	.name = "dtsserve",
	.summary = "serve a data source of the BigQuery Data Transfer Service",
	.usage = usage,
	.options = options,
	.epilog =
		"Requests are {\"@message\":{...}} lines of pubsubrun, or transfer runs as JSON lines.\n",
};

struct api_options serve_api_options(const struct serve_options *o, enum endpoint_service service)
{
	struct api_options api = { .service = service,
				   .endpoints = &o->endpoints,
				   .credentials_file = o->credentials,
				   .retry = RETRY_POLICY_DEFAULT };

	if (o->retry_initial_ms)
		api.retry.initial_ms = o->retry_initial_ms;
	if (o->retry_for_ms)
		api.retry.budget_ms = o->retry_for_ms;
	return api;
}
