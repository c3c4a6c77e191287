/* All batches of standard input, one after the other; those of one lock only behind each other. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"
#include "lib/log.h"
#include "load/batch_load.h"
#include "load/batch_loader.h"
#include "load/connect.h"
#include "load/plan.h"

/* --- reading ----------------------------------------------------------------------------------- */

struct batches {
	struct batch *batch;
	size_t count, capacity;
};

static void batches_release(struct batches *all)
{
	for (size_t i = 0; i < all->count; i++)
		batch_release(&all->batch[i]);
	free(all->batch);
}

static int add_batch(struct batches *all, const json_t *inner, struct error *err)
{
	if (all->count == all->capacity) {
		size_t capacity = all->capacity ? 2 * all->capacity : 16;
		struct batch *more = reallocarray(all->batch, capacity, sizeof *more);

		if (!more)
			return error_nomem(err);
		all->batch = more;
		all->capacity = capacity;
	}
	if (batch_parse(inner, &all->batch[all->count], err) < 0)
		return -1;
	all->count++;
	return 0;
}

/* Nothing is loaded of a stream that is not whole, nor of one that holds nonsense. */
static int read_batches(struct batches *all, struct error *err)
{
	struct rowstream_reader in = { 0 };
	json_t *inner, *record;
	const char *kind;
	int rc;

	if (isatty(STDIN_FILENO))
		return error_set(
			err, ERR_USAGE,
			"one destination is needed, [PROJECT:]DATASET.TABLE, or batches on "
			"standard input");
	rc = rowstream_open_records(&in, STDIN_FILENO, "stdin", err);
	if (rc == 0 && json_object_get(in.begin, "schema"))
		rc = error_set(err, ERR_USAGE,
			       "a stream of rows needs a destination: [PROJECT:]DATASET.TABLE");
	if (rc == 0)
		rc = 1;
	while (rc > 0 && (rc = rowstream_next_record(&in, &kind, &inner, &record, err)) > 0) {
		if (strcmp(kind, "@batch") != 0)
			rc = error_set(err, ERR_DATA, "stdin line %" PRIu64 ": %s is not @batch",
				       in.line_number, kind);
		else if (add_batch(all, inner, err) < 0)
			rc = error_prefix(err, "stdin line %" PRIu64, in.line_number);
		json_decref(record);
	}
	rowstream_release(&in);
	return rc;
}

static int open_ledger(struct batch_loader *s, struct error *err)
{
	struct ledger_options options = { .name = s->config->ledger,
					  .create = true,
					  .location = s->config->location,
					  .api = &s->ledger_api };

	s->ledger_api = connect_options(s->config, SERVICE_BIGQUERY);
	if (!options.name || !*options.name || s->config->dry_run)
		return 0;
	if (!ledger_is_file(options.name) &&
	    connect_project(s->config, &s->bigquery, NULL, &s->project, err) < 0)
		return -1;
	options.project = s->project;
	return ledger_open(&options, &s->ledger, err);
}

static int open_loader(struct batch_loader *s, struct error *err)
{
	const struct api_options bigquery = connect_options(s->config, SERVICE_BIGQUERY);
	const struct api_options storage = connect_options(s->config, SERVICE_STORAGE);

	s->outcomes = json_object();
	s->locations = json_object();
	s->partitioned = json_object();
	s->blocked = json_object();
	if (!s->outcomes || !s->locations || !s->partitioned || !s->blocked)
		return error_nomem(err);
	if (plan_labels(&s->config->labels, &s->labels, err) < 0 ||
	    api_open(&s->bigquery, &bigquery, err) < 0 || api_open(&s->storage, &storage, err) < 0)
		return -1;
	return open_ledger(s, err);
}

static void close_loader(struct batch_loader *s)
{
	storage_lock_release(s->lock);
	ledger_close(s->ledger);
	api_close(&s->bigquery);
	api_close(&s->storage);
	json_decref(s->labels);
	json_decref(s->outcomes);
	json_decref(s->locations);
	json_decref(s->partitioned);
	json_decref(s->blocked);
	json_decref(s->entry);
	json_decref(s->record);
	free(s->project);
}

/* --- failures ----------------------------------------------------------------------------------- */

/* As pipelines/sync judges its tables: trying again comes first, then what is most wrong. */
static int worse(int a, int b)
{
	static const int order[] = { ERR_TEMP,   ERR_BUG,  ERR_PROTOCOL, ERR_OS,   ERR_IO,
				     ERR_CONFIG, ERR_PERM, ERR_REMOTE,   ERR_DATA, ERR_NOINPUT };

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a ? a : b;
}

void batch_failed(struct batch_loader *s, const struct batch *b, struct error *why)
{
	int code = s->failed ? worse(s->error.code, why->code) : why->code;

	if (b->lock)
		json_object_set_new(s->blocked, b->lock, json_integer(why->code));
	error_prefix(why, "batch %s", b->id);
	/* A signal ends all, and an output that is gone. */
	s->fatal = why->code > ERR_SIGNAL || why->code == ERR_IO || signals_pending();
	if (!s->fatal && s->all > 1)
		log_error("%s", why->message);
	s->error = *why;
	if (!s->fatal)
		s->error.code = code;
	s->failed++;
}

/* --- in order ---------------------------------------------------------------------------------- */

static bool same_lock(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : !a && !b;
}

/* Batches of one lock follow each other: it is held from the first to the last of them. */
static int change_lock(struct batch_loader *s, const struct batch *b, struct error *err)
{
	const struct api_options storage = connect_options(s->config, SERVICE_STORAGE);

	if (s->locked && same_lock(s->locked, b->lock))
		return storage_lock_check(s->lock, err);
	/* Who takes it after us knows what we have done, and what is done does not wait for another's lock. */
	if (s->lock || b->lock)
		batch_ledger_settle(s);
	storage_lock_release(s->lock);
	s->lock = NULL;
	s->locked = NULL;
	if (!b->lock || s->config->dry_run)
		return 0;
	if (storage_lock_take(b->lock, &storage, s->config->lock_wait_ms, &s->lock, err) < 0)
		return -1;
	s->locked = b->lock;
	return 0;
}

/* Under the lock, the ledger is asked of all that are behind it. */
static int ask(struct batch_loader *s, struct batches *all, size_t from, size_t *to,
	       struct error *err)
{
	enum { AT_ONCE = 1000 };
	const char *lock = all->batch[from].lock;
	size_t n = 1;

	if (from < *to || !s->ledger)
		return 0;
	while (n < AT_ONCE && from + n < all->count && same_lock(lock, all->batch[from + n].lock))
		n++;
	if (batch_ledger_ask(s, &all->batch[from], n, err) < 0)
		return -1;
	*to = from + n;
	return 0;
}

static int load_in_turn(struct batch_loader *s, struct batches *all, size_t i, size_t *asked,
			struct error *err)
{
	struct batch *b = &all->batch[i];
	const json_t *blocked = b->lock ? json_object_get(s->blocked, b->lock) : NULL;

	if (blocked)
		return error_set(err, (int)json_integer_value(blocked),
				 "it waits for the one before, which has failed");
	if (change_lock(s, b, err) < 0 || ask(s, all, i, asked, err) < 0)
		return -1;
	return batch_load_one(s, b, err);
}

static int load_batches(struct batch_loader *s, struct batches *all, struct error *err)
{
	struct error one;
	size_t asked = 0;

	s->all = all->count;
	for (size_t i = 0; i < all->count && !s->fatal; i++)
		if (load_in_turn(s, all, i, &asked, &one) < 0)
			batch_failed(s, &all->batch[i], &one);
	if (!s->fatal)
		batch_ledger_settle(s);
	if (s->failed == 0)
		return 0;
	if (all->count > 1 && !s->fatal)
		return error_set(err, s->error.code, "%zu of %zu batches failed", s->failed,
				 all->count);
	*err = s->error;
	return -1;
}

int batch_load_all(const struct config *config, struct rowstream_writer *out, struct error *err)
{
	struct batch_loader s = { .config = config, .out = out };
	struct batches all = { 0 };
	int rc = -1;

	if (read_batches(&all, err) == 0 && open_loader(&s, err) == 0 &&
	    rowstream_write_begin(out, NULL, err) == 0)
		rc = load_batches(&s, &all, err);
	if (rc == 0)
		rc = rowstream_write_end(out, NULL, "records", err);
	if (rc == 0)
		rc = io_close(STDOUT_FILENO, "stdout", err);
	close_loader(&s);
	batches_release(&all);
	return rc;
}
