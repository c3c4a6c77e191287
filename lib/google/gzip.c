#include "lib/google/gzip.h"

#include <isa-l/igzip_lib.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * Level 1 of 0 to 3: rows of ten mixed columns shrink to a third, as with
 * zlib's level 1, in a fraction of its time.
 */
enum { LEVEL = 1, LEVEL_BYTES = ISAL_DEF_LVL1_DEFAULT };

/* ISA-L counts in 32 bits. */
enum { STEP_MAX_BYTES = 1 << 30 };

struct gzip {
	struct isal_zstream stream;
	uint8_t level[LEVEL_BYTES];
};

int gzip_new(struct gzip **ret, struct error *err)
{
	struct gzip *g = malloc(sizeof *g);

	if (!g)
		return error_nomem(err);
	gzip_begin(g);
	*ret = g;
	return 0;
}

void gzip_free(struct gzip *g)
{
	free(g);
}

void gzip_begin(struct gzip *g)
{
	isal_deflate_init(&g->stream);
	g->stream.level = LEVEL;
	g->stream.level_buf = g->level;
	g->stream.level_buf_size = LEVEL_BYTES;
	g->stream.gzip_flag = IGZIP_GZIP;
}

static uint32_t at_most(size_t n)
{
	return n < STEP_MAX_BYTES ? (uint32_t)n : STEP_MAX_BYTES;
}

int gzip_run(struct gzip *g, struct gzip_step *step, bool last, struct error *err)
{
	struct isal_zstream *z = &g->stream;

	while (step->out_left > 0) {
		uint32_t in = at_most(step->in_left), out = at_most(step->out_left);

		z->next_in = (uint8_t *)step->in;
		z->avail_in = in;
		z->next_out = (uint8_t *)step->out;
		z->avail_out = out;
		z->end_of_stream = last && in == step->in_left;
		/* It fails only for a level or a buffer that it does not have. */
		if (isal_deflate(z) != COMP_OK)
			return error_set(err, ERR_BUG, "gzip: the compressor is not set up");
		step->in += in - z->avail_in;
		step->in_left -= in - z->avail_in;
		step->out += out - z->avail_out;
		step->out_left -= out - z->avail_out;
		if (z->internal_state.state == ZSTATE_END)
			return 1;
		if (!last && step->in_left == 0)
			return 1;
	}
	return 0;
}
