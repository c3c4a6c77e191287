#include "tests/localcloud/auth.h"

#include "tests/localcloud/ident.h"
#include "tests/localcloud/jwt.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* More live tokens than any test holds; the oldest goes first. */
#define MAX_TOKENS 256

struct token {
	char text[64];
	int64_t expires_ms; /* of the monotonic clock */
};

struct auth {
	pthread_mutex_t lock;
	struct token tokens[MAX_TOKENS];
	size_t next;
	int64_t lifetime_s;
	struct jwt_key *key; /* or NULL */
};

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int auth_new(int64_t lifetime_s, const char *key_file, struct auth **ret, struct api_error *err)
{
	struct auth *a = calloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	a->lifetime_s = lifetime_s;
	if (key_file && jwt_key_read(key_file, &a->key, err)) {
		auth_free(a);
		return -1;
	}
	*ret = a;
	return 0;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	jwt_key_free(a->key);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

json_t *auth_issue(struct auth *a)
{
	char random[33];
	json_t *answer;
	struct token *token;

	ident_random_hex(random, sizeof(random));
	pthread_mutex_lock(&a->lock);
	token = &a->tokens[a->next++ % MAX_TOKENS];
	snprintf(token->text, sizeof(token->text), "ya29.localcloud-%s", random);
	token->expires_ms = monotonic_ms() + a->lifetime_s * 1000;
	answer = json_pack("{s:s, s:I, s:s}", "access_token", token->text, "expires_in",
			   (json_int_t)a->lifetime_s, "token_type", "Bearer");
	pthread_mutex_unlock(&a->lock);
	return answer;
}

void auth_expire_all(struct auth *a)
{
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < MAX_TOKENS; i++)
		a->tokens[i].expires_ms = 0;
	pthread_mutex_unlock(&a->lock);
}

int auth_check(struct auth *a, const char *authorization, struct api_error *err)
{
	const char *text = authorization && strncasecmp(authorization, "Bearer ", 7) == 0
				   ? authorization + 7
				   : NULL;
	bool good = false;

	if (!text)
		return api_fail_at(
			err, 401, "required", "Authorization",
			"Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other "
			"valid authentication credential.");
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < MAX_TOKENS && !good; i++)
		good = a->tokens[i].text[0] && strcmp(a->tokens[i].text, text) == 0 &&
		       a->tokens[i].expires_ms > monotonic_ms();
	pthread_mutex_unlock(&a->lock);
	if (good)
		return 0;
	return api_fail_at(
		err, 401, "authError", "Authorization",
		"Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
		"authentication credential.");
}

const struct jwt_key *auth_key(const struct auth *a)
{
	return a->key;
}
