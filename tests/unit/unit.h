/*
 * The least that a unit test needs. A test program is a main() that calls
 * functions full of CHECKs and ends with `return unit_done();`. Each function
 * announced with unit_test("a sentence") counts as one test, printed as TAP.
 */
#ifndef SLUICE_TESTS_UNIT_H
#define SLUICE_TESTS_UNIT_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct {
	const char *name;
	unsigned count, failed;
	bool bad;
} unit;

static inline void unit_end(void)
{
	if (!unit.name)
		return;
	printf("%sok %u - %s\n", unit.bad ? "not " : "", ++unit.count, unit.name);
	unit.failed += unit.bad;
	unit.name = NULL;
	unit.bad = false;
}

/* Ends the test before it, and begins one. */
static inline void unit_test(const char *sentence)
{
	unit_end();
	unit.name = sentence;
}

static inline int unit_done(void)
{
	unit_end();
	printf("1..%u\n", unit.count);
	return unit.failed || !unit.count;
}

#define CHECK(condition)                                                         \
	do {                                                                     \
		if (!(condition)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			unit.bad = true;                                         \
		}                                                                \
	} while (0)

/* text contains part. */
#define CHECK_HAS(text, part)                                                                     \
	do {                                                                                      \
		if (!strstr(text, part)) {                                                        \
			printf("# %s:%d: '%s' is not in '%s'\n", __FILE__, __LINE__, part, text); \
			unit.bad = true;                                                          \
		}                                                                                 \
	} while (0)

#endif
