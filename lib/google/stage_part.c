#include "lib/google/stage_part.h"

#include <stdlib.h>
#include <string.h>

#include "lib/crc32c.h"
#include "lib/google/storage.h"

_Static_assert(STAGE_CHUNK_BYTES % RESUMABLE_CHUNK_UNIT == 0, "chunks are whole units");

enum { GROWTH_BYTES = 64 << 20, GROWTH_PARTS = 200 };

uint64_t stage_part_size(uint64_t first, unsigned number)
{
	uint64_t steps = number > 0 ? (number - 1) / GROWTH_PARTS : 0;
	uint64_t size = (steps + 1) * GROWTH_BYTES;

	/* The first ones may be wanted smaller; they are too few to matter. */
	return steps == 0 || size < first ? first : size;
}

int stage_part_init(struct stage_part *p, const struct api_options *api, const char *bucket,
		    bool gzip, struct error *err)
{
	*p = (struct stage_part){ .bucket = bucket, .chunk = malloc(STAGE_CHUNK_BYTES) };
	if (!p->chunk)
		return error_nomem(err);
	if ((gzip && gzip_new(&p->gzip, err) < 0) || api_open(&p->api, api, err) < 0) {
		stage_part_release(p);
		return -1;
	}
	p->connected = true;
	return 0;
}

static void forget(struct stage_part *p)
{
	resumable_release(&p->upload);
	free(p->name);
	p->name = NULL;
	p->begun = false;
}

void stage_part_release(struct stage_part *p)
{
	forget(p);
	if (p->connected)
		api_close(&p->api);
	p->connected = false;
	gzip_free(p->gzip);
	free(p->chunk);
	p->gzip = NULL;
	p->chunk = NULL;
}

void stage_part_begin(struct stage_part *p, char *name)
{
	forget(p);
	p->name = name;
	p->length = 0;
	p->bytes = 0;
	p->crc = 0;
	p->begun = true;
	if (p->gzip)
		gzip_begin(p->gzip);
}

/* --- chunks ---------------------------------------------------------------------------------- */

/*
 * There is an object of that name, which is random and was ours alone to
 * give: the answer that told of it was lost, and what was sent again met it.
 * Then it is what stage_part_finish expects; else another failure.
 */
static int take_existing(struct stage_part *p, bool last, struct error *err)
{
	json_t *object = NULL;
	struct error why;

	if (!last || storage_object_get(&p->api, p->bucket, p->name, &object, &why) <= 0)
		return error_set(err, ERR_TEMP, "gs://%s/%s exists already", p->bucket, p->name);
	p->upload.resource = object;
	p->upload.state = RESUMABLE_DONE;
	return 0;
}

static int put_chunk(struct stage_part *p, bool last, struct error *err)
{
	/* No contentEncoding: BigQuery knows gzip by itself, and nobody is to unpack it on the way. */
	const char *type = p->gzip ? "application/gzip" : "application/x-ndjson";

	if (!p->upload.api &&
	    storage_upload_start(&p->upload, &p->api, p->bucket, p->name, type, err) < 0)
		return -1;
	if (p->upload.state == RESUMABLE_OPEN &&
	    resumable_put(&p->upload, p->chunk, p->length, last, err) < 0)
		return -1;
	if (p->upload.state == RESUMABLE_CONFLICT && take_existing(p, last, err) < 0)
		return -1;
	p->crc = crc32c(p->crc, p->chunk, p->length);
	p->length = 0;
	return 0;
}

/* Only when more comes, so that the last chunk is seldom empty. */
static int make_room(struct stage_part *p, struct error *err)
{
	return p->length == STAGE_CHUNK_BYTES ? put_chunk(p, false, err) : 0;
}

static int write_plain(struct stage_part *p, const char *data, size_t n, struct error *err)
{
	while (n > 0) {
		size_t room, now;

		if (make_room(p, err) < 0)
			return -1;
		room = STAGE_CHUNK_BYTES - p->length;
		now = n < room ? n : room;
		memcpy(p->chunk + p->length, data, now);
		p->length += now;
		p->bytes += now;
		data += now;
		n -= now;
	}
	return 0;
}

static int write_compressed(struct stage_part *p, const char *data, size_t n, bool last,
			    struct error *err)
{
	struct gzip_step step = { .in = data, .in_left = n };
	int done;

	do {
		size_t room;

		if (make_room(p, err) < 0)
			return -1;
		room = STAGE_CHUNK_BYTES - p->length;
		step.out = p->chunk + p->length;
		step.out_left = room;
		done = gzip_run(p->gzip, &step, last, err);
		if (done < 0)
			return -1;
		p->length += room - step.out_left;
		p->bytes += room - step.out_left;
	} while (done == 0);
	return 0;
}

int stage_part_write(struct stage_part *p, const char *data, size_t n, struct error *err)
{
	return p->gzip ? write_compressed(p, data, n, false, err) : write_plain(p, data, n, err);
}

int stage_part_finish(struct stage_part *p, struct error *err)
{
	if ((p->gzip && write_compressed(p, NULL, 0, true, err) < 0) ||
	    put_chunk(p, true, err) < 0 ||
	    storage_object_verify(p->upload.resource, p->bytes, p->crc, err) < 0)
		return -1;
	forget(p);
	return 0;
}
