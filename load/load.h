/*
 * One run of bqload: from the first byte of the stream to the @loaded record.
 * What is done in which order is here; how, in the modules that it calls.
 */
#ifndef SLUICE_LOAD_LOAD_H
#define SLUICE_LOAD_LOAD_H

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/destination.h"
#include "lib/google/ledger.h"
#include "lib/google/stage.h"
#include "lib/progress.h"
#include "lib/rowcheck.h"
#include "lib/rowstream.h"
#include "load/config.h"
#include "load/loadjob.h"
#include "load/merge.h"
#include "load/metadata.h"
#include "load/plan.h"

/* Everything of one run; the caller fills in config and plan_options, and initializes out. */
struct load {
	const struct config *config;
	struct destination destination;
	struct api api;
	char *project; /* that runs the job */
	const char *run_id;
	char generated[40]; /* the run id when none is given */
	char *location;     /* of the dataset */
	char *table_name;   /* "project.dataset.table[$partition]" */
	struct plan_options plan_options;
	struct plan plan;
	struct rowstream_reader in;
	struct rowstream_writer out;
	struct rowcheck *check;
	struct metadata metadata;    /* of --add-column */
	struct loadjob job;          /* that commits */
	struct billing billing;      /* of the query jobs */
	struct loadjob widen;        /* before it, where a column must be wider */
	struct merge merge;          /* of --write merge */
	struct storage_uri stage_at; /* of --stage */
	struct stage_options stage_options;
	struct stage *stage; /* once rows are staged; NULL without --stage */
	struct progress progress;
	struct ledger *ledger; /* NULL: none is kept */
	json_t *entries;       /* of it, for this table */
	int64_t begun_ms;      /* when they were first read, of monotonic_ms() */
	const json_t *known;   /* the run's done entry among them: nothing is left to do */
	/* What the job that commits holds, once held: the input, or what another process submitted. */
	bool held;
	int64_t rows;
	json_t *cursor;
	bool announced; /* to the ledger: the job may have begun */
	bool gave_way;  /* to another run: what was read is old */
};

/* Load standard input into the destination that the operand names, and say so on l->out. */
int load_run(struct load *l, const char *operand, struct error *err)
	__attribute__((warn_unused_result));
void load_release(struct load *l);

#endif
