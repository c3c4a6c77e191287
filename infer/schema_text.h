/*
 * A schema as text, in the form of Python's json.dumps(…, indent=2), which is
 * what generate-schema prints: members in the order fields, mode, name, type.
 */
#ifndef SLUICE_INFER_SCHEMA_TEXT_H
#define SLUICE_INFER_SCHEMA_TEXT_H

#include "infer/record.h"
#include "lib/buf.h"

/* The array of r->output. */
int schema_text(struct buf *out, const struct record *r, struct error *err)
	__attribute__((warn_unused_result));

/* All that --mode compatible knows, as generate-schema --debugging_map prints it. */
int schema_text_map(struct buf *out, const struct record *r, struct error *err)
	__attribute__((warn_unused_result));

#endif
