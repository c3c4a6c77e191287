/*
 * Runs a fuzz target over files, without a fuzzer: `make check` replays each
 * corpus so, in every build. Prints TAP; a target fails by crashing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io.h"
#include "tests/fuzz/target.h"

enum { INPUT_MAX = 16 * 1024 * 1024 };

static int replay_file(const char *path)
{
	auto_buf input = BUF_INIT;
	struct error err;
	unsigned char *exact;

	printf("# %s\n", path);
	fflush(stdout);
	if (io_read_file(path, INPUT_MAX, &input, &err) < 0) {
		printf("not ok - %s\n", err.message);
		return -1;
	}
	/* A block of exactly that size, so that ASan sees a read behind it. */
	exact = malloc(input.length ? input.length : 1);
	if (!exact)
		return -1;
	if (input.length)
		memcpy(exact, input.data, input.length);
	LLVMFuzzerTestOneInput(exact, input.length);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	char path[4096];
	int count, replayed = 0, failed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 64;
	}
	count = scandir(argv[1], &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
			failed += replay_file(path) < 0;
			replayed++;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	printf("1..1\n%sok 1 - %d inputs of %s\n", replayed && !failed ? "" : "not ", replayed,
	       argv[1]);
	return !replayed || failed;
}
