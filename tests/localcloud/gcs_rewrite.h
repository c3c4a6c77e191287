/*
 * A rewrite that takes several calls. Cloud Storage moves the bytes of an object to another location or storage class
 * piece by piece and says in a token how far it is; within one location it is done at once. Here the pieces are those
 * that maxBytesRewrittenPerCall asks for. The token has everything, nothing is kept.
 */
#ifndef LOCALCLOUD_GCS_REWRITE_H
#define LOCALCLOUD_GCS_REWRITE_H

#include "tests/localcloud/gcs_api.h"

struct gcs_rewrite {
	int64_t generation;     /* of the source; -1: the live one */
	int64_t bytes;          /* rewritten so far */
	int64_t bytes_per_call; /* 0: all */
};

/* From rewriteToken, sourceGeneration and maxBytesRewrittenPerCall: 400 for a token that is not of this rewrite. */
int gcs_rewrite_read(const struct exchange *ex, struct gcs_rewrite *ret, struct api_error *err);
/* What one call does. body: what the request says of the new object. */
int gcs_rewrite_advance(struct exchange *ex, struct gcs_rewrite *r, const struct gcs_object *source,
			const json_t *body, struct api_error *err);
/* New reference: the token for the next call. */
json_t *gcs_rewrite_token(const struct exchange *ex, const struct gcs_rewrite *r);

#endif
