/* What a connector's command is told of its run: variables, and a file of JSON. */
#ifndef SLUICE_TRIGGER_SERVE_ENVIRONMENT_H
#define SLUICE_TRIGGER_SERVE_ENVIRONMENT_H

#include <stddef.h>

#include "lib/error.h"
#include "trigger/serve_request.h"

struct environment {
	char **variables; /* of execve: ours, and DTS_… over them */
	size_t count;
	char file[4096]; /* that DTS_RUN_FILE names; removed at release */
};

/*
 * DTS_TABLE DTS_DESTINATION DTS_DATASET DTS_SOURCE DTS_CONFIG DTS_RUN
 * DTS_RUN_TIME DTS_RUN_DATE DTS_SCHEDULE_TIME DTS_USER_ID DTS_RUN_FILE, and
 * DTS_PARAM_NAME for each parameter: text as it is, all else as JSON. In NAME
 * letters are large, and what is no letter or digit is '_'.
 */
int environment_make(struct environment *e, const struct request *r, const char *table,
		     const char *destination, struct error *err)
	__attribute__((warn_unused_result));
void environment_release(struct environment *e);

#endif
