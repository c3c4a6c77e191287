/* Shared by the files of uploads only. */
#ifndef LOCALCLOUD_UPLOAD_IMPL_H
#define LOCALCLOUD_UPLOAD_IMPL_H

#include "tests/localcloud/gcs_hash.h"
#include "tests/localcloud/upload.h"

#define UPLOAD_CHUNK 262144

enum upload_kind {
	UPLOAD_START,     /* POST uploadType=resumable: a JSON body */
	UPLOAD_CHUNKS,    /* PUT to a session */
	UPLOAD_CANCEL,    /* DELETE of a session */
	UPLOAD_MULTIPART, /* POST uploadType=multipart */
	UPLOAD_MEDIA,     /* POST uploadType=media: the body is the data */
};

/* What an upload makes of its bytes: a load job (upload_job.c) or an object (gcs_upload.c). */
struct upload_sink {
	const char *before, *after; /* the path around the owner: a project or a bucket */
	bool media;                 /* takes uploadType=media */
	bool hashed;                /* commit wants the checksums of the bytes */
	/*
	 * Judges what came with the start of an upload; takes no reference. New reference: what the session keeps. type is
	 * that of the data, or NULL.
	 */
	json_t *(*describe)(struct exchange *ex, json_t *metadata, const char *type,
			    struct api_error *err);
	/* A new file for the bytes, as spool_create. */
	int (*create)(struct exchange *ex, char **path, struct api_error *err);
	/*
	 * All bytes are there: makes the job or the object, and answers. The file is the sink's unless this fails. *kept is
	 * a new reference to what repeat needs.
	 */
	int (*commit)(struct exchange *ex, json_t *what, const char *path, struct gcs_hash *hash,
		      json_t **kept, struct api_error *err);
	/* Answers once more for an upload that is complete. */
	int (*repeat)(struct exchange *ex, const json_t *kept, struct api_error *err);
};

extern const struct upload_sink upload_job_sink, gcs_upload_sink;

/* A resumable session; guarded by the lock of struct uploads, except what its busy request alone touches. */
struct session {
	struct session *next;
	char id[33];
	const struct upload_sink *sink;
	json_t *what; /* described; NULL once it has been committed */
	json_t *kept;
	char *spool;
	int fd;
	int64_t stored;
	int64_t acknowledged;  /* what a 308 has said is stored: this is never given up */
	int64_t total;         /* -1: not known yet */
	struct gcs_hash *hash; /* or NULL */
	bool busy;
};

/* Content-Range of a PUT. */
struct content_range {
	int64_t from,
		to; /* from -1: "*", a question for the state; to -1: up to the end of the body */
	int64_t total; /* -1: "*" */
};

struct upload {
	enum upload_kind kind;
	const struct upload_sink *sink;
	char owner[256];
	struct session *session;
	struct content_range range;
	int64_t skip;  /* bytes of the body that are stored already */
	int64_t room;  /* bytes that may still be stored; -1: no limit */
	int64_t limit; /* of a mid-body drop: bytes taken before the connection ends; -1: none */
	bool failed;   /* writing the spool failed */
	bool damaged;  /* the next byte is to be stored as another */
	/* multipart and media */
	char boundary[200];
	bool crlf, in_data;
	struct buf head;
	json_t *metadata;
	char *type; /* Content-Type of the data, or NULL */
	char *spool;
	int fd;
};

int content_range_parse(const char *header, struct content_range *ret, struct api_error *err);
/* Holds the request's range against the session before the body comes. */
int content_range_check(const struct exchange *ex, const struct content_range *r,
			const struct session *s, struct api_error *err);
int content_range_bad(struct api_error *err, const char *what);
/* Of the request; -1: chunked. */
int64_t upload_content_length(const struct exchange *ex);

/* A new spool file; its name is the caller's to free. -1 when it cannot be made. */
int spool_create(const char *dir, char **name, struct api_error *err);
int spool_write(int fd, const char *data, size_t n);

int multipart_begin(struct exchange *ex, struct api_error *err);
int multipart_data(struct exchange *ex, const char *data, size_t n);
int multipart_finish(struct exchange *ex, struct api_error *err);
int media_begin(struct exchange *ex, struct api_error *err);
int media_data(struct exchange *ex, const char *data, size_t n);
int media_finish(struct exchange *ex, struct api_error *err);
/* What both share: the file, the sink's verdict on it, and the end: what is left is closed and removed. */
int whole_create(struct exchange *ex, struct api_error *err);
int whole_finish(struct exchange *ex, struct api_error *err);
void whole_abort(struct upload *up);

/* upload_session.c */
struct session *session_new(const struct upload_sink *sink, bool md5);
void session_free(struct session *s);
void session_add(struct uploads *u, struct session *s);
/* The session named in the URL, made busy; NULL when it is unknown or another's. */
struct session *session_take(struct exchange *ex, const char *id, struct api_error *err);
/* gone: it is forgotten. */
void session_give_back(struct exchange *ex, bool gone);
/* An interrupted chunk: what stays is a multiple of the chunk size, as the real service keeps it. */
void session_round_down(struct session *s);

#endif
