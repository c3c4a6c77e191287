#include "trigger/serve_log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/rowstream.h"
#include "lib/utf8.h"
#include "trigger/partner.h"

/* --- messages -------------------------------------------------------------------------------- */

static const char *severity(enum log_level level)
{
	return level >= LOG_ERROR ? "ERROR" : level == LOG_WARN ? "WARNING" : "INFO";
}

/* text is valid UTF-8, or becomes it. NULL: out of memory. */
static json_t *make_message(enum log_level level, const char *text)
{
	struct timespec now;
	struct tm tm;
	char time[64];
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(time + n, sizeof time - n, ".%06ldZ", now.tv_nsec / 1000);
	return json_pack("{s:s,s:s,s:o}", "messageTime", time, "severity", severity(level),
			 "messageText", rowstream_reason(text));
}

static void echo(const struct run_log *l, enum log_level level, const char *text)
{
	if (level >= LOG_ERROR)
		log_error("%s: %s", l->tag, text);
	else if (level == LOG_WARN)
		log_warn("%s: %s", l->tag, text);
	else
		log_info("%s: %s", l->tag, text);
}

void run_log_add(struct run_log *l, enum log_level level, const char *text, size_t n)
{
	/* What reads as the service's own word of a job is set apart: partner_run_count_jobs reads these. */
	static const char apart[] = "connector: ";
	size_t before = n >= strlen(PARTNER_JOB_LINE) &&
					!memcmp(text, PARTNER_JOB_LINE, strlen(PARTNER_JOB_LINE))
				? strlen(apart)
				: 0;
	char line[RUN_LOG_TEXT_MAX + 1];
	json_t *message;

	if (n > RUN_LOG_TEXT_MAX - before)
		n = utf8_cut(text, n, RUN_LOG_TEXT_MAX - before);
	memcpy(line, apart, before);
	for (size_t i = 0; i < n; i++)
		line[before + i] = text[i] ? text[i] : ' ';
	line[before + n] = '\0';
	echo(l, level, line);
	if (!l->sends)
		return;
	message = make_message(level, line);
	pthread_mutex_lock(&l->lock);
	if (json_array_size(l->messages) >= RUN_LOG_KEPT_MAX) {
		l->left_out++;
		json_decref(message);
	} else if (message) {
		json_array_append_new(l->messages, message);
	}
	/* Enough for a call: it need not wait. */
	if (json_array_size(l->messages) == RUN_LOG_CALL_MAX)
		pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

/* --- sending --------------------------------------------------------------------------------- */

/* What the next call takes; they stay where they are until it has succeeded. The lock is held. */
static json_t *next_messages(struct run_log *l, size_t *count)
{
	json_t *batch = json_array();

	if (l->left_out && json_array_size(l->messages) < RUN_LOG_KEPT_MAX) {
		char text[96];

		snprintf(text, sizeof text, "%llu lines of the log were left out here",
			 (unsigned long long)l->left_out);
		json_array_append_new(l->messages, make_message(LOG_WARN, text));
		l->left_out = 0;
	}
	for (*count = 0; *count < json_array_size(l->messages) && *count < RUN_LOG_CALL_MAX;
	     (*count)++)
		json_array_append(batch, json_array_get(l->messages, *count));
	if (*count == 0)
		json_array_append_new(batch, make_message(LOG_INFO, ""));
	return batch;
}

static void forget(struct run_log *l, size_t count)
{
	json_t *rest = json_array();

	for (size_t i = count; i < json_array_size(l->messages); i++)
		json_array_append(rest, json_array_get(l->messages, i));
	json_decref(l->messages);
	l->messages = rest;
}

/* One call with what there is, or empty. False: it failed, and they are kept. */
static bool send_some(struct run_log *l)
{
	struct error err;
	json_t *batch;
	size_t count;
	int rc;

	pthread_mutex_lock(&l->lock);
	batch = next_messages(l, &count);
	pthread_mutex_unlock(&l->lock);
	rc = partner_run_log(&l->api, l->run, batch, &err);
	json_decref(batch);
	if (rc < 0) {
		log_warn("%s: its log cannot be sent: %s", l->tag, err.message);
		return false;
	}
	pthread_mutex_lock(&l->lock);
	forget(l, count);
	pthread_mutex_unlock(&l->lock);
	return true;
}

static size_t waiting(struct run_log *l)
{
	size_t n;

	pthread_mutex_lock(&l->lock);
	n = json_array_size(l->messages);
	pthread_mutex_unlock(&l->lock);
	return n;
}

/* Until it is time to send. False: it is to end. */
static bool wait_for_time(struct run_log *l)
{
	struct timespec until;
	bool ending;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += l->flush_ms / 1000;
	until.tv_nsec += l->flush_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&l->lock);
	while (!l->ending && json_array_size(l->messages) < RUN_LOG_CALL_MAX &&
	       pthread_cond_timedwait(&l->changed, &l->lock, &until) != ETIMEDOUT)
		;
	ending = l->ending;
	pthread_mutex_unlock(&l->lock);
	return !ending;
}

static void *run(void *argument)
{
	struct run_log *l = argument;
	bool good = true;

	while (wait_for_time(l)) {
		good = send_some(l);
		while (good && waiting(l) >= RUN_LOG_CALL_MAX)
			good = send_some(l);
		/* No hurry: it would be tried again and again. */
		if (!good && waiting(l) >= RUN_LOG_CALL_MAX) {
			const struct timespec second = { .tv_sec = 1 };

			nanosleep(&second, NULL);
		}
	}
	good = true;
	while (good && waiting(l) > 0)
		good = send_some(l);
	return NULL;
}

int run_log_start(struct run_log *l, const struct api_options *options, const char *name,
		  const char *tag, int64_t flush_ms, struct error *err)
{
	pthread_condattr_t attributes;
	sigset_t all, old;

	*l = (struct run_log){ .run = name, .tag = tag, .flush_ms = flush_ms };
	if (!options)
		return 0;
	if (api_open(&l->api, options, err) < 0)
		return -1;
	l->messages = json_array();
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&l->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	l->sends = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errno = pthread_create(&l->thread, NULL, run, l);
	l->started = errno == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return l->started ? 0 : error_set_errno(err, ERR_OS, "thread");
}

void run_log_stop(struct run_log *l)
{
	if (!l->sends)
		return;
	if (l->started) {
		pthread_mutex_lock(&l->lock);
		l->ending = true;
		pthread_cond_signal(&l->changed);
		pthread_mutex_unlock(&l->lock);
		pthread_join(l->thread, NULL);
	}
	if (json_array_size(l->messages) > 0)
		log_warn("%s: %zu lines of its log could not be sent", l->tag,
			 json_array_size(l->messages));
	json_decref(l->messages);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	api_close(&l->api);
	l->sends = l->started = false;
}
