/* What a batch says to the ledger, as load_ledger.c does for a stream of rows. */
#include "lib/io.h"
#include "lib/log.h"
#include "load/batch_load.h"
#include "load/report.h"
#include "load/state.h"

/* loadjob's `before`; context is the batch_load. How many rows there are nobody knows yet. */
static int announce(void *context, const struct loadjob *j, struct error *err)
{
	struct batch_load *l = context;
	json_t *name = loadjob_own_name(j);
	json_t *entry = ledger_entry(l->table, l->batch->id, "load", "submitted",
				     json_string_value(name), j->nonce);
	int rc = entry && json_object_set_new(entry, "write", json_string(batch_write(l->batch))) ==
					 0
			 ? ledger_write(l->ledger, entry, err)
			 : error_nomem(err);

	json_decref(name);
	json_decref(entry);
	return rc < 0 ? error_append(err, "; nothing was loaded") : 0;
}

int batch_ledger_begin(struct batch_load *l, const json_t **known, struct error *err)
{
	const char *id = l->batch->id;
	const json_t *mismatch;

	*known = NULL;
	if (!l->ledger)
		return 0;
	if (ledger_read(l->ledger, l->table, id, &l->entries, err) < 0)
		return -1;
	mismatch = state_of_run(l->entries, id, "mismatch");
	if (mismatch)
		return error_set(err, ERR_PROTOCOL,
				 "it ended in a mismatch and is not loaded again: %s",
				 ledger_text(mismatch, "error"));
	*known = state_of_run(l->entries, id, "done");
	l->job.before = announce;
	l->job.context = l;
	return 0;
}

static struct state_end end_of(const struct batch_load *l, const char *job)
{
	return (struct state_end){
		.table = l->table,
		.run = l->batch->id,
		.step = "load",
		.write = batch_write(l->batch),
		.job = job,
	};
}

int batch_ledger_done(struct batch_load *l, const json_t *job, struct error *err)
{
	json_t *name;
	struct state_end end;
	int rc;

	if (!l->ledger)
		return 0;
	name = loadjob_name(job);
	end = end_of(l, json_string_value(name));
	end.resource = job;
	rc = state_write_done(l->ledger, &end, err);
	json_decref(name);
	if (rc == 0)
		return 0;
	/* Whatever it was: the rows are there, and a rerun says so. */
	err->code = err->code == ERR_IO || err->code >= ERR_SIGNAL ? err->code : ERR_TEMP;
	return error_append(err, "; %s was loaded: the same batch has only this left to do",
			    l->batch->table);
}

void batch_ledger_failed(struct batch_load *l, const json_t *job, const struct error *why)
{
	json_t *name = job ? loadjob_name(job) : l->job.failed ? loadjob_own_name(&l->job) : NULL;
	struct state_end end;
	struct error err;
	int rc = 0;

	end = end_of(l, json_string_value(name));
	end.resource = job;
	/* Of a job whose end was not seen there is nothing to say yet. */
	if (l->ledger && !signals_pending() && !l->job.unknown)
		rc = job ? state_write_mismatch(l->ledger, &end, -1, why, &err)
			 : state_write_failed(l->ledger, &end, l->job.nonce, why, &err);
	if (rc < 0)
		log_warn("%s", err.message);
	json_decref(name);
}
