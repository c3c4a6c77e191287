/*
 * Locks in files of one directory. What holds a lock is flock(2), which ends
 * with its owner, so the lease in the record has no meaning here; the
 * unanswered start has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/io.h"
#include "trigger/dts_time.h"
#include "trigger/lock_impl.h"

enum { RECORD_MAX = 4096 };

/* DIR and the directories above it, where they are missing. */
static int make_directories(char *path, struct error *err)
{
	for (char *slash = path; slash;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0777) < 0 && errno != EEXIST)
			return error_set_errno(err, ERR_IO, "--lock: %s", path);
		if (slash)
			*slash = '/';
	}
	return 0;
}

static int open_files(struct locks *l, const struct locks_options *options, struct error *err)
{
	(void)options;
	return make_directories(l->where, err);
}

static json_t *to_json(const struct lock_record *r)
{
	char expires[DTS_TIME_SIZE], start[DTS_TIME_SIZE];

	dts_time_format(r->expires_ns, expires);
	dts_time_format(r->start_ns, start);
	return json_pack("{s:s,s:s,s:s?}", "owner", r->owner, "expires", expires, "startRequested",
			 r->start_ns ? start : NULL);
}

/* What is in the file; an empty one, or one that a crash has left, says nothing. */
static void read_record(int fd, struct lock_record *ret)
{
	char text[RECORD_MAX];
	ssize_t n = pread(fd, text, sizeof text, 0);
	json_t *json = n > 0 ? json_loadb(text, (size_t)n, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	const char *owner = json_string_value(json_object_get(json, "owner"));
	const char *start = json_string_value(json_object_get(json, "startRequested"));

	*ret = (struct lock_record){ .start_ns = 0 };
	if (owner && strlen(owner) < sizeof ret->owner)
		memcpy(ret->owner, owner, strlen(owner) + 1);
	if (start && !dts_time_parse(start, &ret->start_ns))
		ret->start_ns = 0;
	json_decref(json);
}

static int write_file(struct lock *l, struct error *err)
{
	json_t *json = to_json(&l->record);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	size_t n = text ? strlen(text) : 0;
	int rc = 1;

	json_decref(json);
	if (!text)
		return error_nomem(err);
	/* In this order what is read is a record at any time. */
	if (pwrite(l->fd, text, n, 0) != (ssize_t)n || ftruncate(l->fd, (off_t)n) < 0)
		rc = error_set_errno(err, ERR_IO, "--lock: %s/%s", l->locks->where, l->id);
	free(text);
	return rc;
}

/* Others may remove files: what is locked must be what is there. */
static bool is_there(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

static int take_open(struct lock *l, const char *path, struct error *err)
{
	static const char removed[] = "somebody who has removed its file";
	struct lock_record before;

	if (flock(l->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return error_set_errno(err, ERR_IO, "--lock: %s", path);
		read_record(l->fd, &before);
		memcpy(l->locks->holder, *before.owner ? before.owner : "another process",
		       *before.owner ? sizeof before.owner : sizeof "another process");
		return 0;
	}
	if (!is_there(l->fd, path)) {
		memcpy(l->locks->holder, removed, sizeof removed);
		return 0;
	}
	read_record(l->fd, &before);
	l->record.start_ns = before.start_ns;
	return write_file(l, err);
}

static int take_file(struct lock *l, struct error *err)
{
	auto_buf path = BUF_INIT_MAX(8192);
	const char *name;
	int rc;

	if (buf_appendf(&path, err, "%s/%s", l->locks->where, l->id) < 0 ||
	    !(name = buf_cstr(&path, err)))
		return -1;
	l->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (l->fd < 0)
		return error_set_errno(err, ERR_IO, "--lock: %s", name);
	rc = take_open(l, name, err);
	if (rc <= 0) {
		io_close_fd(&l->fd);
		l->fd = -1;
	}
	return rc;
}

static int release_file(struct lock *l, bool keep, struct error *err)
{
	int rc = keep ? 0 : ftruncate(l->fd, 0);

	if (rc < 0)
		error_set_errno(err, ERR_IO, "--lock: %s/%s", l->locks->where, l->id);
	io_close_fd(&l->fd);
	return rc;
}

const struct lock_kind lock_kind_file = {
	.prefix = "file:",
	.open = open_files,
	.take = take_file,
	.write = write_file,
	.release = release_file,
};
