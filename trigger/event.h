/*
 * What a line of input says about a dataset of BigQuery: that it has changed,
 * or something that concerns nobody here. Understood are
 *   entries of BigQuery's audit log (a LogEntry of Cloud Logging), bare
 *   the same in a {"@message":…} of pubsubrun, or in the body of a push request
 *   {"@loaded":…} of bqload
 * A change is an entry of a bigquery_dataset that is no error, by a method that
 * makes or alters a table, or by a job that may write data to one.
 * https://cloud.google.com/bigquery/docs/reference/auditlogs
 */
#ifndef SLUICE_TRIGGER_EVENT_H
#define SLUICE_TRIGGER_EVENT_H

#include <jansson.h>
#include <stdint.h>

#include "lib/error.h"

struct change {
	char *project; /* where the dataset is; NULL: it is not told */
	char *dataset;
	char *id;      /* the entry's insertId, or the load job; NULL: it has none */
	int64_t at_ns; /* when: the entry's timestamp, else receiveTimestamp; the end of the job */
};

/* 1: *ret is a change. 0: the line is none. ERR_DATA: it is not understood, or lacks what it must have. */
int event_parse(const json_t *line, struct change *ret, struct error *err)
	__attribute__((warn_unused_result));

/* The inner object of an @loaded record: the same; a load that had nothing to load is no change. */
int event_parse_loaded(const json_t *loaded, struct change *ret, struct error *err)
	__attribute__((warn_unused_result));

void change_release(struct change *c);

#endif
