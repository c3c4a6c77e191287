#include "trigger/serve_options.h"

#include <stddef.h>

#define FIELD(name) .offset = offsetof(struct serve_options, name)
static const struct option_def options[] = {
	{ .name = "project",
	  .kind = OPTION_STRING,
	  FIELD(project),
	  .argument = "P",
	  .help = "project of the data source (default: that of the credentials)" },
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
	  .help = "another server for datatransfer; authentication stays on" },
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
	"source create FILE [options]", "source list [options]",
	"source get ID [options]",      "source patch FILE --update-mask A,B [options]",
	"source delete ID [options]",   NULL,
};

const struct program program = {
	.name = "dtsserve",
	.summary = "serve a data source of the BigQuery Data Transfer Service",
	.usage = usage,
	.options = options,
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
