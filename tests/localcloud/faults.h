/*
 * Faults on request: POST /faults says which requests or jobs go wrong, and how. Each fault counts the requests that
 * match, begins with the n-th of them and ends after `times` hits. Thread-safe; README.md describes the JSON.
 */
#ifndef LOCALCLOUD_FAULTS_H
#define LOCALCLOUD_FAULTS_H

#include "tests/localcloud/api_error.h"

#include <stdbool.h>
#include <stdint.h>

enum fault_drop { DROP_NONE, DROP_BEFORE, DROP_MID_BODY, DROP_AFTER_EFFECT };

struct fault_effect {
	int status; /* 0: none */
	char reason[32];
	char message[256];
	int retry_after_s; /* 0: no header */
	enum fault_drop drop;
	int64_t short308; /* bytes of the chunk that are kept; -1: all */
	bool damage;      /* one byte of the chunk is stored as another */
	int64_t delay_ms;
	bool expire_tokens;
	bool revoke_grant; /* of a token request: invalid_grant */
	int session;       /* 404 or 410: the upload session is gone */
	/* Of jobs, not of requests: */
	int64_t job_delay_ms;
	bool job_error;
	bool of_query;    /* job_error is of the next query job, not of the next load job */
	int64_t miscount; /* added to the outputRows that the job reports */
	int64_t misread;  /* added to its inputFiles */
	bool of_run;      /* of the runs that a request to the Data Transfer Service starts */
};

struct faults;

struct faults *faults_new(void);
void faults_free(struct faults *f);

int faults_add(struct faults *f, const json_t *spec, struct api_error *err);
json_t *faults_list(struct faults *f);
void faults_clear(struct faults *f);

/* What happens to this request; all-zero (short308 -1) when nothing does. */
void faults_for_request(struct faults *f, const char *method, const char *url,
			struct fault_effect *ret);
/* Milliseconds that the next job stays RUNNING. */
int64_t faults_job_delay(struct faults *f);
/* How far off the next load job's row count is; 0: it is right. */
int64_t faults_job_miscount(struct faults *f);
/* The same of its inputFiles. */
int64_t faults_job_misread(struct faults *f);
/* True when the load or query job about to run fails, with err saying how. */
bool faults_job_error(struct faults *f, bool is_query, struct api_error *err);
/* New reference: how the transfer runs go that a POST to this URL starts; NULL when as usual. See dts_runs_start(). */
json_t *faults_transfer_run(struct faults *f, const char *url);

#endif
