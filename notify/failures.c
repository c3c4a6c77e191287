#include "notify/failures.h"

enum { LONGEST_S = 600 };

void failures_init(struct failures *f)
{
	pthread_mutex_init(&f->lock, NULL);
	f->count = json_object();
}

void failures_release(struct failures *f)
{
	json_decref(f->count);
	pthread_mutex_destroy(&f->lock);
}

int64_t failures_add(struct failures *f, const char *id, int64_t attempt)
{
	int64_t n;

	if (attempt > 0)
		return attempt;
	pthread_mutex_lock(&f->lock);
	n = json_integer_value(json_object_get(f->count, id)) + 1;
	if (json_object_size(f->count) >= FAILURES_MAX)
		json_object_clear(f->count);
	/* Without memory the delay does not grow. */
	(void)json_object_set_new(f->count, id, json_integer(n));
	pthread_mutex_unlock(&f->lock);
	return n;
}

void failures_forget(struct failures *f, const char *id)
{
	pthread_mutex_lock(&f->lock);
	json_object_del(f->count, id);
	pthread_mutex_unlock(&f->lock);
}

int64_t failures_delay_s(int64_t count)
{
	int64_t delay = 1;

	while (--count > 0 && delay < LONGEST_S)
		delay *= 2;
	return delay < LONGEST_S ? delay : LONGEST_S;
}
