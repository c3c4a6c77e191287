/*
 * One object of a staged load on its way into Cloud Storage: a connection, a
 * chunk of memory, and perhaps a compressor, used for one part after another.
 *
 * The session of a part is opened when its first chunk is full, so that none
 * waits for a slow source. The bytes are summed as they go, and the answer to
 * the last chunk must agree.
 */
#ifndef SLUICE_LIB_GOOGLE_STAGE_PART_H
#define SLUICE_LIB_GOOGLE_STAGE_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/gzip.h"
#include "lib/google/resumable.h"

enum {
	STAGE_CHUNK_BYTES = 4 * 1024 * 1024, /* a multiple of RESUMABLE_CHUNK_UNIT */
	STAGE_PARTS_MAX = 10000,             /* URIs of one load job */
};

/* Below 4 GB, which BigQuery takes as one gzip file, with room for one more row. */
#define STAGE_PART_MAX_BYTES (INT64_C(3200) << 20)

/*
 * How large part `number` (from 1) becomes before another is begun: at least
 * `first`, and 64 MiB more with every 200 parts, so that STAGE_PARTS_MAX of
 * them hold 15 TB.
 */
uint64_t stage_part_size(uint64_t first, unsigned number);

struct stage_part {
	struct api api;
	bool connected;     /* api is open */
	const char *bucket; /* borrowed */
	struct gzip *gzip;  /* NULL: the bytes go as they are */
	char *chunk;
	size_t length; /* of the chunk, in bytes not put yet */
	/* Of the part under way: */
	bool begun;
	char *name;
	struct resumable upload;
	uint64_t bytes; /* of the object: put, and waiting in the chunk */
	uint32_t crc;   /* of the bytes put */
};

/* api is borrowed for the call, bucket until release. Nothing is sent. */
int stage_part_init(struct stage_part *p, const struct api_options *api, const char *bucket,
		    bool gzip, struct error *err) __attribute__((warn_unused_result));
/* Harmless on a zeroed struct. A part under way is given up. */
void stage_part_release(struct stage_part *p);

/* Begin the object of that name, which becomes p's to free. */
void stage_part_begin(struct stage_part *p, char *name);

/* ERR_TEMP when the session is gone or such an object exists; the part is lost then. */
int stage_part_write(struct stage_part *p, const char *data, size_t n, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Put what is left and prove what is stored. ERR_TEMP when it is not what was
 * sent: it must not be loaded then.
 */
int stage_part_finish(struct stage_part *p, struct error *err) __attribute__((warn_unused_result));

#endif
