/* The pieces of a staged load: how parts grow, what one connection sends, which buckets will do. */
#include "lib/google/stage.h"

#include <stdlib.h>

#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

#define MIB ((uint64_t)1 << 20)
#define STARTED                                                    \
	{                                                          \
		.status = 200, .headers = "Location: /session\r\n" \
	}

static uint64_t all_parts(uint64_t first)
{
	uint64_t sum = 0;

	for (unsigned i = 1; i <= STAGE_PARTS_MAX; i++)
		sum += stage_part_size(first, i);
	return sum;
}

static void sizes(void)
{
	unit_test("parts begin as wanted and grow until 10,000 of them hold 15 TB");
	CHECK(stage_part_size(64 * MIB, 1) == 64 * MIB);
	CHECK(stage_part_size(64 * MIB, 200) == 64 * MIB);
	CHECK(stage_part_size(64 * MIB, 201) == 128 * MIB);
	CHECK(all_parts(64 * MIB) >= 15 * (MIB << 20));
	CHECK(all_parts(MIB / 4) >= 15 * (MIB << 20));
	unit_test(
		"a part wanted larger stays as large; one wanted smaller grows after the first 200");
	CHECK(stage_part_size(300 * MIB, 400) == 300 * MIB);
	CHECK(stage_part_size(MIB, 200) == MIB && stage_part_size(MIB, 201) == 128 * MIB);
	unit_test("no part and a row of 100 MB behind it pass 4 GB, the limit of a gzip file");
	CHECK(stage_part_size(64 * MIB, STAGE_PARTS_MAX) == STAGE_PART_MAX_BYTES);
	CHECK(STAGE_PART_MAX_BYTES + 100 * 1000 * 1000 + STAGE_BLOCK_BYTES < 4000000000);
}

static void locations(void)
{
	unit_test("a dataset in US loads from anywhere, others from where they are");
	CHECK(stage_location_fits("US", "EUROPE-WEST1"));
	CHECK(stage_location_fits("europe-west1", "EUROPE-WEST1"));
	CHECK(!stage_location_fits("europe-west1", "US-EAST1"));
	CHECK(stage_location_fits("EU", "EU") && stage_location_fits("EU", "EUROPE-WEST4") &&
	      stage_location_fits("EU", "EUR4"));
	CHECK(!stage_location_fits("EU", "US") && !stage_location_fits("EU", "ASIA"));
	unit_test("where it cannot be known, BigQuery is asked");
	CHECK(stage_location_fits("us-east1", "US") && stage_location_fits("asia-east1", "ASIA1"));
}

/* --- one part -------------------------------------------------------------------------------- */

static int open_part(struct stage_part *p, struct script *s, bool gzip, struct error *err)
{
	const struct api_options api = {
		.service = SERVICE_STORAGE,
		.retry = { .initial_ms = 1, .max_ms = 8, .budget_ms = 2000 }
	};

	setenv("STORAGE_EMULATOR_HOST", script_url(s), 1);
	return stage_part_init(p, &api, "bkt", gzip, err);
}

static void whole_part(void)
{
	/* CRC-32C of STAGE_CHUNK_BYTES + 9 zero bytes. */
	static const struct script_reply replies[] = {
		STARTED,
		{ .status = 308, .headers = "Range: bytes=0-4194303\r\n" },
		{ .status = 200,
		  .body = "{\"name\":\"n\",\"size\":\"4194313\",\"crc32c\":\"cjjDGg==\"}" },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	char *zeros = calloc(1, STAGE_CHUNK_BYTES + 9);
	struct stage_part p;
	struct error err;

	unit_test("a part is sent in chunks of 4 MiB, its session opened by the first full one");
	CHECK(open_part(&p, s, false, &err) == 0);
	stage_part_begin(&p, strdup("n"));
	CHECK(stage_part_write(&p, zeros, STAGE_CHUNK_BYTES, &err) == 0 && script_count(s) == 0);
	CHECK(stage_part_write(&p, zeros, 9, &err) == 0 && script_count(s) == 2);
	CHECK(stage_part_finish(&p, &err) == 0 && !p.begun);
	CHECK(script_has_header(script_request(s, 1), "Content-Range: bytes 0-4194303/*"));
	CHECK(script_has_header(script_request(s, 2),
				"Content-Range: bytes 4194304-4194312/4194313"));
	stage_part_release(&p);
	script_stop(s);
	free(zeros);
}

/* Write "123456789" and finish with that answer, and one more: 0, or the error's code. */
static int finish_with_both(const struct script_reply *last, const struct script_reply *then,
			    char *message)
{
	struct script_reply replies[] = { STARTED, *last, *then };
	struct script *s = script_start(replies, 3);
	struct error err = { 0 };
	struct stage_part p;

	CHECK(open_part(&p, s, false, &err) == 0);
	stage_part_begin(&p, strdup("n"));
	CHECK(stage_part_write(&p, "123456789", 9, &err) == 0);
	(void)!stage_part_finish(&p, &err);
	memcpy(message, err.message, ERROR_MESSAGE_MAX);
	stage_part_release(&p);
	script_stop(s);
	return err.code;
}

static int finish_with(const struct script_reply *last, char *message)
{
	static const struct script_reply none = { .status = 404 };

	return finish_with_both(last, &none, message);
}

static void answers(void)
{
	static const struct script_reply good = {
		.status = 200, .body = "{\"name\":\"n\",\"size\":\"9\",\"crc32c\":\"4waSgw==\"}"
	};
	static const struct script_reply other = {
		.status = 200, .body = "{\"name\":\"n\",\"size\":\"9\",\"crc32c\":\"4waSgg==\"}"
	};
	static const struct script_reply gone = { .status = 410 }, exists = { .status = 412 };
	static const struct script_reply refused = { .status = 403 };
	char message[ERROR_MESSAGE_MAX];

	unit_test("what is stored must have the checksum of what was sent");
	CHECK(finish_with(&good, message) == 0);
	CHECK(finish_with(&other, message) == ERR_TEMP);
	CHECK_HAS(message, "what is stored is not what was sent");
	unit_test("a session that is gone, or an object that is there, loses the part: try again");
	CHECK(finish_with(&gone, message) == ERR_TEMP);
	CHECK_HAS(message, "session is gone");
	CHECK(finish_with(&exists, message) == ERR_TEMP);
	CHECK_HAS(message, "gs://bkt/n exists already");
	unit_test(
		"the object that is there is ours when it has what was sent: its answer was lost");
	CHECK(finish_with_both(&exists, &good, message) == 0);
	CHECK(finish_with_both(&exists, &other, message) == ERR_TEMP);
	CHECK_HAS(message, "what is stored is not what was sent");
	unit_test("who may not write is told so");
	CHECK(finish_with(&refused, message) == ERR_PERM);
}

int main(void)
{
	fixture_clean_environment();
	sizes();
	locations();
	whole_part();
	answers();
	return unit_done();
}
