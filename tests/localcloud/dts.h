/*
 * Transfer configurations of the BigQuery Data Transfer Service, their runs and the runs' logs, in DIR/transfers.sqlite.
 *
 * A run is no work: it is a row whose state follows the clock. When it is created it is written down when it becomes
 * RUNNING and when, and how, it ends; every call first does what has fallen due. So runs go on where they were when a
 * killed server is started again. A run that is held has no such time, and waits until somebody patches it.
 *
 * Every request to start makes runs of its own, also for a run time that another run has: the service documents no
 * merging. Runs of one configuration may be RUNNING at once.
 *
 * Times are microseconds since 1970. All functions are thread-safe. Resources returned are new references; failures
 * carry the google.rpc.Code name as their reason.
 */
#ifndef LOCALCLOUD_DTS_H
#define LOCALCLOUD_DTS_H

#include "tests/localcloud/api_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dts;

struct dts_options {
	int64_t pending_ms; /* from a run's scheduleTime until it is RUNNING */
	int64_t running_ms; /* from then until it ends */
	int64_t spacing_ms; /* between the scheduleTimes of runs that one request starts */
};

int dts_open(const char *dir, const struct dts_options *options, struct dts **ret,
	     struct api_error *err);
void dts_close(struct dts *d);

#define DTS_ID_MAX 64

/* What a request names. A project is its number, as names that the service gives have it. */
struct dts_name {
	char project[DTS_ID_MAX];
	char location[DTS_ID_MAX]; /* small letters; "-": any */
	char config[DTS_ID_MAX], run[DTS_ID_MAX];
};

/* One page of a list: items behind `after` in the list's order, at most size. next: 0 when it was the last page. */
struct dts_page {
	int64_t size, after, next;
};

/* Gives the resource, which is changed in place, its name and id; project_id is where its dataset lies. */
int dts_config_insert(struct dts *d, const struct dts_name *parent, const char *project_id,
		      json_t *resource, struct api_error *err);
json_t *dts_config_get(struct dts *d, const struct dts_name *name, struct api_error *err);
/* The project of its dataset, which the caller frees. */
char *dts_config_project(struct dts *d, const struct dts_name *name, struct api_error *err);
/* Sets each member of changes, or removes it where that is null. Runs that there are keep what they began with. */
int dts_config_patch(struct dts *d, const struct dts_name *name, const json_t *changes,
		     struct api_error *err);
/* With its runs and their logs. */
int dts_config_delete(struct dts *d, const struct dts_name *name, struct api_error *err);
/* In the order of their creation; sources is an array of data source ids, or NULL. */
json_t *dts_config_list(struct dts *d, const struct dts_name *parent, const json_t *sources,
			struct dts_page *page, struct api_error *err);

/*
 * Starts one run for each of the run times. plan says how they go where that is not as usual: {"pendingMs",
 * "runningMs", "hold", "outcome", "code", "message"}, or NULL; see README.md. The new runs in order.
 */
json_t *dts_runs_start(struct dts *d, const struct dts_name *name, const int64_t *run_times,
		       size_t n, const json_t *plan, struct api_error *err);
json_t *dts_run_get(struct dts *d, const struct dts_name *name, struct api_error *err);
/*
 * Newest first; states is an array of names, or NULL; latest: only the last run of each day of run times. 404 without
 * the configuration.
 */
json_t *dts_run_list(struct dts *d, const struct dts_name *name, const json_t *states, bool latest,
		     struct dts_page *page, struct api_error *err);
int dts_run_delete(struct dts *d, const struct dts_name *name, struct api_error *err);
/* state and error may be NULL. From then on the run no longer follows the clock. A run that has ended: 400. */
int dts_run_patch(struct dts *d, const struct dts_name *name, const char *state,
		  const json_t *error, struct api_error *err);
/* In the order in which they were logged; severities is an array of names, or NULL. */
json_t *dts_log_list(struct dts *d, const struct dts_name *name, const json_t *severities,
		     struct dts_page *page, struct api_error *err);

/* A run that has ended, and the topic that wants to know. Owned by who has it. */
struct dts_notice {
	int64_t seq;
	char *topic;
	json_t *run;
};

/* Waits for the next; 1, 0 when dts_notices_stop() has been called, or -1. For one thread. */
int dts_notice_next(struct dts *d, struct dts_notice *ret, struct api_error *err);
/* Until then the same notice is the next one. */
int dts_notice_done(struct dts *d, const struct dts_notice *notice, struct api_error *err);
void dts_notice_release(struct dts_notice *notice);
/* For that long, or until there may be another. */
void dts_notices_pause(struct dts *d, int64_t ms);
void dts_notices_stop(struct dts *d);

#endif
