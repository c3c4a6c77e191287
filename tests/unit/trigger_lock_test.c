/*
 * The locks of dtstrigger. trigger_lock_test PLACE puts them in PLACE (see
 * trigger/lock.h), whose server the environment names; without PLACE files are
 * tried, and how the two kinds of document talk to a server that plays a
 * script.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/google/backoff.h"
#include "lib/io.h"
#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"
#include "trigger/dts_time.h"
#include "trigger/lock.h"

enum { CLAIMERS = 40, SHORT_MS = 1000, LONG_MS = 60 * 1000 };

static struct locks *open_locks(const char *place, int64_t lease_ms)
{
	struct locks_options o = { .place = place,
				   .project = "test-project",
				   .lease_ms = lease_ms,
				   .api.retry = {
					   .initial_ms = 1, .max_ms = 1, .budget_ms = 20000 } };
	struct locks *l = NULL;
	struct error err;

	if (locks_open(&o, &l, &err) < 0) {
		printf("# %s: %s\n", place, err.message);
		exit(1);
	}
	return l;
}

/* --- any place ---------------------------------------------------------------------------------- */

/* Take it, again and again for that long; as lock_take. */
static int claim(struct locks *l, const char *id, int64_t for_ms, struct lock **ret)
{
	int64_t until = monotonic_ms() + for_ms;
	struct error err;
	int rc;

	do {
		rc = lock_take(l, id, ret, &err);
		if (rc < 0)
			printf("# %s\n", err.message);
		if (rc == 0 && for_ms && backoff_sleep(20, -1, &err) < 0)
			rc = -1;
	} while (rc == 0 && monotonic_ms() < until);
	return rc;
}

struct claims {
	int won, failed;
	int64_t unanswered_ns; /* as the winner saw it */
};

/* What came of one claimer. */
struct claimed {
	int rc;
	int64_t unanswered_ns;
};

/* A claimer: begins when `begin` is at its end, tells, and dies without a release when `end` is. */
__attribute__((noreturn)) static void be_claimer(const char *place, const char *id, int64_t for_ms,
						 const int begin[2], const int result[2],
						 const int end[2])
{
	struct claimed got = { .unanswered_ns = 0 };
	struct lock *lock = NULL;
	char byte;

	close(begin[1]);
	close(end[1]);
	if (read(begin[0], &byte, 1) == 0)
		got.rc = claim(open_locks(place, LONG_MS), id, for_ms, &lock);
	if (lock)
		got.unanswered_ns = lock_unanswered_ns(lock);
	if (write(result[1], &got, sizeof got) != sizeof got || read(end[0], &byte, 1) != 0)
		_exit(1);
	_exit(0);
}

/* CLAIMERS processes want it at once. */
static struct claims claim_by_many(const char *place, const char *id, int64_t for_ms)
{
	struct claims all = { .won = 0 };
	struct claimed one;
	int begin[2], result[2], end[2];

	if (pipe(begin) < 0 || pipe(result) < 0 || pipe(end) < 0)
		abort();
	fflush(stdout);
	for (int i = 0; i < CLAIMERS; i++) {
		pid_t pid = fork();

		if (pid < 0)
			abort();
		if (pid == 0)
			be_claimer(place, id, for_ms, begin, result, end);
	}
	close(begin[0]);
	close(begin[1]);
	close(result[1]);
	for (int i = 0; i < CLAIMERS; i++) {
		if (read(result[0], &one, sizeof one) != sizeof one)
			abort();
		all.won += one.rc > 0;
		all.failed += one.rc < 0;
		if (one.rc > 0)
			all.unanswered_ns = one.unanswered_ns;
	}
	close(result[0]);
	close(end[0]);
	close(end[1]);
	while (wait(NULL) > 0)
		;
	return all;
}

/* A process takes it, announces a start, and is gone; when it has announced that. */
static int64_t abandon(const char *place, const char *id)
{
	int64_t start_ns = 0;
	int result[2];
	pid_t pid;

	if (pipe(result) < 0)
		abort();
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		struct locks *l = open_locks(place, SHORT_MS);
		struct lock *lock = NULL;
		struct error err;

		_exit(lock_take(l, id, &lock, &err) == 1 &&
				      lock_announce(lock, &start_ns, &err) == 0 &&
				      write(result[1], &start_ns, sizeof start_ns) > 0
			      ? 0
			      : 1);
	}
	close(result[1]);
	CHECK(read(result[0], &start_ns, sizeof start_ns) == sizeof start_ns);
	close(result[0]);
	if (waitpid(pid, &(int){ 0 }, 0) != pid)
		abort();
	return start_ns;
}

static void many(const char *place)
{
	int64_t start_ns;
	struct claims c;

	unit_test("of 40 who claim it at once one has it");
	c = claim_by_many(place, "many", 0);
	CHECK(c.won == 1 && c.failed == 0);
	printf("# %d won, %d failed\n", c.won, c.failed);
	unit_test("of 40 who find it abandoned one takes it over, and knows of the start");
	start_ns = abandon(place, "abandoned");
	c = claim_by_many(place, "abandoned", 4 * SHORT_MS);
	CHECK(c.won == 1 && c.failed == 0);
	CHECK(c.unanswered_ns == start_ns);
	printf("# %d won, %d failed\n", c.won, c.failed);
}

static void hand_over(const char *place)
{
	struct locks *a = open_locks(place, LONG_MS), *b = open_locks(place, LONG_MS);
	struct lock *mine = NULL, *theirs = NULL;
	struct error err;
	int64_t at_ns;

	unit_test("who finds it held is told whose it is; released, it is free at once");
	CHECK(lock_take(a, "handed", &mine, &err) == 1);
	CHECK(lock_take(b, "handed", &theirs, &err) == 0);
	CHECK(strchr(locks_holder(b), ':') != NULL);
	CHECK(lock_keep(mine, &err) == 0);
	lock_release(mine);
	CHECK(lock_take(b, "handed", &theirs, &err) == 1);
	CHECK(lock_unanswered_ns(theirs) == 0);
	unit_test("locks of several configs are several");
	CHECK(lock_take(a, "other", &mine, &err) == 1);
	CHECK(lock_announce(mine, &at_ns, &err) == 0);
	lock_answered(mine);
	lock_release(mine);
	lock_release(theirs);
	CHECK(lock_take(a, "other", &mine, &err) == 1 && lock_unanswered_ns(mine) == 0);
	lock_release(mine);
	locks_close(a);
	locks_close(b);
}

/* What was released while nobody knew what became of a start. */
static void unanswered(const char *place)
{
	struct locks *a = open_locks(place, SHORT_MS), *b = open_locks(place, LONG_MS);
	struct lock *lock = NULL;
	int64_t start_ns = 0;
	struct error err;

	unit_test("an unanswered start outlives the release of the lock");
	CHECK(lock_take(a, "unanswered", &lock, &err) == 1);
	CHECK(lock_announce(lock, &start_ns, &err) == 0);
	lock_release(lock);
	CHECK(claim(b, "unanswered", 4 * SHORT_MS, &lock) == 1 &&
	      lock_unanswered_ns(lock) == start_ns);
	lock_answered(lock);
	lock_release(lock);
	locks_close(a);
	locks_close(b);
}

/* Documents only: a file is its owner's as long as that lives. */
static void taken_over(const char *place)
{
	struct locks *a = open_locks(place, SHORT_MS), *b = open_locks(place, LONG_MS);
	struct lock *mine = NULL, *theirs = NULL, *third = NULL;
	struct error err;
	int64_t at_ns;

	unit_test("who has slept through its lease is told, and takes nothing from who has it now");
	CHECK(lock_take(a, "lost", &mine, &err) == 1);
	CHECK(backoff_sleep(SHORT_MS + 100, -1, &err) == 0);
	CHECK(lock_take(b, "lost", &theirs, &err) == 1);
	CHECK(lock_announce(mine, &at_ns, &err) < 0 && err.code == ERR_TEMP);
	CHECK_HAS(err.message, "taken over");
	lock_release(mine);
	CHECK(lock_take(a, "lost", &third, &err) == 0);
	unit_test("a lease that is renewed does not end");
	lock_release(theirs);
	CHECK(lock_take(a, "kept", &mine, &err) == 1);
	for (int i = 0; i < 8; i++)
		CHECK(backoff_sleep(SHORT_MS / 4, -1, &err) == 0 && lock_keep(mine, &err) == 0);
	CHECK(lock_take(b, "kept", &theirs, &err) == 0);
	lock_release(mine);
	locks_close(a);
	locks_close(b);
}

static void any_place(const char *place)
{
	many(place);
	hand_over(place);
	unanswered(place);
	if (strncmp(place, "file:", 5) != 0)
		taken_over(place);
}

/* --- what is said to a server -------------------------------------------------------------------- */

#define DOCUMENT(owner, expires, version)                                 \
	"{\"name\":\"x\",\"fields\":{\"owner\":{\"stringValue\":\"" owner \
	"\"},\"expires\":{\"timestampValue\":\"" expires                  \
	"\"},\"startRequested\":{\"nullValue\":null}},\"updateTime\":\"" version "\"}"
#define ENTITY(owner, expires, version)                                                \
	"{\"found\":[{\"entity\":{\"properties\":{\"owner\":{\"stringValue\":\"" owner \
	"\"},\"expires\":{\"timestampValue\":\"" expires                               \
	"\"},\"startRequested\":{\"nullValue\":null}}},\"version\":\"" version "\"}]}"
#define ANSWER(code, word) \
	"{\"error\":{\"code\":" code ",\"message\":\"m\",\"status\":\"" word "\"}}"
#define FUTURE "2200-01-01T00:00:00Z"
#define PAST "2020-01-01T00:00:00Z"

#define DOCUMENTS "projects/test-project/databases/(default)/documents"
#define WRITTEN(version) "{\"writeResults\":[{\"updateTime\":\"" version "\"}]}"

static void firestore(void)
{
	static const struct script_reply replies[] = {
		/* there is none; contention; there is none still; then it is made; then removed */
		{ .status = 404, .body = ANSWER("404", "NOT_FOUND") },
		{ .status = 409, .body = ANSWER("409", "ABORTED") },
		{ .status = 404, .body = ANSWER("404", "NOT_FOUND") },
		{ .status = 200, .body = WRITTEN("2026-01-01T00:00:00.5Z") },
		{ .status = 200, .body = "{}" },
		/* another's, who is faster */
		{ .status = 404, .body = ANSWER("404", "NOT_FOUND") },
		{ .status = 409, .body = ANSWER("409", "ALREADY_EXISTS") },
		{ .status = 200, .body = DOCUMENT("host:7:abc", FUTURE, "2026-01-01T00:00:01Z") },
		/* expired, but somebody was faster; then he is gone */
		{ .status = 200, .body = DOCUMENT("host:7:abc", PAST, "2026-01-01T00:00:01Z") },
		{ .status = 400, .body = ANSWER("400", "FAILED_PRECONDITION") },
		{ .status = 200, .body = DOCUMENT("host:8:def", PAST, "2026-01-01T00:00:02Z") },
		{ .status = 200, .body = WRITTEN("2026-01-01T00:00:03Z") },
		{ .status = 200, .body = "{}" },
		/* a refusal is a failure */
		{ .status = 403, .body = ANSWER("403", "PERMISSION_DENIED") },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	struct lock *lock = NULL;
	struct locks *l;
	struct error err;

	setenv("FIRESTORE_EMULATOR_HOST", script_url(s), 1);
	l = open_locks("firestore:locks", LONG_MS);
	unit_test("firestore: contention is not \"already exists\"");
	CHECK(lock_take(l, "c1", &lock, &err) == 1);
	CHECK_HAS(script_request(s, 0)->line, "GET /v1/" DOCUMENTS "/locks/c1 ");
	CHECK_HAS(script_request(s, 3)->line, "POST /v1/" DOCUMENTS ":commit ");
	CHECK_HAS(script_request(s, 3)->body, "{\"writes\":[{\"update\":{\"name\":\"" DOCUMENTS
					      "/locks/c1\",\"fields\":{\"owner\":");
	CHECK_HAS(script_request(s, 3)->body, "\"startRequested\":{\"nullValue\":null}");
	CHECK_HAS(script_request(s, 3)->body, "\"currentDocument\":{\"exists\":false}");
	lock_release(lock);
	CHECK_HAS(script_request(s, 4)->body,
		  "{\"delete\":\"" DOCUMENTS
		  "/locks/c1\",\"currentDocument\":{\"updateTime\":\"2026-01-01T00:00:00.5Z\"}}");
	unit_test("firestore: another's lease is respected");
	CHECK(lock_take(l, "c1", &lock, &err) == 0 && !strcmp(locks_holder(l), "host:7:abc"));
	unit_test("firestore: one that is over is replaced as it was read, or not at all");
	CHECK(lock_take(l, "c1", &lock, &err) == 1);
	CHECK_HAS(script_request(s, 9)->body, "\"updateTime\":\"2026-01-01T00:00:01Z\"");
	CHECK_HAS(script_request(s, 11)->body, "\"updateTime\":\"2026-01-01T00:00:02Z\"");
	lock_release(lock);
	CHECK_HAS(script_request(s, 12)->body, "\"updateTime\":\"2026-01-01T00:00:03Z\"");
	unit_test("firestore: a refusal is one");
	CHECK(lock_take(l, "c1", &lock, &err) < 0 && err.code == ERR_PERM);
	locks_close(l);
	script_stop(s);
	unsetenv("FIRESTORE_EMULATOR_HOST");
}

/* What a server that is slow makes of an announcement. */
static void slow(void)
{
	enum { SLOW_MS = 1200, LEASE_MS = 4000 };
	static const struct script_reply replies[] = {
		{ .status = 404, .body = ANSWER("404", "NOT_FOUND") },
		{ .status = 200, .body = WRITTEN("2026-01-01T00:00:01Z") },
		/* accepted, but a quarter of the lease later */
		{ .status = 200, .body = WRITTEN("2026-01-01T00:00:02Z"), .delay_ms = SLOW_MS },
		{ .status = 200, .body = WRITTEN("2026-01-01T00:00:03Z") },
		/* not now, and when it could be, half the lease would be over */
		{ .status = 503, .headers = "Retry-After: 3\r\n" },
		{ .status = 200, .body = "{}" },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	int64_t before_ns = dts_time_now_ns(), at_ns = 0;
	char said[DTS_TIME_SIZE];
	struct lock *lock = NULL;
	struct locks *l;
	struct error err;

	setenv("FIRESTORE_EMULATOR_HOST", script_url(s), 1);
	l = open_locks("firestore:locks", LEASE_MS);
	unit_test("an announcement that was written late is made again, as of then");
	CHECK(lock_take(l, "c1", &lock, &err) == 1);
	CHECK(lock_announce(lock, &at_ns, &err) == 0);
	CHECK(script_count(s) == 4);
	CHECK(at_ns - before_ns >= SLOW_MS * 1000000LL && lock_unanswered_ns(lock) == at_ns);
	dts_time_format(at_ns, said);
	CHECK_HAS(script_request(s, 3)->body, said);
	CHECK_HAS(script_request(s, 3)->body, "\"updateTime\":\"2026-01-01T00:00:02Z\"");
	unit_test("one that cannot be written within half a lease is none");
	CHECK(lock_announce(lock, &at_ns, &err) < 0 && err.code == ERR_TEMP);
	CHECK(script_count(s) == 5 && lock_unanswered_ns(lock) == 0);
	lock_release(lock);
	CHECK_HAS(script_request(s, 5)->body, "{\"delete\":");
	locks_close(l);
	script_stop(s);
	unsetenv("FIRESTORE_EMULATOR_HOST");
}

#define RESULT(version) "{\"mutationResults\":[{\"version\":\"" version "\"}]}"

static void datastore(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200, .body = "{\"missing\":[{}]}" },
		{ .status = 409, .body = ANSWER("409", "ABORTED") },
		{ .status = 200, .body = "{\"missing\":[{}]}" },
		{ .status = 200, .body = RESULT("5") },
		{ .status = 200, .body = RESULT("6") },
		{ .status = 200, .body = "{\"missing\":[{}]}" },
		{ .status = 409, .body = ANSWER("409", "ALREADY_EXISTS") },
		{ .status = 200, .body = ENTITY("host:7:abc", FUTURE, "7") },
		/* expired; the server says in its answer that it wrote nothing */
		{ .status = 200, .body = ENTITY("host:7:abc", PAST, "8") },
		{ .status = 200,
		  .body = "{\"mutationResults\":[{\"version\":\"9\",\"conflictDetected\":true}]}" },
		{ .status = 200, .body = ENTITY("host:8:def", PAST, "9") },
		{ .status = 200, .body = RESULT("10") },
		{ .status = 200, .body = RESULT("11") },
		{ .status = 403, .body = ANSWER("403", "PERMISSION_DENIED") },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	struct lock *lock = NULL;
	struct locks *l;
	struct error err;

	setenv("DATASTORE_EMULATOR_HOST", script_url(s), 1);
	l = open_locks("datastore:Lock", LONG_MS);
	unit_test("datastore: contention is not \"already exists\"");
	CHECK(lock_take(l, "c1", &lock, &err) == 1);
	CHECK_HAS(script_request(s, 3)->line, "POST /v1/projects/test-project:commit ");
	CHECK_HAS(script_request(s, 3)->body,
		  "\"mutations\":[{\"insert\":{\"key\":{\"partitionId\":{\"projectId\":"
		  "\"test-project\"},\"path\":[{\"kind\":\"Lock\",\"name\":\"c1\"}]}");
	lock_release(lock);
	CHECK_HAS(script_request(s, 4)->body,
		  "\"baseVersion\":\"5\",\"conflictResolutionStrategy\":"
		  "\"FAIL\"");
	unit_test("datastore: another's lease is respected");
	CHECK(lock_take(l, "c1", &lock, &err) == 0 && !strcmp(locks_holder(l), "host:7:abc"));
	unit_test("datastore: one that is over is replaced as it was read, or not at all");
	CHECK(lock_take(l, "c1", &lock, &err) == 1);
	CHECK_HAS(script_request(s, 9)->body,
		  "\"baseVersion\":\"8\",\"conflictResolutionStrategy\":"
		  "\"FAIL\"");
	CHECK_HAS(script_request(s, 11)->body, "\"baseVersion\":\"9\"");
	lock_release(lock);
	CHECK_HAS(script_request(s, 12)->body, "\"delete\":{\"partitionId\"");
	CHECK_HAS(script_request(s, 12)->body, "\"baseVersion\":\"10\"");
	unit_test("datastore: a refusal is one");
	CHECK(lock_take(l, "c1", &lock, &err) < 0 && err.code == ERR_PERM);
	locks_close(l);
	script_stop(s);
	unsetenv("DATASTORE_EMULATOR_HOST");
}

static void bad_places(void)
{
	static const char *const bad[] = {
		"", "file:", "firestore", "firestore:", "s3:x", "/tmp/x"
	};
	struct locks_options o = { .lease_ms = LONG_MS };
	struct locks *l = NULL;
	struct error err;

	unit_test("what is no place is refused");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		o.place = bad[i];
		CHECK(locks_open(&o, &l, &err) < 0 && err.code == ERR_USAGE);
	}
	o.place = "file:/dev/null/x";
	CHECK(locks_open(&o, &l, &err) < 0 && err.code == ERR_IO);
}

/* In a directory of their own, which need not be there. */
static void files(void)
{
	char directory[] = "/tmp/trigger_lock_test.XXXXXX", place[64], path[512];
	struct dirent *entry;
	DIR *d;

	if (!mkdtemp(directory))
		abort();
	snprintf(place, sizeof place, "file:%s/locks", directory);
	any_place(place);
	d = opendir(place + 5);
	while (d && (entry = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", place + 5, entry->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(place + 5);
	rmdir(directory);
}

int main(int argc, char **argv)
{
	struct error err;

	if (signals_init(&err) < 0)
		return 1;
	if (argc > 1) {
		any_place(argv[1]);
		return unit_done();
	}
	fixture_clean_environment();
	bad_places();
	files();
	firestore();
	slow();
	datastore();
	return unit_done();
}
