/*
 * gzip files made piece by piece. The only module that knows ISA-L.
 *
 * A compressor makes one file after the other; it owns its tables and
 * nothing of what it reads or writes. What is in the file, and its size, does
 * not depend on how the input was cut.
 */
#ifndef SLUICE_LIB_GOOGLE_GZIP_H
#define SLUICE_LIB_GOOGLE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

struct gzip;

int gzip_new(struct gzip **ret, struct error *err) __attribute__((warn_unused_result));
void gzip_free(struct gzip *g);

/* Begin a new file; what there was of another is forgotten. */
void gzip_begin(struct gzip *g);

/* Where the input stands and where the output goes; both are moved on. */
struct gzip_step {
	const char *in;
	size_t in_left;
	char *out;
	size_t out_left;
};

/*
 * Compress until the input is used up or the output is full. With `last` the
 * input is the file's last, and 1 says that the file is complete; without it,
 * that the input was used up. 0: there is more to be put out.
 */
int gzip_run(struct gzip *g, struct gzip_step *step, bool last, struct error *err)
	__attribute__((warn_unused_result));

#endif
