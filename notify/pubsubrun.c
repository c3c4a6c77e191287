/*
 * pubsubrun: run COMMAND on each batch of messages of a Pub/Sub subscription.
 *
 * A message is acknowledged after COMMAND has exited 0 for it, never before:
 * whatever ends this program, no message is lost.
 */
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/options.h"
#include "notify/failures.h"
#include "notify/lease.h"
#include "notify/pubsub.h"
#include "notify/worker.h"

enum {
	BATCH = 100,
	PARALLEL_MAX = 64,
	MAX_LEASE_MS = 60 * 60 * 1000,
	GRACE_MS = 20 * 1000,
};

struct config {
	const char *subscription, *project, *credentials;
	struct option_values endpoints;
	int64_t batch, parallel, max_lease_ms, idle_exit_ms, grace_ms;
	int64_t retry_initial_ms, retry_for_ms;
};

#define FIELD(name) .offset = offsetof(struct config, name)
static const struct option_def options[] = {
	{ .name = "subscription",
	  .letter = 's',
	  .kind = OPTION_STRING,
	  FIELD(subscription),
	  .argument = "NAME",
	  .help = "projects/P/subscriptions/S, or S of --project" },
	{ .name = "batch",
	  .kind = OPTION_INT,
	  FIELD(batch),
	  .argument = "N",
	  .min = 1,
	  .max = PUBSUB_PULL_MAX,
	  .help = "messages for one COMMAND at most (default 100)" },
	{ .name = "parallel",
	  .kind = OPTION_INT,
	  FIELD(parallel),
	  .argument = "N",
	  .min = 1,
	  .max = PARALLEL_MAX,
	  .help = "COMMANDs at once (default 1)" },
	{ .name = "max-lease",
	  .kind = OPTION_DURATION,
	  FIELD(max_lease_ms),
	  .argument = "D",
	  .help = "end a COMMAND that runs longer (default 1h)" },
	{ .name = "idle-exit",
	  .kind = OPTION_DURATION,
	  FIELD(idle_exit_ms),
	  .argument = "D",
	  .help = "exit 0 when no message has come for so long (default: never)" },
	{ .name = "grace",
	  .kind = OPTION_DURATION,
	  FIELD(grace_ms),
	  .argument = "D",
	  .help = "time that COMMAND has after a signal to us (default 20s)" },
	{ .name = "project",
	  .kind = OPTION_STRING,
	  FIELD(project),
	  .argument = "P",
	  .help = "project of a subscription named shortly" },
	{ .name = "credentials",
	  .kind = OPTION_STRING,
	  FIELD(credentials),
	  .argument = "FILE",
	  .help = "key or token file, in place of GOOGLE_APPLICATION_CREDENTIALS" },
	{ .name = "endpoint",
	  .kind = OPTION_REPEAT,
	  FIELD(endpoints),
	  .argument = "SERVICE=URL",
	  .help = "another server for pubsub; authentication stays on" },
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

static const char *const usage[] = { "-s SUBSCRIPTION [options] -- COMMAND [ARGUMENT...]", NULL };

static const struct program program = {
	.name = "pubsubrun",
	.summary = "run a command on each batch of messages of a Pub/Sub subscription",
	.usage = usage,
	.options = options,
	.epilog =
		"COMMAND reads {\"@message\":{...}} lines on stdin. Exit status 0 acknowledges them all;\n"
		"anything else gives them back, to come again later.\n",
};

/* --- start ---------------------------------------------------------------------------------- */

static struct api_options api_options(const struct config *c)
{
	struct api_options o = { .service = SERVICE_PUBSUB,
				 .endpoints = &c->endpoints,
				 .credentials_file = c->credentials,
				 .retry = RETRY_POLICY_DEFAULT };

	if (c->retry_initial_ms)
		o.retry.initial_ms = c->retry_initial_ms;
	if (c->retry_for_ms)
		o.retry.budget_ms = c->retry_for_ms;
	return o;
}

/* "projects/P/subscriptions/S", the caller's to free. */
static int full_name(const struct config *c, struct api *api, char **ret, struct error *err)
{
	const char *given = c->subscription;
	char *project = NULL;

	if (!strchr(given, '/')) {
		if (api_project(api, c->project, &project, err) < 0)
			return -1;
		if (asprintf(ret, "projects/%s/subscriptions/%s", project, given) < 0)
			*ret = NULL;
		free(project);
	} else {
		const char *slash = strchr(given, '/'), *second = strchr(slash + 1, '/');

		if (strncmp(given, "projects/", 9) != 0 || !second || second == slash + 1 ||
		    strncmp(second, "/subscriptions/", 15) != 0 || !second[15] ||
		    strchr(second + 15, '/'))
			return error_set(err, ERR_USAGE,
					 "--subscription: '%s' is not projects/P/subscriptions/S",
					 given);
		*ret = strdup(given);
	}
	return *ret ? 0 : error_nomem(err);
}

/* What the server says of the subscription; *lent_ms: for how long it lends a message. */
static int look_at(struct api *api, const char *subscription, int64_t *lent_ms, struct error *err)
{
	json_t *found = NULL;
	int64_t seconds = PUBSUB_DEADLINE_MIN_S;
	int rc = pubsub_subscription_get(api, subscription, &found, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		log_warn("%s cannot be looked at (pubsub.subscriptions.get), so neither can its "
			 "dead-letter policy",
			 subscription);
	} else {
		const json_t *push = json_object_get(found, "pushConfig");
		const char *to = json_string_value(json_object_get(push, "pushEndpoint"));

		if (to && *to)
			rc = error_set(err, ERR_CONFIG,
				       "%s pushes its messages to %s; only one "
				       "without a pushEndpoint can be pulled",
				       subscription, to);
		else if (!json_object_get(found, "deadLetterPolicy"))
			log_warn("%s has no dead-letter policy: a message for which COMMAND "
				 "always fails comes again until it expires",
				 subscription);
		if (json_is_integer(json_object_get(found, "ackDeadlineSeconds")))
			seconds = json_integer_value(json_object_get(found, "ackDeadlineSeconds"));
	}
	json_decref(found);
	*lent_ms = seconds * 1000;
	return rc < 0 ? -1 : 0;
}

/* --- the main thread: what ends it ----------------------------------------------------------- */

static const struct worker *failed_worker(const struct worker *workers, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		if (atomic_load(&workers[i].ended))
			return &workers[i];
	return NULL;
}

/* Milliseconds left before it has been idle for long enough; -1: no limit. */
static int64_t idle_left(const struct config *c, struct work *work)
{
	int64_t left;

	if (!c->idle_exit_ms)
		return -1;
	if (leases_count(work->leases) > 0)
		return c->idle_exit_ms;
	left = atomic_load(&work->active_ms) + c->idle_exit_ms - monotonic_ms();
	return left > 0 ? left : 0;
}

/* Until there is a reason to end. 0: idle. -1: a signal, a worker's failure, or stdout is gone. */
static int watch(const struct config *c, struct work *work, const struct worker *workers,
		 struct error *err)
{
	for (;;) {
		int64_t left = idle_left(c, work);
		const struct worker *failed = failed_worker(workers, c->parallel);
		struct pollfd watched[] = { { .fd = signals_fd(), .events = POLLIN },
					    { .fd = work->event, .events = POLLIN },
					    { .fd = STDOUT_FILENO } };

		if (failed) {
			*err = failed->error;
			return -1;
		}
		if (signals_check(err) < 0)
			return -1;
		if (left == 0)
			return 0;
		(void)poll(watched, 3, left < 0 ? -1 : (int)(left < INT32_MAX ? left : INT32_MAX));
		if (watched[2].revents & POLLERR)
			return error_set(err, ERR_SIGNAL + SIGPIPE, "stdout: nobody reads it");
	}
}

/* --- the whole ------------------------------------------------------------------------------ */

static void stop(const struct config *c, struct work *work, struct worker *workers)
{
	atomic_store(&work->stop_by_ms, monotonic_ms() + c->grace_ms);
	atomic_store(&work->stopping, true);
	if (leases_count(work->leases) > 0)
		log_info("%s: no more is pulled; COMMAND has %lld ms to end", work->subscription,
			 (long long)c->grace_ms);
	signals_grace(c->grace_ms + WORK_SETTLE_MS);
	eventfd_write(work->stop, 1);
	for (int64_t i = 0; i < c->parallel; i++)
		if (workers[i].opened)
			api_cancel(&workers[i].api);
	for (int64_t i = 0; i < c->parallel; i++)
		worker_join(&workers[i]);
	if (leases_finish(work->leases, WORK_SETTLE_MS) < 0)
		log_warn("%zu messages could neither be acknowledged nor given back: "
			 "they come again",
			 leases_count(work->leases));
}

static int serve(const struct config *c, struct work *work, struct error *err)
{
	const struct api_options api = api_options(c);
	struct worker *workers = calloc((size_t)c->parallel, sizeof *workers);
	int rc = workers ? 0 : error_nomem(err);

	for (int64_t i = 0; rc == 0 && i < c->parallel; i++)
		rc = worker_start(&workers[i], work, &api, err);
	if (rc == 0)
		rc = watch(c, work, workers, err);
	if (workers)
		stop(c, work, workers);
	for (int64_t i = 0; workers && i < c->parallel; i++)
		worker_release(&workers[i]);
	free(workers);
	return rc;
}

static int run(const struct config *c, char *const *command, struct error *err)
{
	const struct api_options apis = api_options(c);
	struct failures failures;
	struct work work = { .command = command,
			     .batch = c->batch,
			     .max_lease_ms = c->max_lease_ms,
			     .failures = &failures };
	struct api api;
	char *name = NULL;
	int64_t lent_ms;
	int rc;

	if (api_open(&api, &apis, err) < 0)
		return -1;
	rc = full_name(c, &api, &name, err);
	if (rc == 0)
		rc = look_at(&api, name, &lent_ms, err);
	api_close(&api);
	work.subscription = name;
	work.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	work.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	work.active_ms = monotonic_ms();
	failures_init(&failures);
	if (rc == 0)
		rc = leases_new(&apis, name, lent_ms, &work.leases, err);
	if (rc == 0)
		rc = serve(c, &work, err);
	leases_free(work.leases);
	failures_release(&failures);
	io_close_fd(&work.event);
	io_close_fd(&work.stop);
	log_info("%s: %llu messages acknowledged, %llu failures", name ? name : c->subscription,
		 atomic_load(&work.done), atomic_load(&work.failed));
	free(name);
	return rc;
}

static int check(const struct config *c, const struct command_line *line, struct error *err)
{
	if (!c->subscription)
		return error_set(err, ERR_USAGE, "--subscription is needed");
	if (!line->dashes || line->operands_before_dashes || line->operand_count == 0)
		return error_set(err, ERR_USAGE,
				 "a command is needed: pubsubrun -s SUBSCRIPTION -- COMMAND");
	return 0;
}

int main(int argc, char **argv)
{
	struct config config = {
		.batch = BATCH, .parallel = 1, .max_lease_ms = MAX_LEASE_MS, .grace_ms = GRACE_MS
	};
	struct command_line line;
	struct error err = { 0 };

	if (signals_init(&err) < 0 || options_parse(&program, argc, argv, &config, &line, &err) < 0)
		return log_failure(&err);
	if (line.done)
		return 0;
	if (check(&config, &line, &err) < 0 || run(&config, line.operands, &err) < 0)
		return log_failure(&err);
	return 0;
}
