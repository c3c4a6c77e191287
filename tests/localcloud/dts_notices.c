/* Which ended runs a topic is still to be told of. */
#include "tests/localcloud/dts_impl.h"
#include "tests/localcloud/dts_time.h"

#include <stdlib.h>
#include <string.h>

/* An end that no clock brings. */
#define NEVER INT64_MAX

void dts_wake(struct dts *d)
{
	d->generation++;
	pthread_cond_broadcast(&d->changed);
}

/* Until there is news since that generation, or the time. */
static void wait_until(struct dts *d, uint64_t generation, int64_t until_us)
{
	struct timespec until = { until_us / 1000000, until_us % 1000000 * 1000 };

	pthread_mutex_lock(&d->lock);
	while (d->generation == generation && !d->stopping) {
		if (until_us == NEVER)
			pthread_cond_wait(&d->changed, &d->lock);
		else if (pthread_cond_timedwait(&d->changed, &d->lock, &until))
			break;
	}
	pthread_mutex_unlock(&d->lock);
}

/* 1 with a notice, 0 without, -1. */
static int read_notice(struct dts *d, struct dts_notice *ret, struct api_error *err)
{
	sqlite3_stmt *stmt = dts_prepare(
		d, err,
		"SELECT seq, topic FROM run WHERE topic IS NOT NULL AND end_time IS NOT NULL"
		" ORDER BY end_time, seq LIMIT 1",
		"");
	int step = stmt ? sqlite3_step(stmt) : SQLITE_ERROR, rc = 0;

	if (step == SQLITE_ROW) {
		ret->seq = sqlite3_column_int64(stmt, 0);
		ret->topic = strdup((const char *)sqlite3_column_text(stmt, 1));
		rc = 1;
	} else if (stmt && step != SQLITE_DONE) {
		rc = dts_db_error(d, err);
	}
	sqlite3_finalize(stmt);
	if (rc == 1) {
		ret->run = dts_run_read(d, ret->seq, err);
		if (!ret->run) {
			dts_notice_release(ret);
			rc = -1;
		}
	}
	return stmt ? rc : -1;
}

static int next_end(struct dts *d, int64_t *ret, struct api_error *err)
{
	sqlite3_stmt *stmt = dts_prepare(
		d, err, "SELECT min(due_end) FROM run WHERE topic IS NOT NULL AND end_time IS NULL",
		"");
	int rc = -1;

	*ret = NEVER;
	if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		rc = 0;
	else if (stmt)
		dts_db_error(d, err);
	if (rc == 0 && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc;
}

int dts_notice_next(struct dts *d, struct dts_notice *ret, struct api_error *err)
{
	memset(ret, 0, sizeof(*ret));
	for (;;) {
		int64_t until = NEVER;
		uint64_t generation;
		bool stopping;
		int rc;

		if (dts_begin(d, err))
			return -1;
		generation = d->generation;
		stopping = d->stopping;
		rc = stopping ? 0 : read_notice(d, ret, err);
		if (rc == 0)
			rc = next_end(d, &until, err);
		if (dts_end(d, rc < 0 ? -1 : 0, err)) {
			dts_notice_release(ret);
			return -1;
		}
		if (rc == 1 || stopping)
			return rc;
		wait_until(d, generation, until);
	}
}

int dts_notice_done(struct dts *d, const struct dts_notice *notice, struct api_error *err)
{
	int rc;

	if (dts_begin(d, err))
		return -1;
	rc = dts_exec(d, NULL, err, "UPDATE run SET topic=NULL WHERE seq=?", "i", notice->seq);
	return dts_end(d, rc, err);
}

void dts_notice_release(struct dts_notice *notice)
{
	free(notice->topic);
	json_decref(notice->run);
	memset(notice, 0, sizeof(*notice));
}

void dts_notices_pause(struct dts *d, int64_t ms)
{
	uint64_t generation;

	pthread_mutex_lock(&d->lock);
	generation = d->generation;
	pthread_mutex_unlock(&d->lock);
	wait_until(d, generation, dts_now_us() + 1000 * ms);
}

void dts_notices_stop(struct dts *d)
{
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	dts_wake(d);
	pthread_mutex_unlock(&d->lock);
}
