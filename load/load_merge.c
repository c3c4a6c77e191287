/*
 * --write merge: the order of its two jobs, and what is left when one fails.
 */
#include "lib/log.h"
#include "load/load_impl.h"

/* Into the temporary table; staged->job stays NULL where there are no rows. */
static int stage_rows(struct load *l, struct load_outcome *staged, struct error *err)
{
	int rc = merge_find_staged(&l->merge, &staged->job, err);

	if (rc < 0 || load_make_plan(l, err) < 0)
		return -1;
	if (rc > 0) {
		staged->adopted = true;
		if (load_hold_submission(l, staged->job, err) < 0)
			return -1;
		log_info("%s: the rows of run %s are there already, from job %s; the input is read "
			 "and discarded",
			 l->progress.what, l->run_id, l->merge.stage.id);
		load_stage_remove(l);
		return load_discard_rows(l, err);
	}
	if (load_send_rows(l, &l->merge.stage, l->merge.load, staged, err) < 0)
		return -1;
	if (!staged->job)
		return 0;
	if (staged->adopted && load_hold_submission(l, staged->job, err) < 0)
		return -1;
	return load_prove(l, &l->merge.stage, staged->job, err);
}

/* After a failure of which a rerun could make nothing, the temporary table goes. */
static void drop_after(struct load *l, int rc, const struct error *failure)
{
	struct error err;

	if (!l->merge.created ||
	    (rc < 0 && !l->gave_way && (failure->code == ERR_TEMP || failure->code > ERR_SIGNAL)))
		return;
	/* An upload that was given up has cancelled the api. */
	if (rc < 0) {
		api_close(&l->api);
		if (load_open_api(l, &err) < 0) {
			log_warn("%s; the temporary table expires by itself", err.message);
			return;
		}
	}
	merge_drop(&l->merge);
}

int load_merge(struct load *l, struct load_outcome *o, struct error *err)
{
	struct load_outcome staged = { 0 };
	int rc = stage_rows(l, &staged, err);

	if (rc == 0 && !staged.job)
		return l->merge.missing == MISSING_STAY
			       ? load_nothing(l, o, err)
			       : merge_run_empty(&l->merge, &l->job, &l->plan_options, &l->plan,
						 &o->job, &o->adopted, err);
	if (rc == 0)
		rc = merge_run(&l->merge, &l->job, &l->plan_options, &l->plan, staged.job, &o->job,
			       &o->adopted, err);
	if (rc < 0 && err->code == ERR_REMOTE && merge_is_gone(&l->merge)) {
		err->code = ERR_TEMP;
		error_append(err, "; another process of run %s has dropped the temporary table",
			     l->run_id);
	}
	drop_after(l, rc, err);
	o->adopted = o->adopted || staged.adopted;
	json_decref(staged.job);
	return rc;
}
