/*
 * What is known of one field: in --mode compatible the entry that
 * generate-schema would hold, in --mode exact the kinds of values seen.
 */
#ifndef SLUICE_INFER_STATE_H
#define SLUICE_INFER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/schema.h"

struct spelling;

/* Kinds of values to --mode compatible: BigQuery's types, and these behind them. */
enum {
	KIND_QINTEGER = TYPE_RECORD + 1, /* in quotes */
	KIND_QFLOAT,
	KIND_QBOOLEAN,
	KIND_NULL,
	KIND_EMPTY_ARRAY,
	KIND_EMPTY_RECORD,
	KIND_ARRAY, /* inside an array */
	KIND_NONE,  /* of two that have nothing in common */
};

#define KIND_BIT(kind) (UINT32_C(1) << (kind))

enum status {
	STATUS_NONE,   /* it was forgotten: an array without a type came */
	STATUS_SOFT,   /* only null, [] or {} so far */
	STATUS_HARD,   /* a value had this type */
	STATUS_IGNORE, /* values disagreed: left out for good */
};

struct state {
	uint64_t generation; /* of the record; another one means that there is no state */
	const struct spelling *spelling;
	uint8_t status, type, mode;
	bool filled; /* every row so far had a value */
};

/* Kinds of values to --mode exact, one bit each. */
enum fact {
	FACT_NULL = 1 << 0,
	FACT_EMPTY = 1 << 1, /* "" of a CSV file */
	FACT_BOOLEAN = 1 << 2,
	FACT_INTEGER = 1 << 3,    /* an integer that FLOAT keeps */
	FACT_LONG = 1 << 4,       /* one of INT64 that FLOAT does not keep */
	FACT_HUGE = 1 << 5,       /* one beyond INT64 */
	FACT_DECIMAL = 1 << 6,    /* a number with point or exponent */
	FACT_DAMAGED = 1 << 7,    /* a huge one or a decimal that FLOAT would change */
	FACT_NOT_FINITE = 1 << 8, /* NaN, Infinity */
	FACT_STRING = 1 << 9,
	FACT_DATE = 1 << 10,
	FACT_TIME = 1 << 11,
	FACT_DATETIME = 1 << 12,
	FACT_TIMESTAMP = 1 << 13,
	FACT_OBJECT = 1 << 14,
	FACT_EMPTY_OBJECT = 1 << 15,
	FACT_ARRAY = 1 << 16, /* one with elements */
	FACT_EMPTY_ARRAY = 1 << 17,
	FACT_NOT_JSON = 1 << 18, /* a number outside quotes that BigQuery's JSON would change */
};

/* The longest numbers of a field: digits before and behind the point. */
struct digits {
	uint32_t before, after;
};

struct facts {
	uint32_t values, elements; /* enum fact: of the field, and of what stands in its arrays */
	struct digits digits;      /* of both */
	uint64_t rows;             /* in which it had a value other than null */
};

#endif
