#include "trigger/dtstrigger_configs.h"

#include <string.h>

#include "trigger/dts.h"

void configs_release(struct configs *c)
{
	json_decref(c->all);
	c->all = NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static bool has_id(const json_t *config, const char *id)
{
	const char *slash = strrchr(text_of(config, "name"), '/');

	return slash && !strcmp(slash + 1, id);
}

/* How many have that display name, or id; *ret: the last of them, borrowed. */
static size_t count(const struct configs *c, const char *wanted, bool display_name, json_t **ret)
{
	size_t i, found = 0;
	json_t *config;

	json_array_foreach(c->all, i, config)
		if (!strcmp(text_of(config, "displayName"), wanted) ||
		    (!display_name && has_id(config, wanted))) {
			*ret = config;
			found++;
		}
	return found;
}

static int find_listed(struct configs *c, const char *wanted, bool display_name, const char *label,
		       json_t **ret, struct error *err)
{
	json_t *config = NULL;
	size_t found;

	if (!c->all && dts_configs(c->dts, c->location, &c->all, err) < 0)
		return -1;
	found = count(c, wanted, display_name, &config);
	if (found == 0)
		return error_set(err, ERR_CONFIG, "%s: %s has no transfer config called '%s'",
				 label, c->location, wanted);
	if (found > 1)
		return error_set(
			err, ERR_CONFIG,
			"%s: %s has %zu transfer configs called '%s'; --config takes an id", label,
			c->location, found, wanted);
	*ret = json_incref(config);
	return 0;
}

static int check(const json_t *config, const char *label, struct error *err)
{
	const char *name = text_of(config, "name"), *slash = strrchr(name, '/');
	static const char id_bytes[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	/* The id names the lock too. */
	if (!slash || !slash[1] || slash[1 + strspn(slash + 1, id_bytes)])
		return error_set(err, ERR_PROTOCOL, "%s: '%s' is no name of a transfer config",
				 label, name);
	if (json_is_true(json_object_get(config, "disabled")))
		return error_set(err, ERR_CONFIG, "%s: the transfer config '%s' (%s) is disabled",
				 label, text_of(config, "displayName"), name);
	return 0;
}

int configs_find(struct configs *c, const char *wanted, bool display_name, const char *label,
		 json_t **ret, struct error *err)
{
	json_t *config = NULL;
	int rc;

	if (!display_name && !strncmp(wanted, "projects/", 9)) {
		rc = dts_config(c->dts, wanted, &config, err);
		if (rc == 0)
			rc = error_set(err, ERR_CONFIG, "%s: there is no %s", label, wanted);
	} else {
		rc = find_listed(c, wanted, display_name, label, &config, err);
	}
	if (rc >= 0)
		rc = check(config, label, err);
	if (rc < 0) {
		json_decref(config);
		return -1;
	}
	*ret = config;
	return 0;
}
