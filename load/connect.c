#include "load/connect.h"

#include <stdlib.h>
#include <string.h>

struct api_options connect_options(const struct config *c, enum endpoint_service service)
{
	struct api_options options = {
		.service = service,
		.endpoints = &c->endpoints,
		.credentials_file = c->credentials,
		.retry = RETRY_POLICY_DEFAULT,
	};

	if (c->retry_initial_ms)
		options.retry.initial_ms = c->retry_initial_ms;
	if (c->retry_for_ms)
		options.retry.budget_ms = c->retry_for_ms;
	return options;
}

int connect_project(const struct config *c, struct api *api, struct destination *d, char **project,
		    struct error *err)
{
	char *found = NULL;

	if (api_project(api, c->project, &found, err) < 0) {
		if (err->code != ERR_CONFIG || !d || !d->project)
			return -1;
		found = strdup(d->project);
	}
	if (found && d && !d->project) {
		d->project = strdup(found);
		if (!d->project) {
			free(found);
			found = NULL;
		}
	}
	if (!found)
		return error_nomem(err);
	*project = found;
	return 0;
}
