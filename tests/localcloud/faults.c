#include "tests/localcloud/faults.h"

#include "tests/localcloud/json_util.h"

#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fault {
	struct fault *next;
	json_t *spec;    /* as it was posted */
	char method[16]; /* empty: any */
	regex_t path;
	int64_t first, times; /* first match that is hit; hits in all */
	int64_t seen, hits;
	struct fault_effect effect;
};

struct faults {
	pthread_mutex_t lock;
	struct fault *first;
};

struct faults *faults_new(void)
{
	struct faults *f = calloc(1, sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	return f;
}

static void free_fault(struct fault *fault)
{
	json_decref(fault->spec);
	regfree(&fault->path);
	free(fault);
}

void faults_clear(struct faults *f)
{
	pthread_mutex_lock(&f->lock);
	while (f->first) {
		struct fault *fault = f->first;

		f->first = fault->next;
		free_fault(fault);
	}
	pthread_mutex_unlock(&f->lock);
}

void faults_free(struct faults *f)
{
	faults_clear(f);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static int read_drop(const char *word, enum fault_drop *ret, struct api_error *err)
{
	static const char *const words[] = { "", "before", "mid-body", "after-effect" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum fault_drop)i;
			return 0;
		}
	}
	return api_fail(err, 400, "invalid", "fault.drop is before, mid-body or after-effect");
}

static int check_keys(const json_t *object, const char *const *known, const char *where,
		      struct api_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
		if (!ju_in(key, known))
			return api_fail(err, 400, "invalid", "%s has no member %s", where, key);
	return 0;
}

static int check_run(const json_t *run, struct api_error *err)
{
	static const char *const known[] = { "pendingMs", "runningMs", "hold", "outcome",
					     "code",      "message",   NULL };
	static const char *const outcomes[] = { "SUCCEEDED", "FAILED", "CANCELLED", NULL };
	static const char *const holds[] = { "", "PENDING", "RUNNING", NULL };

	if (!json_is_object(run))
		return api_fail(err, 400, "invalid", "fault.run is an object");
	if (!ju_in(ju_string(run, "outcome", "SUCCEEDED"), outcomes))
		return api_fail(err, 400, "invalid",
				"fault.run.outcome is SUCCEEDED, FAILED or CANCELLED");
	if (!ju_in(ju_string(run, "hold", ""), holds))
		return api_fail(err, 400, "invalid", "fault.run.hold is PENDING or RUNNING");
	return check_keys(run, known, "fault.run", err);
}

static int read_effect(const json_t *fault, struct fault_effect *e, struct api_error *err)
{
	static const char *const known[] = {
		"status",   "reason",       "message",     "retryAfter", "drop",       "short308",
		"delayMs",  "expireTokens", "revokeGrant", "session",    "jobDelayMs", "jobError",
		"miscount", "misread",      "damage",      "run",        NULL
	};
	const json_t *job_error = json_object_get(fault, "jobError");
	const char *reason = ju_string(job_error ? job_error : fault, "reason", "backendError");

	if (!json_is_object(fault) || json_object_size(fault) == 0)
		return api_fail(err, 400, "invalid", "a fault needs {\"fault\":{…}}");
	if (check_keys(fault, known, "fault", err) ||
	    read_drop(ju_string(fault, "drop", ""), &e->drop, err))
		return -1;
	e->status = (int)ju_int64(fault, "status", 0);
	if (json_object_get(fault, "status") && (e->status < 300 || e->status > 599))
		return api_fail(err, 400, "invalid",
				"fault.status is an HTTP status from 300 to 599");
	snprintf(e->reason, sizeof(e->reason), "%s", reason);
	snprintf(e->message, sizeof(e->message), "%s",
		 ju_string(job_error ? job_error : fault, "message", "injected fault"));
	e->retry_after_s = (int)ju_int64(fault, "retryAfter", 0);
	e->short308 = ju_int64(fault, "short308", -1);
	e->damage = ju_bool(fault, "damage", false);
	e->delay_ms = ju_int64(fault, "delayMs", 0);
	e->expire_tokens = ju_bool(fault, "expireTokens", false);
	e->revoke_grant = ju_bool(fault, "revokeGrant", false);
	e->miscount = ju_int64(fault, "miscount", 0);
	e->misread = ju_int64(fault, "misread", 0);
	e->session = (int)ju_int64(fault, "session", 0);
	e->job_delay_ms = ju_int64(fault, "jobDelayMs", 0);
	e->job_error = job_error != NULL;
	e->of_query = ju_bool(job_error, "query", false);
	e->of_run = json_object_get(fault, "run") != NULL;
	return e->of_run ? check_run(json_object_get(fault, "run"), err) : 0;
}

static int read_fault(const json_t *spec, struct fault *fault, struct api_error *err)
{
	static const char *const top[] = { "match", "times", "fault", NULL }, *const keys[] = {
		"method", "path", "n", NULL
	};
	const json_t *match = json_object_get(spec, "match");

	if (check_keys(spec, top, "a fault", err) || check_keys(match, keys, "match", err))
		return -1;
	fault->first = ju_int64(match, "n", 1);
	fault->times = ju_int64(spec, "times", 1);
	snprintf(fault->method, sizeof(fault->method), "%s", ju_string(match, "method", ""));
	return read_effect(json_object_get(spec, "fault"), &fault->effect, err);
}

int faults_add(struct faults *f, const json_t *spec, struct api_error *err)
{
	struct fault *fault = calloc(1, sizeof(*fault)), **end;

	if (read_fault(spec, fault, err)) {
		free(fault);
		return -1;
	}
	if (regcomp(&fault->path, ju_string(json_object_get(spec, "match"), "path", ""),
		    REG_EXTENDED | REG_NOSUB)) {
		free(fault);
		return api_fail(err, 400, "invalid", "match.path is no regular expression");
	}
	fault->spec = json_deep_copy(spec);
	pthread_mutex_lock(&f->lock);
	for (end = &f->first; *end; end = &(*end)->next)
		;
	*end = fault;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

json_t *faults_list(struct faults *f)
{
	json_t *list = json_array();

	pthread_mutex_lock(&f->lock);
	for (const struct fault *fault = f->first; fault; fault = fault->next) {
		json_t *item = json_deep_copy(fault->spec);

		json_object_set_new(item, "seen", json_integer(fault->seen));
		json_object_set_new(item, "hits", json_integer(fault->hits));
		json_array_append_new(list, item);
	}
	pthread_mutex_unlock(&f->lock);
	return json_pack("{s:o}", "faults", list);
}

/* Counts a match and says whether this one is hit. */
static bool hit(struct fault *fault)
{
	fault->seen++;
	if (fault->seen < fault->first || fault->hits >= fault->times)
		return false;
	fault->hits++;
	return true;
}

static bool of_jobs(const struct fault *fault)
{
	return fault->effect.job_error || fault->effect.job_delay_ms > 0 ||
	       fault->effect.miscount != 0 || fault->effect.misread != 0 || fault->effect.of_run;
}

void faults_for_request(struct faults *f, const char *method, const char *url,
			struct fault_effect *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->short308 = -1;
	pthread_mutex_lock(&f->lock);
	for (struct fault *fault = f->first; fault; fault = fault->next) {
		if (of_jobs(fault) || (fault->method[0] && strcmp(fault->method, method) != 0) ||
		    regexec(&fault->path, url, 0, NULL, 0) != 0 || !hit(fault))
			continue;
		*ret = fault->effect;
		break;
	}
	pthread_mutex_unlock(&f->lock);
}

int64_t faults_job_delay(struct faults *f)
{
	int64_t delay_ms = 0;

	pthread_mutex_lock(&f->lock);
	for (struct fault *fault = f->first; fault && !delay_ms; fault = fault->next)
		if (fault->effect.job_delay_ms > 0 && hit(fault))
			delay_ms = fault->effect.job_delay_ms;
	pthread_mutex_unlock(&f->lock);
	return delay_ms;
}

int64_t faults_job_miscount(struct faults *f)
{
	int64_t off = 0;

	pthread_mutex_lock(&f->lock);
	for (struct fault *fault = f->first; fault && !off; fault = fault->next)
		if (fault->effect.miscount != 0 && hit(fault))
			off = fault->effect.miscount;
	pthread_mutex_unlock(&f->lock);
	return off;
}

int64_t faults_job_misread(struct faults *f)
{
	int64_t off = 0;

	pthread_mutex_lock(&f->lock);
	for (struct fault *fault = f->first; fault && !off; fault = fault->next)
		if (fault->effect.misread != 0 && hit(fault))
			off = fault->effect.misread;
	pthread_mutex_unlock(&f->lock);
	return off;
}

bool faults_job_error(struct faults *f, bool is_query, struct api_error *err)
{
	bool fails = false;

	pthread_mutex_lock(&f->lock);
	for (struct fault *fault = f->first; fault && !fails; fault = fault->next) {
		if (fault->effect.job_error && fault->effect.of_query == is_query && hit(fault)) {
			api_fail(err, 400, fault->effect.reason, "%s", fault->effect.message);
			fails = true;
		}
	}
	pthread_mutex_unlock(&f->lock);
	return fails;
}

json_t *faults_transfer_run(struct faults *f, const char *url)
{
	json_t *run = NULL;

	pthread_mutex_lock(&f->lock);
	for (struct fault *fault = f->first; fault && !run; fault = fault->next)
		if (fault->effect.of_run && regexec(&fault->path, url, 0, NULL, 0) == 0 &&
		    hit(fault))
			run = json_deep_copy(ju_path(fault->spec, "fault.run"));
	pthread_mutex_unlock(&f->lock);
	return run;
}
