/* The two passes over the input: what its schema is, and its rows made to fit it. */
#ifndef SLUICE_INFER_INFER_H
#define SLUICE_INFER_INFER_H

#include "infer/config.h"
#include "lib/error.h"
#include "lib/rowstream.h"

/* All of a run; what is written to `out` is flushed. An @abort is the caller's. */
int infer_run(const struct config *config, struct rowstream_writer *out, struct error *err)
	__attribute__((warn_unused_result));

#endif
