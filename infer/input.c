#include "infer/input.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io.h"

static int open_spool(struct error *err)
{
	const char *folder = getenv("TMPDIR");
	auto_buf path = BUF_INIT;
	int fd;

	if (!folder || !*folder)
		folder = "/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* Not every file system can make a file without a name. */
	if (buf_appendf(&path, err, "%s/schemainfer.XXXXXX", folder) < 0 || !buf_cstr(&path, err))
		return -1;
	fd = mkostemp(path.data, O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERR_IO, "%s: cannot keep the rows of stdin", path.data);
	unlink(path.data);
	return fd;
}

/* A regular file can be read again; from where it stands now. */
static void look_at(struct input *in)
{
	struct stat st;

	in->start = -1;
	if (fstat(in->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	in->start = lseek(in->fd, 0, SEEK_CUR);
	if (in->start >= 0 && st.st_size > in->start)
		in->size = (uint64_t)(st.st_size - in->start);
}

static int begin(struct input *in, const struct config *config, struct error *err)
{
	if (in->csv) {
		csv_open(&in->lines, in->fd, in->spool, in->name);
		in->lines.exact = in->exact;
		return 0;
	}
	if (config->schema_only && !config->bare) {
		if (rowstream_open_either(&in->rows, in->fd, in->name, err) < 0)
			return -1;
	} else if (rowstream_open(&in->rows, in->fd, in->name, config->bare, err) < 0) {
		return -1;
	}
	in->bare = in->rows.bare;
	return 0;
}

int input_open(struct input *in, const struct config *config, bool twice, struct error *err)
{
	bool is_file = config->file && strcmp(config->file, "-") != 0;

	*in = (struct input){ .name = is_file ? config->file : "stdin",
			      .own = is_file,
			      .spool = -1,
			      .csv = config->input_format == FORMAT_CSV,
			      .exact = config->mode == INFER_EXACT,
			      .bare = true };
	in->fd = is_file ? open(config->file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (in->fd < 0)
		return error_set_errno(err, ERR_NOINPUT, "%s", config->file);
	look_at(in);
	if (twice && in->start < 0) {
		in->spool = open_spool(err);
		if (in->spool < 0)
			return -1;
		rowstream_writer_init(&in->keep, in->spool, "the spool file");
	}
	return begin(in, config, err);
}

int input_next(struct input *in, const char **row, size_t *length, uint64_t *line,
	       struct error *err)
{
	int rc = rowstream_next(&in->rows, row, length, err);

	*line = in->rows.line_number + in->line_offset;
	if (rc > 0 && in->exact && in->bare && *line == 1 && *length >= 3 &&
	    !memcmp(*row, "\xef\xbb\xbf", 3)) {
		*row += 3;
		*length -= 3;
	}
	return rc;
}

int input_keep(struct input *in, const char *row, size_t length, struct error *err)
{
	return in->spool < 0 ? 0 : rowstream_write_row(&in->keep, row, length, err);
}

int input_rewind(struct input *in, struct error *err)
{
	bool bare = in->bare;
	int fd = in->fd;
	off_t start = in->start;

	if (in->spool >= 0) {
		if (!in->csv && rowstream_flush(&in->keep, err) < 0)
			return -1;
		if (!bare)
			in->line_offset = 1;
		bare = true;
		fd = in->spool;
		start = 0;
	}
	if (lseek(fd, start, SEEK_SET) < 0)
		return error_set_errno(err, ERR_IO, "%s", in->name);
	if (in->csv) {
		csv_release(&in->lines);
		csv_open(&in->lines, fd, -1, in->name);
		in->lines.exact = in->exact;
		return 0;
	}
	rowstream_release(&in->rows);
	return rowstream_open(&in->rows, fd, in->name, bare, err);
}

void input_release(struct input *in)
{
	if (in->csv)
		csv_release(&in->lines);
	else
		rowstream_release(&in->rows);
	rowstream_writer_release(&in->keep);
	io_close_fd(&in->spool);
	if (in->own)
		io_close_fd(&in->fd);
}
