/*
 * What a load job reads: the one spooled upload, or objects of Cloud Storage by sourceUris. A URI may hold one '*',
 * which stands for any characters, slashes included.
 */
#ifndef LOCALCLOUD_LOAD_FILES_H
#define LOCALCLOUD_LOAD_FILES_H

#include "tests/localcloud/gcs.h"

#include <jansson.h>
#include <stddef.h>

struct load_file {
	char *uri; /* NULL: an upload */
	char *path;
	int64_t size;
};

/* Zero-initialised is empty. */
struct load_files {
	struct load_file *list;
	size_t count, room;
	int64_t bytes;
};

/* The form and the number of the URIs: what jobs.insert refuses. */
int load_files_check(const json_t *uris, struct api_error *err);

int load_files_upload(struct load_files *f, const char *path, struct api_error *err);
/*
 * Finds the objects: 404 when a URI matches none. location is that of the job: a bucket must lie where it can be read
 * from. Then the limits: sizes, and no mixture of gzip and plain files.
 */
int load_files_find(struct load_files *f, struct gcs *g, const json_t *uris, const char *location,
		    struct api_error *err);
/* By its first bytes; false also when it is gone. */
bool load_file_is_gzip(const struct load_file *file);
void load_files_release(struct load_files *f);

#endif
