/*
 * A ledger in a file: one JSON line an entry, appended under flock(2) and
 * fsync(2)ed. A crash can leave an unfinished last line, which was never
 * acknowledged: readers pass it over, the next writer cuts it off.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/google/ledger_impl.h"
#include "lib/io.h"
#include "lib/log.h"

static int file_open(struct ledger *l, struct error *err)
{
	l->name = strdup(l->options.name);
	if (!l->name)
		return error_nomem(err);
	l->path = strchr(l->name, ':') + 1;
	return *l->path ? 0 : error_set(err, ERR_USAGE, "'%s' names no file", l->name);
}

static void file_close(struct ledger *l)
{
	(void)l;
}

/* --- time ---------------------------------------------------------------- */

static json_t *moment(int64_t ms_ago)
{
	struct timespec t;
	struct tm utc;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec -= ms_ago / 1000;
	t.tv_nsec -= ms_ago % 1000 * 1000000;
	if (t.tv_nsec < 0) {
		t.tv_sec--;
		t.tv_nsec += 1000000000;
	}
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&t.tv_sec, &utc));
	return json_sprintf("%s.%06ldZ", text, t.tv_nsec / 1000);
}

/* Of a text as moment() makes it; what is none is old. */
static int64_t age_ms(const char *at)
{
	struct timespec t;
	struct tm tm = { 0 };
	const char *rest = at ? strptime(at, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &t);
	age = (t.tv_sec - (rest ? timegm(&tm) : 0)) * (int64_t)1000 + t.tv_nsec / 1000000;
	return age > 0 ? age : 0;
}

/* --- lines --------------------------------------------------------------- */

static int lock(int fd, int how, struct error *err)
{
	while (flock(fd, how) < 0) {
		if (errno != EINTR)
			return error_set_errno(err, ERR_IO, "flock");
		if (signals_check(err) < 0)
			return -1;
	}
	return 0;
}

static int read_all(int fd, const char *path, struct buf *text, struct error *err)
{
	enum { PIECE = 65536 };

	for (;;) {
		ssize_t n;

		if (buf_reserve(text, PIECE, err) < 0)
			return -1;
		n = io_read(fd, text->data + text->length, PIECE, path, err);
		if (n <= 0)
			return (int)n;
		text->length += (size_t)n;
	}
}

/* Append the entries of the file to an array. *whole: how many of its bytes are whole lines or entries. */
static int parse_lines(const struct buf *text, json_t *entries, size_t *whole, struct error *err)
{
	size_t start = 0, number = 1;

	for (; start < text->length; number++) {
		const char *line = text->data + start;
		const char *end = memchr(line, '\n', text->length - start);
		size_t length = end ? (size_t)(end - line) : text->length - start;
		json_t *entry = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);

		/* Every entry of ours has an id. */
		if (!entry || !ledger_text(entry, "id")) {
			json_decref(entry);
			if (!end)
				break;
			return error_set(err, ERR_DATA, "line %zu is no entry: was it edited?",
					 number);
		}
		if (json_array_append_new(entries, entry) < 0)
			return error_nomem(err);
		start += length + (end ? 1 : 0);
	}
	*whole = start;
	return 0;
}

/* What the entries of BigQuery have besides their columns; failures has a number for each table. */
static int add_computed(json_t *entry, json_t *failures, struct error *err)
{
	const char *table = ledger_text(entry, "table"), *state = ledger_text(entry, "state");
	json_int_t count = json_integer_value(json_object_get(failures, table ? table : ""));

	if (state && (!strcmp(state, "failed") || !strcmp(state, "mismatch")))
		count++;
	if (json_object_set_new(failures, table ? table : "", json_integer(count)) < 0 ||
	    json_object_set_new(entry, "failures", json_integer(count)) < 0 ||
	    json_object_set_new(entry, "age_ms", json_integer(age_ms(ledger_text(entry, "at")))) <
		    0)
		return error_nomem(err);
	return 0;
}

static bool is_submitted(const json_t *entry)
{
	const char *state = ledger_text(entry, "state");

	return state && !strcmp(state, "submitted");
}

/* New reference: which job of which run of which table an entry is about; NULL when of none. */
static json_t *subject(const json_t *entry)
{
	const char *table = ledger_text(entry, "table"), *run = ledger_text(entry, "run");
	const char *job = ledger_text(entry, "job");

	return table && run && job ? json_sprintf("%s\n%s\n%s", table, run, job) : NULL;
}

/* The subjects of all outcomes, as members of an object. */
static json_t *find_outcomes(const json_t *entries)
{
	json_t *outcomes = json_object(), *entry;
	size_t i;

	json_array_foreach((json_t *)entries, i, entry) {
		json_t *about = is_submitted(entry) ? NULL : subject(entry);

		if (about)
			json_object_set_new(outcomes, json_string_value(about), json_true());
		json_decref(about);
	}
	return outcomes;
}

/* Of submissions that have an outcome a reader needs only those of its own run: there are too many of them. */
static bool is_wanted(const json_t *entry, const char *table, const char *run,
		      const json_t *outcomes)
{
	const char *of = ledger_text(entry, "table"), *by = ledger_text(entry, "run");
	json_t *about;
	bool settled;

	if (!of || (table && strcmp(of, table) != 0))
		return false;
	if (!is_submitted(entry) || (run && by && !strcmp(by, run)))
		return true;
	about = subject(entry);
	settled = about && json_object_get(outcomes, json_string_value(about));
	json_decref(about);
	return !settled;
}

static int select_entries(const json_t *all, const char *table, const char *run, json_t *found,
			  struct error *err)
{
	json_t *failures = json_object(), *outcomes = find_outcomes(all), *entry;
	size_t i;
	int rc = 0;

	json_array_foreach((json_t *)all, i, entry) {
		if (rc < 0 || !is_wanted(entry, table, run, outcomes))
			continue;
		rc = add_computed(entry, failures, err);
		if (rc == 0)
			json_array_append(found, entry);
	}
	json_decref(failures);
	json_decref(outcomes);
	return rc;
}

/* All entries, each whole; none where there is no file. */
static int read_entries(struct ledger *l, json_t *all, struct error *err)
{
	auto_buf text = BUF_INIT;
	auto_fd fd = open(l->path, O_RDONLY | O_CLOEXEC);
	size_t whole = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, ERR_IO, "cannot open");
	if (lock(fd, LOCK_SH, err) < 0 || read_all(fd, l->path, &text, err) < 0 ||
	    parse_lines(&text, all, &whole, err) < 0)
		return -1;
	if (whole < text.length)
		log_warn("ledger %s: its last line was not finished, by a crash: passed over",
			 l->name);
	return 0;
}

static int file_read(struct ledger *l, const char *table, const char *run, json_t **ret,
		     struct error *err)
{
	json_t *all = json_array(), *found = json_array();
	int rc = read_entries(l, all, err);

	if (rc == 0)
		rc = select_entries(all, table, run, found, err);
	json_decref(all);
	if (rc == 0)
		*ret = found;
	else
		json_decref(found);
	return rc;
}

static int file_read_done(struct ledger *l, const char *table, json_t *runs, struct error *err)
{
	json_t *all = json_array(), *entry;
	size_t length = strlen(table), i;
	int rc = read_entries(l, all, err);

	json_array_foreach(all, i, entry) {
		const char *of = ledger_text(entry, "table"), *state = ledger_text(entry, "state");
		const char *run = ledger_text(entry, "run");

		if (rc == 0 && of && run && state && !strcmp(state, "done") &&
		    !strncmp(of, table, length) && (!of[length] || of[length] == '$') &&
		    json_object_set_new(runs, run, json_true()) < 0)
			rc = error_nomem(err);
	}
	json_decref(all);
	return rc;
}

static json_t *set_of(const json_t *texts)
{
	json_t *set = json_object(), *text;
	size_t i;

	json_array_foreach((json_t *)texts, i, text)
		json_object_set_new(set, json_string_value(text), json_true());
	return set;
}

static int file_read_outcomes(struct ledger *l, const json_t *tables, const json_t *runs,
			      json_t **ret, struct error *err)
{
	json_t *all = json_array(), *found = json_array(), *entry;
	json_t *of_tables = set_of(tables), *of_runs = set_of(runs);
	int rc = read_entries(l, all, err);
	size_t i;

	json_array_foreach(all, i, entry) {
		const char *table = ledger_text(entry, "table"), *run = ledger_text(entry, "run");

		if (rc < 0 || is_submitted(entry) || !table || !run ||
		    !json_object_get(of_tables, table) || !json_object_get(of_runs, run))
			continue;
		if (json_object_set_new(entry, "age_ms",
					json_integer(age_ms(ledger_text(entry, "at")))) < 0 ||
		    json_array_append(found, entry) < 0)
			rc = error_nomem(err);
	}
	json_decref(of_tables);
	json_decref(of_runs);
	json_decref(all);
	if (rc == 0)
		*ret = found;
	else
		json_decref(found);
	return rc;
}

/* --- writing ------------------------------------------------------------- */

static int sync_directory(const char *path, struct error *err)
{
	char *copy = strdup(path);
	int rc = 0;

	if (!copy)
		return error_nomem(err);
	auto_fd fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		rc = error_set_errno(err, ERR_IO, "cannot sync its directory");
	free(copy);
	return rc;
}

/* Under the lock: what a crash has left behind the last whole entry. */
static int mend(const struct ledger *l, int fd, const struct buf *text, size_t whole,
		struct error *err)
{
	if (whole < text->length) {
		log_warn("ledger %s: its last line was not finished, by a crash: %zu bytes are cut "
			 "off",
			 l->name, text->length - whole);
		if (ftruncate(fd, (off_t)whole) < 0)
			return error_set_errno(err, ERR_IO, "cannot cut its last line off");
	}
	return 0;
}

static int append_line(const struct ledger *l, int fd, const struct buf *text, size_t whole,
		       const json_t *entry, struct error *err)
{
	auto_buf line = BUF_INIT;
	char *json = json_dumps(entry, JSON_COMPACT);
	int rc = -1;

	if (!json)
		return error_nomem(err);
	/* The last line may be whole but for its end. */
	if ((whole > 0 && text->data[whole - 1] != '\n' && buf_append_str(&line, "\n", err) < 0) ||
	    buf_append_str(&line, json, err) < 0 || buf_append_str(&line, "\n", err) < 0)
		goto out;
	rc = io_write_all(fd, line.data, line.length, l->path, err);
	if (rc == 0 && fsync(fd) < 0)
		rc = error_set_errno(err, ERR_IO, "cannot sync");
	/* A full disk: half a line would be read as a crash's, and be warned of. */
	if (rc < 0 && ftruncate(fd, (off_t)whole) < 0)
		log_warn("ledger %s: half a line is left in it", l->name);
	if (rc == 0 && whole == 0)
		rc = sync_directory(l->path, err);
out:
	free(json);
	return rc;
}

static bool has_id(const json_t *entries, const char *id)
{
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)entries, i, entry)
		if (!strcmp(ledger_text(entry, "id"), id))
			return true;
	return false;
}

static int set_times(json_t *entry, struct error *err)
{
	const json_t *elapsed = json_object_get(entry, "elapsed_ms");

	if (json_object_set_new(entry, "at", moment(0)) < 0)
		return error_nomem(err);
	/* A run without a job is as old as its beginning: what was loaded meanwhile is newer. */
	if (elapsed && !ledger_text(entry, "ended") &&
	    json_object_set_new(entry, "ended", moment(json_integer_value(elapsed))) < 0)
		return error_nomem(err);
	json_object_del(entry, "elapsed_ms");
	return 0;
}

static int file_write(struct ledger *l, json_t *entry, struct error *err)
{
	auto_buf text = BUF_INIT;
	auto_fd fd = open(l->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	json_t *entries = json_array();
	size_t whole = 0;
	int rc = -1;

	if (fd < 0)
		error_set_errno(err, ERR_IO, "cannot open");
	else if (lock(fd, LOCK_EX, err) == 0 && read_all(fd, l->path, &text, err) == 0 &&
		 parse_lines(&text, entries, &whole, err) == 0 &&
		 mend(l, fd, &text, whole, err) == 0)
		rc = has_id(entries, ledger_text(entry, "id")) ? 1 : set_times(entry, err);
	/* Whoever wrote it may have died before it was durable. */
	if (rc == 1 && fsync(fd) < 0)
		rc = error_set_errno(err, ERR_IO, "cannot sync");
	if (rc == 0)
		rc = append_line(l, fd, &text, whole, entry, err);
	json_decref(entries);
	return rc < 0 ? -1 : 0;
}

static int file_write_both(struct ledger *l, json_t *entry, json_t *next, struct error *err)
{
	return file_write(l, entry, err) < 0 ? -1 : file_write(l, next, err);
}

const struct ledger_backend ledger_in_file = { file_open,          file_read,  file_read_done,
					       file_read_outcomes, file_write, file_write_both,
					       file_close };
