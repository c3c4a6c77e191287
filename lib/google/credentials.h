/*
 * Application Default Credentials: who we are to Google. Looked for in this
 * order: --credentials FILE, GOOGLE_APPLICATION_CREDENTIALS, the file that
 * `gcloud auth application-default login` writes ($CLOUDSDK_CONFIG or
 * ~/.config/gcloud), the metadata server (GCE_METADATA_HOST).
 *
 * A file is read once. Messages name the file and the field that is wrong,
 * never what it holds. A struct owns its strings and wipes them.
 */
#ifndef SLUICE_LIB_GOOGLE_CREDENTIALS_H
#define SLUICE_LIB_GOOGLE_CREDENTIALS_H

#include "lib/error.h"
#include "lib/google/http.h"

enum credentials_type {
	CREDENTIALS_NONE, /* authentication is off */
	CREDENTIALS_SERVICE_ACCOUNT,
	CREDENTIALS_AUTHORIZED_USER,
	CREDENTIALS_METADATA,
};

/* Fields that the type does not have are NULL. */
struct credentials {
	enum credentials_type type;
	char *source;    /* for messages: the file, or "metadata server HOST" */
	char *token_uri; /* https, or loopback */
	char *client_email, *private_key, *private_key_id;
	char *client_id, *client_secret, *refresh_token;
	char *project;       /* project_id of the file */
	char *quota_project; /* GOOGLE_CLOUD_QUOTA_PROJECT, or quota_project_id of the file */
};

/*
 * Find and read them. The metadata server is asked only when no file is
 * there, and has 3 s to answer. ERR_PERM when nothing is found, ERR_CONFIG
 * when the file cannot be read, is malformed or of a type that is not
 * supported.
 */
int credentials_load(const char *file, struct http_client *client, struct credentials *ret,
		     struct error *err) __attribute__((warn_unused_result));

/* The same from one named file, without looking further. */
int credentials_read_file(const char *path, struct credentials *ret, struct error *err)
	__attribute__((warn_unused_result));

void credentials_release(struct credentials *c);

/*
 * The project to work in: option (--project) if not NULL, then
 * GOOGLE_CLOUD_PROJECT, the file's project_id, its quota project, the
 * metadata server's. *ret is the caller's to free. ERR_CONFIG when none is
 * known, saying how to name one; ERR_USAGE for a malformed id.
 */
int credentials_project(const struct credentials *c, struct http_client *client, const char *option,
			char **ret, struct error *err) __attribute__((warn_unused_result));

/* Where the metadata server is: GCE_METADATA_HOST or Google's own name. */
const char *credentials_metadata_host(void);

#endif
