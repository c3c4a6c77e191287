#include "extract/reject.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/io.h"
#include "lib/utf8.h"

int rejects_open(struct rejects *r, const char *path, int64_t max, const char *table,
		 struct error *err)
{
	*r = (struct rejects){ .path = path, .fd = -1, .max = max, .table = table };
	if (!path)
		return 0;
	r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (r->fd < 0)
		return error_set_errno(err, ERR_IO, "--rejects: %s", path);
	return 0;
}

/* As a JSON string of at most about max bytes; what is not UTF-8 becomes U+FFFD. */
static int append_text(struct buf *out, const char *p, size_t n, size_t max, struct error *err)
{
	auto_buf clean = BUF_INIT;
	char *end;

	n = utf8_cut(p, n, max);
	while (n > 0) {
		size_t valid = utf8_valid_prefix(p, n);

		if (buf_append(&clean, p, valid, err) < 0)
			return -1;
		if (valid == n)
			break;
		if (buf_append_str(&clean, "\xEF\xBF\xBD", err) < 0)
			return -1;
		p += valid + 1;
		n -= valid + 1;
	}
	if (buf_reserve(out, 6 * clean.length + 32, err) < 0)
		return -1;
	end = out->data + out->length;
	if (encode_put_string(clean.data, clean.length, &end))
		return error_set(err, ERR_BUG, "a cleaned text is not UTF-8");
	out->length = (size_t)(end - out->data);
	return 0;
}

static int append_cell(struct buf *out, const struct column *column, const struct cell *cell,
		       struct error *err)
{
	auto_buf text = BUF_INIT;

	if (cell->null)
		return buf_append_str(out, "null", err);
	if (column->secret)
		return buf_append_str(out, "\"(hidden)\"", err);
	if (!column->encoder->text)
		return append_text(out, cell->data, cell->length, REJECT_VALUE_MAX, err);
	if (column->encoder->text(column, cell, REJECT_VALUE_MAX, &text, err) < 0)
		return -1;
	return append_text(out, text.data, text.length, REJECT_VALUE_MAX, err);
}

/*
 * {"id":1,"at":"…"}: the values as rows have them, secret ones too, which are
 * hashes there; or as text where that is what failed.
 */
static int append_key(struct buf *out, const struct column *columns, const struct cell *cells,
		      const size_t *key, size_t key_count, struct error *err)
{
	if (buf_append_str(out, "{", err) < 0)
		return -1;
	for (size_t i = 0; i < key_count; i++) {
		const struct column *column = &columns[key[i]];
		const struct cell *cell = &cells[key[i]];
		char *end;

		if (buf_appendf(out, err, "%s\"%s\":", i ? "," : "", column->name) < 0)
			return -1;
		if (!cell->null && (cell->length <= REJECT_VALUE_MAX || column->secret)) {
			if (buf_reserve(out, encode_room(column, cell), err) < 0)
				return -1;
			end = out->data + out->length;
			if (!column->encoder->encode(column, cell, &end)) {
				out->length = (size_t)(end - out->data);
				continue;
			}
		}
		if (append_cell(out, column, cell, err) < 0)
			return -1;
	}
	return buf_append_str(out, "}", err);
}

static int append_reject(struct rejects *r, const char *key, const struct column *columns,
			 const struct cell *cells, const struct column *column, const char *reason,
			 struct error *err)
{
	struct buf *out = &r->line;

	if (buf_append_str(out, "{\"@reject\":{\"table\":", err) < 0 ||
	    append_text(out, r->table, strlen(r->table), REJECT_VALUE_MAX, err) < 0 ||
	    buf_appendf(out, err, ",\"key\":%s,\"column\":", key) < 0)
		return -1;
	if (!column) {
		if (buf_append_str(out, "null,\"value\":null", err) < 0)
			return -1;
	} else if (buf_appendf(out, err, "\"%s\",\"value\":", column->name) < 0 ||
		   append_cell(out, column, &cells[column - columns], err) < 0) {
		return -1;
	}
	return buf_appendf(out, err, ",\"reason\":\"%s\"}}\n", reason);
}

int rejects_add(struct rejects *r, const struct column *columns, const struct cell *cells,
		const size_t *key, size_t key_count, const struct column *column,
		const char *reason, struct error *err)
{
	auto_buf key_json = BUF_INIT;
	const char *key_text;

	r->count++;
	if (append_key(&key_json, columns, cells, key, key_count, err) < 0)
		return -1;
	key_text = buf_cstr(&key_json, err);
	if (!key_text)
		return -1;
	if (r->fd >= 0) {
		buf_clear(&r->line);
		if (append_reject(r, key_text, columns, cells, column, reason, err) < 0)
			return -1;
		if (io_write_all(r->fd, r->line.data, r->line.length, r->path, err) < 0)
			return error_prefix(err, "--rejects");
	}
	if (r->max < 0 || r->count <= (uint64_t)r->max)
		return 0;
	return error_set(err, ERR_DATA, "%s: too many rejects (--max-rejects %lld): key %s%s%s: %s",
			 r->table, (long long)r->max, key_text, column ? ", column " : "",
			 column ? column->source_name : "", reason);
}

int rejects_close(struct rejects *r, struct error *err)
{
	int fd = r->fd;

	r->fd = -1;
	if (fd < 0)
		return 0;
	/* A pipe or a device has nothing to sync. */
	if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) {
		error_set_errno(err, ERR_IO, "--rejects: syncing %s", r->path);
		close(fd);
		return -1;
	}
	return io_close(fd, r->path, err);
}

void rejects_release(struct rejects *r)
{
	io_close_fd(&r->fd);
	buf_release(&r->line);
}
