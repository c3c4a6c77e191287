/* Shared by the files of uploads only. */
#ifndef LOCALCLOUD_UPLOAD_IMPL_H
#define LOCALCLOUD_UPLOAD_IMPL_H

#include "tests/localcloud/upload.h"

#define UPLOAD_CHUNK 262144

enum upload_kind {
	UPLOAD_START,     /* POST uploadType=resumable: a JSON body */
	UPLOAD_CHUNKS,    /* PUT to a session */
	UPLOAD_CANCEL,    /* DELETE of a session */
	UPLOAD_MULTIPART, /* POST uploadType=multipart */
};

/* A resumable session; guarded by the lock of struct uploads, except what its busy request alone touches. */
struct session {
	struct session *next;
	char id[33];
	json_t *job; /* described; NULL once it has been inserted */
	char *project, *job_id, *location;
	char *spool;
	int fd;
	int64_t stored;
	int64_t total; /* -1: not known yet */
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
	char project[128];
	struct session *session;
	struct content_range range;
	int64_t skip;  /* bytes of the body that are stored already */
	int64_t room;  /* bytes that may still be stored; -1: no limit */
	int64_t limit; /* of a mid-body drop: bytes taken before the connection ends; -1: none */
	bool failed;   /* writing the spool failed */
	/* multipart */
	char boundary[200];
	bool crlf, in_data;
	struct buf head;
	json_t *job;
	char *spool;
	int fd;
};

int content_range_parse(const char *header, struct content_range *ret, struct api_error *err);
/* A new spool file; its name is the caller's to free. -1 when it cannot be made. */
int spool_create(const char *dir, char **name, struct api_error *err);
int spool_write(int fd, const char *data, size_t n);

int multipart_begin(struct exchange *ex, struct api_error *err);
int multipart_data(struct exchange *ex, const char *data, size_t n);
int multipart_finish(struct exchange *ex, struct api_error *err);
void multipart_abort(struct upload *up);

/* Answers with a job's resource, selfLink included. Takes the reference. */
void upload_answer_job(struct exchange *ex, json_t *job);

#endif
