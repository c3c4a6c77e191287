/* --state: what the ledger says of tables, as a stream of @state records. */
#ifndef SLUICE_LOAD_STATE_REPORT_H
#define SLUICE_LOAD_STATE_REPORT_H

#include "lib/error.h"
#include "lib/rowstream.h"
#include "load/config.h"

/*
 * The last load of the table that was done, after settling runs that have no
 * outcome yet: no record where there is none. operand NULL: every table of
 * the ledger as it stands, nothing is settled.
 */
int state_report(const struct config *config, const char *operand, struct rowstream_writer *out,
		 struct error *err) __attribute__((warn_unused_result));

#endif
