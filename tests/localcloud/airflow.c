/* Configuration and users. */
#include "tests/localcloud/airflow_impl.h"

#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct airflow *airflow_new(void)
{
	struct airflow *a = calloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	a->config = json_pack("{s:s, s:{}, s:{}, s:{}}", "version", "2.10.5", "users", "dags",
			      "environments");
	a->tokens = json_object();
	a->runs = json_object();
	return a;
}

void airflow_free(struct airflow *a)
{
	if (!a)
		return;
	json_decref(a->config);
	json_decref(a->tokens);
	json_decref(a->runs);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* --- configuration ------------------------------------------------------------------------------------------- */

static int check_version(const json_t *value, struct api_error *err)
{
	const char *text = json_string_value(value);

	if (text && (text[0] == '2' || text[0] == '3') && text[1] == '.')
		return 0;
	return api_fail(err, 400, "invalid", "version: a string such as \"2.10.5\" or \"3.0.6\"");
}

static int check_config(const json_t *config, struct api_error *err)
{
	static const char *const objects[] = { "users", "dags", "environments", NULL };
	const char *key, *name;
	json_t *value, *item;

	json_object_foreach((json_t *)config, key, value) {
		if (strcmp(key, "version") == 0) {
			if (check_version(value, err))
				return -1;
			continue;
		}
		if (!ju_in(key, objects) || !json_is_object(value))
			return api_fail(err, 400, "invalid",
					"%s: only version, users, dags, environments", key);
		json_object_foreach(value, name, item) {
			if (!json_is_object(item))
				return api_fail(err, 400, "invalid", "%s.%s: not an object", key,
						name);
		}
	}
	return 0;
}

int airflow_configure(struct airflow *a, const json_t *config, struct api_error *err)
{
	const char *key;
	json_t *value;

	if (check_config(config, err))
		return -1;
	pthread_mutex_lock(&a->lock);
	json_object_foreach((json_t *)config, key, value) {
		json_t *copy = json_deep_copy(value);

		if (json_is_object(copy)) {
			json_object_update(json_object_get(a->config, key), copy);
			json_decref(copy);
		} else {
			json_object_set_new(a->config, key, copy);
		}
	}
	pthread_mutex_unlock(&a->lock);
	return 0;
}

json_t *airflow_config(struct airflow *a)
{
	json_t *copy;

	pthread_mutex_lock(&a->lock);
	copy = json_deep_copy(a->config);
	pthread_mutex_unlock(&a->lock);
	return copy;
}

void airflow_version(struct airflow *a, char *out, size_t size)
{
	pthread_mutex_lock(&a->lock);
	snprintf(out, size, "%s", ju_string(a->config, "version", ""));
	pthread_mutex_unlock(&a->lock);
}

int airflow_major(struct airflow *a)
{
	char version[32];

	airflow_version(a, version, sizeof(version));
	return version[0] - '0';
}

void airflow_environment(struct airflow *a, const char *name, char *state, size_t size)
{
	const json_t *found;

	pthread_mutex_lock(&a->lock);
	found = json_object_get(json_object_get(a->config, "environments"), name);
	snprintf(state, size, "%s", found ? ju_string(found, "state", "RUNNING") : "");
	pthread_mutex_unlock(&a->lock);
}

/* --- users --------------------------------------------------------------------------------------------------- */

static enum airflow_role role_of(const json_t *user)
{
	const char *role = ju_string(user, "role", "Op");

	if (!user)
		return AIRFLOW_NOBODY;
	return strcmp(role, "Op") == 0       ? AIRFLOW_OP
	       : strcmp(role, "Viewer") == 0 ? AIRFLOW_VIEWER
					     : AIRFLOW_PUBLIC;
}

/* The lock is held. */
static const json_t *find_user(struct airflow *a, const char *name)
{
	return json_object_get(json_object_get(a->config, "users"), name);
}

enum airflow_role airflow_role_of_password(struct airflow *a, const char *user,
					   const char *password)
{
	enum airflow_role role;
	const json_t *found;
	const char *right;

	pthread_mutex_lock(&a->lock);
	found = find_user(a, user);
	right = ju_string(found, "password", NULL);
	role = right && strcmp(right, password) == 0 ? role_of(found) : AIRFLOW_NOBODY;
	pthread_mutex_unlock(&a->lock);
	return role;
}

enum airflow_role airflow_role_of_token(struct airflow *a, const char *token)
{
	enum airflow_role role;
	const char *user;

	pthread_mutex_lock(&a->lock);
	user = ju_string(a->tokens, token, NULL);
	role = user ? role_of(find_user(a, user)) : AIRFLOW_NOBODY;
	pthread_mutex_unlock(&a->lock);
	return role;
}

char *airflow_token_new(struct airflow *a, const char *user)
{
	char random[65], *token = NULL;

	ident_random_hex(random, sizeof(random));
	/* As long and of the same bytes as a JWT; nobody but us reads it. */
	if (asprintf(&token, "eyJhbGciOiJIUzUxMiJ9.%.32s.%s", random + 32, random) < 0)
		return NULL;
	pthread_mutex_lock(&a->lock);
	json_object_set_new(a->tokens, token, json_string(user));
	pthread_mutex_unlock(&a->lock);
	return token;
}

void airflow_expire_tokens(struct airflow *a)
{
	pthread_mutex_lock(&a->lock);
	json_object_clear(a->tokens);
	pthread_mutex_unlock(&a->lock);
}
