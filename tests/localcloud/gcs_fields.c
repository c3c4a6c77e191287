#include "tests/localcloud/gcs_fields.h"

#include <stdbool.h>
#include <string.h>

/* Deeper than any resource. */
#define MAX_DEPTH 16

struct mask {
	const char *p;
	int depth;
	bool bad;
};

/*
 * A selection becomes nested objects, {"items":{"name":{}}}; an empty one selects all of a member. Members selected
 * twice are selected by both. Takes the reference to below.
 */
static void add(json_t *to, const char *name, size_t n, json_t *below)
{
	json_t *have = json_object_getn(to, name, n), *deeper;
	const char *key;

	if (!have)
		json_object_setn(to, name, n, below);
	else if (json_object_size(have) == 0 || json_object_size(below) == 0)
		json_object_clear(have);
	else
		json_object_foreach(below, key, deeper)
			add(have, key, strlen(key), json_incref(deeper));
	json_decref(below);
}

static json_t *parse_list(struct mask *m, bool only_one);

/* What stands behind a name: "/NAME", "(LIST)" or nothing. */
static json_t *parse_below(struct mask *m)
{
	json_t *below = NULL;

	if (++m->depth > MAX_DEPTH) {
		m->bad = true;
	} else if (*m->p == '/') {
		m->p++;
		below = parse_list(m, true);
	} else if (*m->p == '(') {
		m->p++;
		below = parse_list(m, false);
		m->bad = m->bad || *m->p != ')';
		m->p += !m->bad;
	}
	m->depth--;
	return below ? below : json_object();
}

/* Names with commas between them; only_one: behind a slash, where the comma ends it. */
static json_t *parse_list(struct mask *m, bool only_one)
{
	json_t *list = json_object();

	for (;;) {
		const char *name = m->p;
		size_t n = strcspn(name, ",/()");

		m->p += n;
		m->bad = m->bad || n == 0;
		add(list, name, n, parse_below(m));
		if (m->bad || only_one || *m->p != ',')
			return list;
		m->p++;
	}
}

static json_t *select_of(const json_t *value, const json_t *mask);

static void keep(json_t *some, const char *key, const json_t *value, const json_t *mask)
{
	/* A text or a number has no members. */
	if (json_object_size(mask) == 0 || json_is_object(value) || json_is_array(value))
		json_object_set_new(some, key, select_of(value, mask));
}

static json_t *select_of(const json_t *value, const json_t *mask)
{
	json_t *some, *element;
	const char *key;
	size_t i;

	if (json_object_size(mask) == 0)
		return json_incref((json_t *)value);
	if (json_is_array(value)) {
		some = json_array();
		json_array_foreach(value, i, element)
			json_array_append_new(some, select_of(element, mask));
		return some;
	}
	some = json_object();
	if (json_object_get(mask, "*")) {
		json_object_foreach((json_t *)value, key, element)
			keep(some, key, element, json_object_get(mask, "*"));
	}
	json_object_foreach((json_t *)mask, key, element) {
		const json_t *member = json_object_get(value, key);

		if (member)
			keep(some, key, member, element);
	}
	return some;
}

/* New reference; NULL when it is no selection. */
static json_t *parse(const char *fields)
{
	struct mask m = { fields, 0, false };
	json_t *mask = parse_list(&m, false);

	if (!m.bad && !*m.p)
		return mask;
	json_decref(mask);
	return NULL;
}

int gcs_fields_check(const char *fields, struct api_error *err)
{
	json_t *mask = parse(fields);

	if (!mask)
		return api_fail_at(err, 400, "invalidParameter", "fields",
				   "Invalid field selection %.200s", fields);
	json_decref(mask);
	return 0;
}

json_t *gcs_fields_select(const json_t *value, const char *fields)
{
	json_t *mask = parse(fields), *some = mask ? select_of(value, mask) : NULL;

	json_decref(mask);
	return some;
}
