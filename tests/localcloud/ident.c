#include "tests/localcloud/ident.h"

#include "lib/utf8.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

static bool only(const char *s, const char *extra)
{
	for (; *s; s++) {
		bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			      (*s >= '0' && *s <= '9');

		if (!letter && !strchr(extra, *s))
			return false;
	}
	return true;
}

bool ident_utf8(const char *s, size_t n)
{
	return utf8_valid_prefix(s, n) == n;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

int ident_check_project(const char *id, struct api_error *err)
{
	if (!id[0] || strlen(id) > 100 || !only(id, "-.:") || strchr("-.:", id[0]))
		return api_fail(err, 400, "invalid", "Invalid project ID '%s'.", id);
	return 0;
}

int ident_check_dataset(const char *id, struct api_error *err)
{
	if (!id[0] || strlen(id) > 1024 || !only(id, "_"))
		return api_fail(
			err, 400, "invalid",
			"Invalid dataset ID \"%s\". Dataset IDs must be alphanumeric (plus underscores) and must be at most "
			"1024 characters long.",
			id);
	return 0;
}

int ident_check_table(const char *id, struct api_error *err)
{
	/* Letters of any script, marks, numbers, connectors, dashes and spaces; of ASCII that leaves these. */
	bool ok = id[0] && strlen(id) <= 1024 && ident_utf8(id, strlen(id));

	for (const char *p = id; ok && *p; p++) {
		char one[2] = { *p, '\0' };

		ok = (*p & 0x80) || only(one, "_- ");
	}
	if (!ok)
		return api_fail(
			err, 400, "invalid",
			"Invalid table ID \"%s\". Table IDs must be alphanumeric (plus underscores) and must be at most 1024 "
			"characters long. Also, Table decorators cannot be used.",
			id);
	return 0;
}

int ident_check_column(const char *name, struct api_error *err)
{
	static const char *const reserved[] = { "_TABLE_",        "_FILE_",   "_PARTITION",
						"_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER",
						"_CHANGE_" };
	bool ok = name[0] && ident_utf8(name, strlen(name)) &&
		  !strpbrk(name, "!\"$()*,./;?@[\\]^`{}~");

	for (const char *p = name; ok && *p; p++)
		ok = (unsigned char)*p >= 0x20 && *p != 0x7f;
	if (!ok || characters(name) > 300)
		return api_fail(
			err, 400, "invalid",
			"Invalid field name \"%s\". Fields must contain the allowed characters, and be at most 300 characters "
			"long. For allowed characters, please refer to "
			"https://cloud.google.com/bigquery/docs/schemas#column_names",
			name);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strncasecmp(name, reserved[i], strlen(reserved[i])) == 0)
			return api_fail(
				err, 400, "invalid",
				"Invalid field name \"%s\". Field names are not allowed to start with the (case-insensitive) "
				"prefixes _PARTITION, _TABLE_, _FILE_, _ROW_TIMESTAMP, __ROOT__, _COLIDENTIFIER and _CHANGE_",
				name);
	return 0;
}

int ident_check_job(const char *id, struct api_error *err)
{
	if (!id[0] || strlen(id) > 1024 || !only(id, "_-"))
		return api_fail(
			err, 400, "invalid",
			"Invalid job ID \"%s\". Job IDs must be alphanumeric (plus underscores and dashes) and must be at most "
			"1024 characters long.",
			id);
	return 0;
}

void ident_random_hex(char *buf, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t raw[64];
	size_t n = size - 1;

	for (size_t i = 0; i < n; i++) {
		if (i % sizeof(raw) == 0 && getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
			memset(raw, 0, sizeof(raw));
		buf[i] = hex[raw[i % sizeof(raw)] & 15];
	}
	buf[n] = '\0';
}
