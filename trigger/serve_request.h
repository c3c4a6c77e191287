/*
 * A transfer run as the Data Transfer Service asks for it: over Pub/Sub as
 * binary protobuf (the only module that knows protobuf-c), or as JSON or YAML.
 */
#ifndef SLUICE_TRIGGER_SERVE_REQUEST_H
#define SLUICE_TRIGGER_SERVE_REQUEST_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "trigger/dts_time.h"

/* Strings are owned, except those that point into others. */
struct request {
	char *name;   /* projects/P/locations/L/transferConfigs/C/runs/R */
	char *config; /* its part up to C */
	char *config_id, *run_id;
	char *source;                      /* dataSourceId */
	char *dataset;                     /* destinationDatasetId */
	json_t *params;                    /* an object */
	char run_time[DTS_TIME_SIZE];      /* "2018-04-30T00:00:00Z" */
	char schedule_time[DTS_TIME_SIZE]; /* or "" */
	int64_t user_id;
};

/* The run in a TransferRun of JSON, with fieldName or field_name. ERR_DATA names what is missing or malformed. */
int request_from_json(const json_t *run, struct request *ret, struct error *err)
	__attribute__((warn_unused_result));

/* The same of binary protobuf. */
int request_from_protobuf(const void *p, size_t n, struct request *ret, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The same of a line of input: {"@message":{…}} of pubsubrun, whose data is a
 * TransferRun as binary protobuf or as JSON; or a TransferRun as JSON itself.
 */
int request_from_line(const char *line, size_t n, struct request *ret, struct error *err)
	__attribute__((warn_unused_result));

/* Harmless on a zeroed struct. */
void request_release(struct request *r);

#endif
