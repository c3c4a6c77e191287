#include "lib/rowstream.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "lib/io.h"

enum {
	READ_BYTES = 1024 * 1024,
	/* Linux gives an unprivileged process pipes of up to 1 MiB; 64 KiB is the default. */
	PIPE_BYTES = 1024 * 1024,
	/* Never read into: a line feed for a last line without one, and the padding. */
	TAIL_BYTES = 1 + ROWSTREAM_PADDING,
};

/* --- reading ------------------------------------------------------------- */

/* Move what is left to the front and read more behind it. */
static int fill(struct rowstream_reader *r, struct error *err)
{
	size_t left = r->in.length - r->position, room;
	ssize_t got;

	if (left > ROWSTREAM_LINE_MAX)
		return error_set(err, ERR_DATA, "%s line %llu: longer than %d bytes", r->name,
				 (unsigned long long)r->line_number + 1, ROWSTREAM_LINE_MAX);
	if (r->position > 0) {
		memmove(r->in.data, r->in.data + r->position, left);
		r->scanned -= r->position;
		r->in.length = left;
		r->position = 0;
	}
	room = r->in.capacity - r->in.length;
	if (room < READ_BYTES / 2 + TAIL_BYTES) {
		if (buf_reserve(&r->in, READ_BYTES + TAIL_BYTES, err) < 0)
			return -1;
		room = r->in.capacity - r->in.length;
	}
	got = io_read_until(r->fd, r->stop, r->in.data + r->in.length, room - TAIL_BYTES, r->name,
			    err);
	if (got < 0)
		return -1;
	r->in.length += (size_t)got;
	r->bytes += (size_t)got;
	r->at_eof = got == 0;
	return 0;
}

/* 1: a line, with *whole false when no LF stood behind it. 0: end of file. */
static int next_line(struct rowstream_reader *r, const char **line, size_t *length, bool *whole,
		     struct error *err)
{
	for (;;) {
		char *start = r->in.data + r->position;
		char *end = r->in.length > r->scanned ? memchr(r->in.data + r->scanned, '\n',
							       r->in.length - r->scanned)
						      : NULL;

		if (end) {
			*line = start;
			*length = (size_t)(end - start);
			*whole = true;
			r->position = r->scanned = (size_t)(end - r->in.data) + 1;
			break;
		}
		r->scanned = r->in.length;
		if (r->at_eof) {
			if (r->position == r->in.length)
				return 0;
			*line = start;
			*length = r->in.length - r->position;
			*whole = false;
			start[*length] = '\n';
			r->position = r->in.length;
			break;
		}
		if (fill(r, err) < 0)
			return -1;
	}
	r->line_number++;
	if (*length > ROWSTREAM_LINE_MAX)
		return error_set(err, ERR_DATA, "%s line %llu: longer than %d bytes", r->name,
				 (unsigned long long)r->line_number, ROWSTREAM_LINE_MAX);
	return 1;
}

/* The record's one member: *kind "@begin" (borrowed from the result) and its object. */
static json_t *parse_control(struct rowstream_reader *r, const char *line, size_t length,
			     const char **kind, json_t **inner, struct error *err)
{
	json_error_t problem;
	json_t *record = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
	void *member = record ? json_object_iter(record) : NULL;

	if (!member || json_object_size(record) != 1 ||
	    !json_is_object(json_object_iter_value(member))) {
		error_set(err, ERR_DATA, "%s line %llu: malformed control record%s%s", r->name,
			  (unsigned long long)r->line_number, record ? "" : ": ",
			  record ? "" : problem.text);
		json_decref(record);
		return NULL;
	}
	*kind = json_object_iter_key(member);
	*inner = json_object_iter_value(member);
	return record;
}

static int take_abort(const json_t *inner, struct error *err)
{
	json_int_t code = json_integer_value(json_object_get(inner, "exit"));
	const char *reason = json_string_value(json_object_get(inner, "reason"));
	bool documented =
		(code >= ERR_USAGE && code <= ERR_CONFIG) || (code > ERR_SIGNAL && code < 256);

	return error_set(err, documented ? (int)code : ERR_DATA, "the producer failed: %s",
			 reason ? reason : "(no reason given)");
}

/* Nothing may follow @end; the count must be that of the rows that came. */
static int take_end(struct rowstream_reader *r, json_t *inner, struct error *err)
{
	const char *what = r->records ? "records" : "rows";
	json_t *count = json_object_get(inner, what);
	const char *line;
	size_t length;
	bool whole;
	int rc;

	if (!json_is_integer(count))
		return error_set(err, ERR_DATA, "%s line %llu: @end without %s", r->name,
				 (unsigned long long)r->line_number, what);
	if (json_integer_value(count) != (json_int_t)r->rows)
		return error_set(err, ERR_DATA, "%s: @end says %lld %s, %llu came", r->name,
				 (long long)json_integer_value(count), what,
				 (unsigned long long)r->rows);
	rc = next_line(r, &line, &length, &whole, err);
	if (rc > 0)
		return error_set(err, ERR_DATA, "%s line %llu: bytes behind @end", r->name,
				 (unsigned long long)r->line_number);
	if (rc < 0)
		return -1;
	r->end = json_incref(inner);
	r->ended = true;
	return 0;
}

static int take_begin(struct rowstream_reader *r, json_t *inner, struct error *err)
{
	json_t *version = json_object_get(inner, "version");

	if (r->begin)
		return error_set(err, ERR_DATA, "%s line %llu: a second @begin", r->name,
				 (unsigned long long)r->line_number);
	if (!json_is_integer(version))
		return error_set(err, ERR_DATA, "%s: @begin has no version", r->name);
	if (json_integer_value(version) != ROWSTREAM_VERSION)
		return error_set(err, ERR_DATA, "%s: stream version %lld; this program reads %d",
				 r->name, (long long)json_integer_value(version),
				 ROWSTREAM_VERSION);
	r->begin = json_incref(inner);
	return 0;
}

/* The records that make a stream of whatever it carries. 1: it is none of them. */
static int take_frame(struct rowstream_reader *r, const char *kind, json_t *inner,
		      struct error *err)
{
	int rc = 1;

	if (!strcmp(kind, "@abort"))
		rc = take_abort(inner, err);
	else if (!strcmp(kind, "@begin"))
		rc = take_begin(r, inner, err);
	else if (!r->begin)
		rc = error_set(err, ERR_DATA, "%s: begins with %s, not with @begin", r->name, kind);
	else if (!strcmp(kind, "@end"))
		rc = take_end(r, inner, err);
	return rc;
}

static int take_control(struct rowstream_reader *r, const char *line, size_t length,
			struct error *err)
{
	const char *kind;
	json_t *inner, *record = parse_control(r, line, length, &kind, &inner, err);
	int rc;

	if (!record)
		return -1;
	rc = take_frame(r, kind, inner, err);
	if (rc > 0)
		rc = error_set(err, ERR_DATA, "%s line %llu: unknown control record %s", r->name,
			       (unsigned long long)r->line_number, kind);
	json_decref(record);
	return rc;
}

static void init(struct rowstream_reader *r, int fd, const char *name)
{
	*r = (struct rowstream_reader){ .fd = fd, .stop = -1, .name = name };
	/* Slack for the rest of a read behind the longest line, and the doubling. */
	r->in.max = (size_t)ROWSTREAM_LINE_MAX + 4 * READ_BYTES;
	fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* not a pipe, or not allowed: only slower */
}

static int read_begin(struct rowstream_reader *r, struct error *err)
{
	const char *line;
	size_t length;
	bool whole;
	int rc = next_line(r, &line, &length, &whole, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return error_set(err, ERR_DATA, "%s: empty input: the producer wrote nothing",
				 r->name);
	if (!whole)
		return error_set(err, ERR_DATA, "%s: truncated inside line 1", r->name);
	if (!rowstream_is_control(line, length))
		return error_set(err, ERR_DATA, "%s line 1: not a %s stream: no @begin%s", r->name,
				 r->records ? "record" : "row",
				 r->records ? "" : " (see --bare and rowwrap)");
	return take_control(r, line, length, err);
}

int rowstream_open(struct rowstream_reader *r, int fd, const char *name, bool bare,
		   struct error *err)
{
	init(r, fd, name);
	r->bare = bare;
	return bare ? 0 : read_begin(r, err);
}

int rowstream_open_records(struct rowstream_reader *r, int fd, const char *name, struct error *err)
{
	init(r, fd, name);
	r->records = true;
	return read_begin(r, err);
}

static bool begins_with(const char *line, size_t length, const char *text)
{
	return length >= strlen(text) && !memcmp(line, text, strlen(text));
}

static int open_either(struct rowstream_reader *r, int fd, int stop, const char *name, bool records,
		       struct error *err)
{
	const char *line;
	size_t length;
	bool whole;
	int rc = rowstream_open(r, fd, name, true, err);

	r->records = records;
	r->stop = stop;
	if (rc == 0)
		rc = next_line(r, &line, &length, &whole, err);
	if (rc <= 0) {
		r->ended = rc == 0;
		return rc;
	}
	if (!begins_with(line, length, "{\"@begin\":") &&
	    !begins_with(line, length, "{\"@abort\":")) {
		/* It stands at the front of the buffer: read it again. */
		r->position = r->scanned = 0;
		r->line_number = 0;
		return 0;
	}
	if (!whole)
		return error_set(err, ERR_DATA, "%s: truncated inside line 1", name);
	r->bare = false;
	return take_control(r, line, length, err);
}

int rowstream_open_either(struct rowstream_reader *r, int fd, const char *name, struct error *err)
{
	return open_either(r, fd, -1, name, false, err);
}

int rowstream_open_either_until(struct rowstream_reader *r, int fd, int stop, const char *name,
				struct error *err)
{
	return open_either(r, fd, stop, name, false, err);
}

int rowstream_open_records_either(struct rowstream_reader *r, int fd, const char *name,
				  struct error *err)
{
	return open_either(r, fd, -1, name, true, err);
}

/* rc is next_line's: 0, or 1 for a line without an end. */
static int truncated(const struct rowstream_reader *r, int rc, struct error *err)
{
	if (rc == 0)
		return error_set(err, ERR_DATA,
				 "%s: truncated: no @end after %llu %s; the producer died", r->name,
				 (unsigned long long)r->rows, r->records ? "records" : "rows");
	return error_set(err, ERR_DATA, "%s: truncated inside line %llu", r->name,
			 (unsigned long long)r->line_number);
}

int rowstream_next(struct rowstream_reader *r, const char **row, size_t *length, struct error *err)
{
	const char *line, *end;
	size_t n;
	bool whole;
	int rc;

	if (r->ended)
		return 0;
	/* Nearly always: a whole line is there, and it is a row. */
	line = r->in.data + r->scanned;
	end = r->scanned == r->position && r->in.length > r->scanned
		      ? memchr(line, '\n', r->in.length - r->scanned)
		      : NULL;
	if (end && (r->bare || !rowstream_is_control(line, (size_t)(end - line))) &&
	    end - line <= ROWSTREAM_LINE_MAX) {
		*row = line;
		*length = (size_t)(end - line);
		r->position = r->scanned = (size_t)(end - r->in.data) + 1;
		r->line_number++;
		r->rows++;
		return 1;
	}
	rc = next_line(r, &line, &n, &whole, err);
	if (rc < 0)
		return -1;
	if (r->bare) {
		r->ended = rc == 0;
	} else {
		if (rc == 0 || !whole)
			return truncated(r, rc, err);
		if (rowstream_is_control(line, n))
			return take_control(r, line, n, err);
	}
	if (rc > 0) {
		r->rows++;
		*row = line;
		*length = n;
	}
	return rc;
}

int rowstream_next_record(struct rowstream_reader *r, const char **kind, json_t **inner,
			  json_t **record, struct error *err)
{
	json_t *parsed;
	const char *line;
	size_t n;
	bool whole;
	int rc;

	if (r->ended)
		return 0;
	rc = next_line(r, &line, &n, &whole, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || !whole)
		return truncated(r, rc, err);
	if (!rowstream_is_control(line, n))
		return error_set(err, ERR_DATA, "%s line %llu: a row in a stream of records",
				 r->name, (unsigned long long)r->line_number);
	parsed = parse_control(r, line, n, kind, inner, err);
	if (!parsed)
		return -1;
	rc = take_frame(r, *kind, *inner, err);
	if (rc <= 0) {
		json_decref(parsed);
		return rc;
	}
	r->rows++;
	*record = parsed;
	return 1;
}

int rowstream_drain(struct rowstream_reader *r, struct error *err)
{
	const char *row;
	size_t length;
	int rc;

	do {
		rc = rowstream_next(r, &row, &length, err);
	} while (rc > 0);
	return rc;
}

void rowstream_release(struct rowstream_reader *r)
{
	buf_release(&r->in);
	json_decref(r->begin);
	json_decref(r->end);
	r->begin = r->end = NULL;
}

/* --- writing ------------------------------------------------------------- */

void rowstream_writer_init(struct rowstream_writer *w, int fd, const char *name)
{
	*w = (struct rowstream_writer){ .fd = fd, .name = name };
	fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* not a pipe, or not allowed: only slower */
}

int rowstream_flush(struct rowstream_writer *w, struct error *err)
{
	if (io_write_all(w->fd, w->out.data, w->out.length, w->name, err) < 0) {
		w->broken = true;
		return -1;
	}
	w->bytes += w->out.length;
	buf_clear(&w->out);
	w->row_start = 0;
	return 0;
}

static int append_json(const char *text, size_t n, void *out)
{
	struct error ignored;

	return buf_append(out, text, n, &ignored);
}

/* One control line behind whole rows; inner is stolen, NULL is out of memory. */
static int append_control(struct rowstream_writer *w, const char *kind, json_t *inner,
			  struct error *err)
{
	json_t *record = json_pack("{s:o}", kind, inner);
	int rc = record ? json_dump_callback(record, append_json, &w->out, JSON_COMPACT) : -1;

	json_decref(record);
	if (rc < 0 || buf_append(&w->out, "\n", 1, err) < 0) {
		w->out.length = w->row_start;
		return error_nomem(err);
	}
	w->row_start = w->out.length;
	return 0;
}

/* Not json_object_update_missing, which does not tell when memory is out. */
static int add_missing(json_t *inner, const json_t *more)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)more, name, value)
		if (!json_object_get(inner, name) && json_object_set(inner, name, value) < 0)
			return -1;
	return 0;
}

int rowstream_write_begin(struct rowstream_writer *w, const json_t *begin, struct error *err)
{
	json_t *inner = json_pack("{s:i}", "version", ROWSTREAM_VERSION);

	if (inner && begin && add_missing(inner, begin) < 0) {
		json_decref(inner);
		return error_nomem(err);
	}
	if (append_control(w, "@begin", inner, err) < 0)
		return -1;
	w->begun = true;
	/* At once: the reader prepares itself while the first rows are made. */
	return rowstream_flush(w, err);
}

int rowstream_write_row(struct rowstream_writer *w, const char *row, size_t length,
			struct error *err)
{
	if (buf_reserve(&w->out, length + 1, err) < 0)
		return -1;
	buf_put(&w->out, row, length);
	buf_put_byte(&w->out, '\n');
	return rowstream_row_written(w, err);
}

int rowstream_write_record(struct rowstream_writer *w, const char *kind, const json_t *inner,
			   struct error *err)
{
	if (append_control(w, kind, json_deep_copy(inner), err) < 0)
		return -1;
	w->rows++;
	return rowstream_flush(w, err);
}

int rowstream_write_end(struct rowstream_writer *w, const json_t *end, const char *count_name,
			struct error *err)
{
	json_t *inner = json_pack("{s:I}", count_name, (json_int_t)w->rows);

	if (inner && end && add_missing(inner, end) < 0) {
		json_decref(inner);
		return error_nomem(err);
	}
	if (append_control(w, "@end", inner, err) < 0 || rowstream_flush(w, err) < 0)
		return -1;
	w->ended = true;
	return 0;
}

json_t *rowstream_reason(const char *message)
{
	json_t *reason = json_string(message);
	char ascii[ERROR_MESSAGE_MAX];
	size_t i;

	if (reason)
		return reason;
	for (i = 0; message[i] && i + 1 < sizeof ascii; i++)
		ascii[i] = (unsigned char)message[i] < 0x80 ? message[i] : '?';
	ascii[i] = '\0';
	return json_string(ascii);
}

void rowstream_write_abort(struct rowstream_writer *w, const struct error *failure)
{
	struct error ignored;

	if (w->ended || w->broken || failure->code == ERR_SIGNAL + SIGPIPE)
		return;
	w->out.length = w->row_start;
	if (append_control(w, "@abort",
			   json_pack("{s:i,s:o}", "exit", failure->code, "reason",
				     rowstream_reason(failure->message)),
			   &ignored) == 0)
		/* If this cannot be written either, the missing @end says it. */
		w->broken = rowstream_flush(w, &ignored) < 0;
	w->ended = true;
}

void rowstream_writer_release(struct rowstream_writer *w)
{
	buf_release(&w->out);
}
