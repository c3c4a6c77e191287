#include "tests/localcloud/partition.h"

#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <string.h>

int64_t partition_floor(const char *type, int64_t us)
{
	struct civil c;

	civil_from_micros(us, &c);
	c.minute = c.second = c.micros = 0;
	if (strcmp(type, "HOUR") != 0)
		c.hour = 0;
	if (strcmp(type, "MONTH") == 0 || strcmp(type, "YEAR") == 0)
		c.day = 1;
	if (strcmp(type, "YEAR") == 0)
		c.month = 1;
	return civil_to_micros(&c);
}

static int64_t next_start(const char *type, int64_t from_us)
{
	struct civil c;

	if (strcmp(type, "HOUR") == 0)
		return from_us + INT64_C(3600000000);
	if (strcmp(type, "DAY") == 0)
		return from_us + CIVIL_DAY_US;
	civil_from_micros(from_us, &c);
	if (strcmp(type, "YEAR") == 0 || c.month == 12) {
		c.year++;
		c.month = 1;
	} else {
		c.month++;
	}
	return civil_to_micros(&c);
}

static int start_of(const char *type, const char *decorator, int64_t *ret)
{
	static const struct {
		const char *type;
		size_t digits;
	} forms[] = { { "YEAR", 4 }, { "MONTH", 6 }, { "DAY", 8 }, { "HOUR", 10 } };
	int part[4] = { 0, 1, 1, 0 };
	size_t n = strlen(decorator);
	char text[CIVIL_TEXT_MAX];
	struct civil c;

	for (size_t i = 0; i < n; i++)
		if (decorator[i] < '0' || decorator[i] > '9')
			return -1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(type, forms[i].type) == 0 && n != forms[i].digits)
			return -1;
	for (size_t i = 0; i < n; i++) {
		size_t which = i < 4 ? 0 : i / 2 - 1;

		if (i == 0 || (i >= 4 && i % 2 == 0))
			part[which] = 0;
		part[which] = part[which] * 10 + (decorator[i] - '0');
	}
	snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:00:00", part[0], part[1], part[2],
		 part[3]);
	if (civil_parse_datetime(text, strlen(text), &c))
		return -1;
	*ret = civil_to_micros(&c);
	return 0;
}

int partition_parse(const char *decorator, const json_t *table, struct partition *ret,
		    struct api_error *err)
{
	const json_t *partitioning = json_object_get(table, "timePartitioning");
	const char *type = ju_string(partitioning, "type", "DAY");
	struct civil c;

	if (json_object_get(table, "rangePartitioning"))
		return api_fail(err, 501, "notImplemented",
				"localcloud does not do decorators of integer ranges.");
	if (!partitioning)
		return api_fail(err, 400, "invalid",
				"Partition decorator $%s on a table that is not partitioned",
				decorator);
	*ret = (struct partition){ 0 };
	snprintf(ret->field, sizeof(ret->field), "%s", ju_string(partitioning, "field", ""));
	/* Partitions by ingestion time have no such rows. */
	if (ret->field[0] && !strcmp(decorator, "__NULL__")) {
		snprintf(ret->id, sizeof(ret->id), "%s", decorator);
		ret->null = true;
		return 0;
	}
	if (strlen(decorator) >= sizeof(ret->id) || start_of(type, decorator, &ret->from_us))
		return api_fail(err, 400, "invalid",
				"Invalid time partition $%s for a table partitioned by %s",
				decorator, type);
	ret->to_us = next_start(type, ret->from_us);
	snprintf(ret->id, sizeof(ret->id), "%s", decorator);
	civil_from_micros(ret->from_us, &c);
	civil_format_datetime(&c, ret->from_text);
	civil_from_micros(ret->to_us, &c);
	civil_format_datetime(&c, ret->to_text);
	/* A DATE '2024-01-01' sorts before '2024-01-01T…', a DATETIME behind a bare date: dates bound both. */
	if (strcmp(type, "HOUR") != 0) {
		ret->from_text[10] = '\0';
		ret->to_text[10] = '\0';
	}
	return 0;
}

bool partition_holds(const struct partition *p, const struct cell *cell, const struct buf *scratch)
{
	char text[CIVIL_TEXT_MAX];

	if (p->null)
		return cell->kind == CELL_NULL;
	if (cell->kind == CELL_INT)
		return cell->i >= p->from_us && cell->i < p->to_us;
	if (cell->kind != CELL_TEXT || cell->n >= sizeof(text))
		return false;
	memcpy(text, cell_bytes(cell, scratch), cell->n);
	text[cell->n] = '\0';
	return strcmp(text, p->from_text) >= 0 && strcmp(text, p->to_text) < 0;
}

int partition_clear(const struct partition *p, struct store *store, const char *physical,
		    struct api_error *err)
{
	const char *column = p->field[0] ? p->field : "_PARTITIONTIME";

	if (p->null)
		return store_exec(store, err, "DELETE FROM \"%w\" WHERE \"%w\" IS NULL", physical,
				  column);
	return store_exec(
		store, err,
		"DELETE FROM \"%w\" WHERE (typeof(\"%w\")='integer' AND \"%w\">=%lld AND \"%w\"<%lld)"
		" OR (typeof(\"%w\")='text' AND \"%w\">=%Q AND \"%w\"<%Q)",
		physical, column, column, (long long)p->from_us, column, (long long)p->to_us,
		column, column, p->from_text, column, p->to_text);
}
