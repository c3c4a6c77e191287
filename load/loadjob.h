/*
 * Which job a run's load is, and what became of it.
 *
 * The id is a digest of (project, table, run id, step) and the number of the
 * attempt, so that a crash, a retry and a second host all name the same job:
 * the attempts are looked up, one that is running is waited for, one that is
 * done is adopted, and only behind failed ones comes a new one. A nonce in the
 * job's label tells our own submission from another process's.
 */
#ifndef SLUICE_LOAD_LOADJOB_H
#define SLUICE_LOAD_LOADJOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/bigquery.h"
#include "lib/google/destination.h"

/* "sluice_", 32 hex digits, "_", the attempt. */
enum { LOADJOB_ID_SIZE = 64, LOADJOB_NONCE_SIZE = 33 };

/* What the query jobs of a run cost, added up, and what each of them may cost. */
struct billing {
	int64_t bytes;
	int64_t maximum; /* 0: no limit */
};

struct loadjob {
	struct api *api;
	struct billing *billing;    /* borrowed; NULL: not counted, no limit */
	const char *project;        /* that runs the job */
	const char *location;       /* or NULL */
	char base[LOADJOB_ID_SIZE]; /* the id without the attempt */
	char id[LOADJOB_ID_SIZE];
	unsigned attempt;
	char nonce[LOADJOB_NONCE_SIZE];
	bool unknown; /* it was submitted, and may run, or yet come to run: no end was seen */
	bool failed;  /* a job under our id has ended badly */
	/*
	 * Called right before the job can begin: what must be durable by then. A failure stops it.
	 * May be NULL; set behind loadjob_init.
	 */
	int (*before)(void *context, const struct loadjob *j, struct error *err);
	void *context;
};

/*
 * Everything is borrowed. step: "load" is the job that commits, whatever
 * --write says; "stage" is the one before it that fills a temporary table.
 */
int loadjob_init(struct loadjob *j, struct api *api, const struct destination *d,
		 const char *project, const char *location, const char *run_id, const char *step,
		 struct error *err) __attribute__((warn_unused_result));

/*
 * Look the attempts up. 1: one is done (waited for if it was running): *done
 * is to be adopted. 0: none, and j->id is ours to use.
 */
int loadjob_find(struct loadjob *j, json_t **done, struct error *err)
	__attribute__((warn_unused_result));

/* The attempt is of no use any more (what it made is gone): loadjob_find goes on behind it. */
void loadjob_pass(struct loadjob *j);

/* As if loadjob_find had come to that attempt. */
void loadjob_set_attempt(struct loadjob *j, unsigned attempt);

/* The job resource for our attempt. labels are extended by the nonce. New reference. */
json_t *loadjob_resource(struct loadjob *j, const char *kind, json_t *configuration,
			 const json_t *labels, struct error *err)
	__attribute__((warn_unused_result));

/* Whoever starts the job other than by loadjob_run calls this first: j->before. */
int loadjob_announce(struct loadjob *j, struct error *err) __attribute__((warn_unused_result));

/*
 * Our submission has been made (exists), or its outcome is not known: wait
 * for the end. A job that exists may be invisible for a moment. *adopted: the
 * job under this id turned out to be another process's. ERR_TEMP when the job
 * never came to be.
 */
int loadjob_settle(struct loadjob *j, bool exists, json_t **done, bool *adopted, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Submit our attempt without an upload, labels extended by the nonce, and
 * wait for the end; the results are loadjob_settle's. kind: "load", "query".
 */
int loadjob_run(struct loadjob *j, const char *kind, json_t *configuration, const json_t *labels,
		json_t **done, bool *adopted, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Run a statement as our attempt, labels extended by the nonce, and wait for
 * the end; the results are loadjob_settle's.
 */
int loadjob_query(struct loadjob *j, const char *sql, const json_t *labels, json_t **done,
		  bool *adopted, struct error *err) __attribute__((warn_unused_result));

/*
 * Take the id of a job that was never started away from whoever may still
 * start it, by a job that does nothing and counts as failed. *job is what is
 * under the id now, ended: that one, or the one that came before it.
 */
int loadjob_fence(struct api *api, const struct bigquery_job *ref, json_t **job, struct error *err)
	__attribute__((warn_unused_result));

/* The job has ended, and well: it is not a fence. */
bool loadjob_is_done(const json_t *job);

/* The job is our submission, not another process's. */
bool loadjob_is_ours(const struct loadjob *j, const json_t *job);

/* The nonce of its submission, or NULL. */
const char *loadjob_nonce(const json_t *job);

/*
 * For query jobs that are run otherwise: set maximumBytesBilled in
 * configuration.query, and add what a job that is done has cost.
 */
int loadjob_limit(const struct loadjob *j, json_t *query, struct error *err)
	__attribute__((warn_unused_result));
void loadjob_bill(const struct loadjob *j, const json_t *done);

/* A label of a job; NULL when it has none of that name. */
const char *loadjob_label(const json_t *job, const char *name);

/* jobReference as "project:location.id". */
json_t *loadjob_name(const json_t *job);

/* The same of our attempt, which need not exist. */
json_t *loadjob_own_name(const struct loadjob *j);

/* statistics.endTime as RFC 3339 in UTC. */
json_t *loadjob_end_time(const json_t *job);

#endif
