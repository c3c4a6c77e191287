#include "tests/localcloud/router.h"

#include "tests/localcloud/airflow_api.h"
#include "tests/localcloud/api.h"
#include "tests/localcloud/auth.h"
#include "tests/localcloud/dts_api.h"
#include "tests/localcloud/dts_sources.h"
#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/partner.h"
#include "tests/localcloud/pubsub_api.h"
#include "tests/localcloud/reqlog.h"

#include <stdlib.h>
#include <string.h>

typedef int handler(struct exchange *ex, struct api_error *err);

static int health(struct exchange *ex, struct api_error *err)
{
	struct error error;

	ex->content_type = "text/plain; charset=UTF-8";
	return buf_append_str(&ex->text, "Ok\n", &error)
		       ? api_fail(err, 500, "internalError", "out of memory")
		       : 0;
}

static int faults_post(struct exchange *ex, struct api_error *err)
{
	json_t *spec = ex_json(ex, err);
	int rc = spec ? faults_add(ex->server->faults, spec, err) : -1;

	json_decref(spec);
	if (rc == 0)
		ex_answer(ex, 200, faults_list(ex->server->faults));
	return rc;
}

static int faults_get(struct exchange *ex, struct api_error *err)
{
	(void)err;
	ex_answer(ex, 200, faults_list(ex->server->faults));
	return 0;
}

static int faults_delete(struct exchange *ex, struct api_error *err)
{
	(void)err;
	faults_clear(ex->server->faults);
	ex_answer(ex, 200, json_object());
	return 0;
}

static int requests_get(struct exchange *ex, struct api_error *err)
{
	(void)err;
	ex_answer(ex, 200, reqlog_list(ex->server->log));
	return 0;
}

static int requests_delete(struct exchange *ex, struct api_error *err)
{
	(void)err;
	reqlog_clear(ex->server->log);
	ex_answer(ex, 200, json_object());
	return 0;
}

/* A star stands for one piece of the path, which becomes the next param; "**" for all that is left. */
static const struct {
	const char *method, *pattern;
	handler *handle;
} routes[] = {
	{ "GET", "/", health },
	{ "GET", "/$discovery/rest", discovery_get },
	{ "GET", "/discovery/v1/apis/bigquery/v2/rest", discovery_get },
	{ "POST", "/token", oauth_token },
	{ "GET", "/computeMetadata/**", metadata_get },
	{ "POST", "/faults", faults_post },
	{ "GET", "/faults", faults_get },
	{ "DELETE", "/faults", faults_delete },
	{ "GET", "/requests", requests_get },
	{ "DELETE", "/requests", requests_delete },
	{ "GET", "/airflow", airflow_control_get },
	{ "PUT", "/airflow", airflow_control_put },
	{ "POST", "/airflow/auth/token", airflow_token_post },
	{ "GET", "/airflow/api/*/version", airflow_version_get },
	{ "GET", "/airflow/api/*/dags/*", airflow_dags_get },
	{ "PATCH", "/airflow/api/*/dags/*", airflow_dags_patch },
	{ "GET", "/airflow/api/*/dags/*/dagRuns", airflow_runs_list },
	{ "POST", "/airflow/api/*/dags/*/dagRuns", airflow_runs_post },
	{ "GET", "/airflow/api/*/dags/*/dagRuns/*", airflow_runs_get },
	{ "GET", "/v1/projects/*/locations/*/environments/*", composer_environments_get },
	{ "GET", "/bigquery/v2/projects/*/datasets", api_datasets_list },
	{ "POST", "/bigquery/v2/projects/*/datasets", api_datasets_insert },
	{ "GET", "/bigquery/v2/projects/*/datasets/*", api_datasets_get },
	{ "PATCH", "/bigquery/v2/projects/*/datasets/*", api_datasets_patch },
	{ "DELETE", "/bigquery/v2/projects/*/datasets/*", api_datasets_delete },
	{ "GET", "/bigquery/v2/projects/*/datasets/*/tables", api_tables_list },
	{ "POST", "/bigquery/v2/projects/*/datasets/*/tables", api_tables_insert },
	{ "GET", "/bigquery/v2/projects/*/datasets/*/tables/*", api_tables_get },
	{ "PATCH", "/bigquery/v2/projects/*/datasets/*/tables/*", api_tables_patch },
	{ "PUT", "/bigquery/v2/projects/*/datasets/*/tables/*", api_tables_update },
	{ "DELETE", "/bigquery/v2/projects/*/datasets/*/tables/*", api_tables_delete },
	{ "GET", "/bigquery/v2/projects/*/datasets/*/tables/*/data", api_data_list },
	{ "POST", "/bigquery/v2/projects/*/datasets/*/tables/*/insertAll", api_data_insert_all },
	{ "GET", "/bigquery/v2/projects/*/jobs", api_jobs_list },
	{ "POST", "/bigquery/v2/projects/*/jobs", api_jobs_insert },
	{ "GET", "/bigquery/v2/projects/*/jobs/*", api_jobs_get },
	{ "POST", "/bigquery/v2/projects/*/jobs/*/cancel", api_jobs_cancel },
	{ "POST", "/bigquery/v2/projects/*/queries", api_queries_query },
	{ "GET", "/bigquery/v2/projects/*/queries/*", api_queries_get },
	{ "GET", "/storage/v1/b", gcs_buckets_list },
	{ "POST", "/storage/v1/b", gcs_buckets_insert },
	{ "GET", "/storage/v1/b/*", gcs_buckets_get },
	{ "DELETE", "/storage/v1/b/*", gcs_buckets_delete },
	{ "GET", "/storage/v1/b/*/storageLayout", gcs_buckets_layout },
	{ "GET", "/storage/v1/b/*/managedFolders", gcs_buckets_managed_folders },
	{ "GET", "/storage/v1/b/*/notificationConfigs", gcs_notifications_list },
	{ "POST", "/storage/v1/b/*/notificationConfigs", gcs_notifications_insert },
	{ "GET", "/storage/v1/b/*/notificationConfigs/*", gcs_notifications_get },
	{ "DELETE", "/storage/v1/b/*/notificationConfigs/*", gcs_notifications_delete },
	{ "GET", "/storage/v1/b/*/o", gcs_objects_list },
	{ "GET", "/storage/v1/b/*/o/*", gcs_objects_get },
	{ "GET", "/download/storage/v1/b/*/o/*", gcs_objects_get },
	{ "PATCH", "/storage/v1/b/*/o/*", gcs_objects_patch },
	{ "DELETE", "/storage/v1/b/*/o/*", gcs_objects_delete },
	{ "POST", "/storage/v1/b/*/o/*/compose", gcs_objects_compose },
	{ "POST", "/storage/v1/b/*/o/*/rewriteTo/b/*/o/*", gcs_objects_rewrite },
	{ "POST", "/storage/v1/b/*/o/*/copyTo/b/*/o/*", gcs_objects_copy },
	{ "GET", "/v1/projects/*/locations/*/dataSourceDefinitions", partner_sources_list },
	{ "POST", "/v1/projects/*/locations/*/dataSourceDefinitions", partner_sources_create },
	{ "GET", "/v1/projects/*/locations/*/dataSourceDefinitions/*", partner_sources_get },
	{ "PATCH", "/v1/projects/*/locations/*/dataSourceDefinitions/*", partner_sources_patch },
	{ "DELETE", "/v1/projects/*/locations/*/dataSourceDefinitions/*", partner_sources_delete },
	{ "POST", "/v1/projects/*/transferConfigs/*/runs/*", partner_runs_post },
	{ "POST", "/v1/projects/*/locations/*/transferConfigs/*/runs/*", partner_runs_post },
	{ "GET", "/v1/projects/*/topics", pubsub_topics_list },
	{ "PUT", "/v1/projects/*/topics/*", pubsub_topics_create },
	{ "GET", "/v1/projects/*/topics/*", pubsub_topics_get },
	{ "DELETE", "/v1/projects/*/topics/*", pubsub_topics_delete },
	{ "POST", "/v1/projects/*/topics/*", pubsub_topics_post },
	{ "GET", "/v1/projects/*/topics/*/subscriptions", pubsub_topics_subscriptions },
	{ "GET", "/v1/projects/*/subscriptions", pubsub_subscriptions_list },
	{ "PUT", "/v1/projects/*/subscriptions/*", pubsub_subscriptions_create },
	{ "GET", "/v1/projects/*/subscriptions/*", pubsub_subscriptions_get },
	{ "DELETE", "/v1/projects/*/subscriptions/*", pubsub_subscriptions_delete },
	{ "POST", "/v1/projects/*/subscriptions/*", pubsub_subscriptions_post },
	{ "GET", "/v1/projects/*/transferConfigs", dts_configs_list },
	{ "POST", "/v1/projects/*/transferConfigs", dts_configs_create },
	{ "GET", "/v1/projects/*/transferConfigs/*", dts_configs_get },
	{ "PATCH", "/v1/projects/*/transferConfigs/*", dts_configs_patch },
	{ "DELETE", "/v1/projects/*/transferConfigs/*", dts_configs_delete },
	{ "POST", "/v1/projects/*/transferConfigs/*", dts_configs_post },
	{ "GET", "/v1/projects/*/transferConfigs/*/runs", dts_runs_list },
	{ "GET", "/v1/projects/*/transferConfigs/*/runs/*", dts_runs_get },
	{ "PATCH", "/v1/projects/*/transferConfigs/*/runs/*", dts_runs_patch },
	{ "DELETE", "/v1/projects/*/transferConfigs/*/runs/*", dts_runs_delete },
	{ "GET", "/v1/projects/*/transferConfigs/*/runs/*/transferLogs", dts_logs_list },
	{ "GET", "/v1/projects/*/dataSources", dts_sources_list },
	{ "GET", "/v1/projects/*/dataSources/*", dts_sources_get },
	{ "POST", "/v1/projects/*/dataSources/*", dts_sources_post },
	{ "GET", "/v1/projects/*/locations/*/transferConfigs", dts_configs_list },
	{ "POST", "/v1/projects/*/locations/*/transferConfigs", dts_configs_create },
	{ "GET", "/v1/projects/*/locations/*/transferConfigs/*", dts_configs_get },
	{ "PATCH", "/v1/projects/*/locations/*/transferConfigs/*", dts_configs_patch },
	{ "DELETE", "/v1/projects/*/locations/*/transferConfigs/*", dts_configs_delete },
	{ "POST", "/v1/projects/*/locations/*/transferConfigs/*", dts_configs_post },
	{ "GET", "/v1/projects/*/locations/*/transferConfigs/*/runs", dts_runs_list },
	{ "GET", "/v1/projects/*/locations/*/transferConfigs/*/runs/*", dts_runs_get },
	{ "PATCH", "/v1/projects/*/locations/*/transferConfigs/*/runs/*", dts_runs_patch },
	{ "DELETE", "/v1/projects/*/locations/*/transferConfigs/*/runs/*", dts_runs_delete },
	{ "GET", "/v1/projects/*/locations/*/transferConfigs/*/runs/*/transferLogs",
	  dts_logs_list },
	{ "GET", "/v1/projects/*/locations/*/dataSources", dts_sources_list },
	{ "GET", "/v1/projects/*/locations/*/dataSources/*", dts_sources_get },
	{ "POST", "/v1/projects/*/locations/*/dataSources/*", dts_sources_post },
};

bool router_is_control(const char *path)
{
	return strcmp(path, "/faults") == 0 || strcmp(path, "/requests") == 0 ||
	       strcmp(path, "/airflow") == 0;
}

bool router_needs_auth(const char *path)
{
	return strncmp(path, "/bigquery/", 10) == 0 || strncmp(path, "/upload/", 8) == 0 ||
	       strncmp(path, "/resumable/", 11) == 0 || strncmp(path, "/storage/", 9) == 0 ||
	       strncmp(path, "/download/", 10) == 0 || pubsub_is_path(path);
}

/* The next byte of a path as it came, percent escapes undone; -1 at its end. */
static int next_byte(const char **p)
{
	static const char hex[] = "0123456789abcdef";
	const char *s = *p, *high, *low;

	if (!*s || *s == '?')
		return -1;
	*p = s + 1;
	if (*s != '%' || !s[1] || !s[2])
		return (unsigned char)*s;
	high = strchr(hex, s[1] | 0x20);
	low = strchr(hex, s[2] | 0x20);
	if (!high || !low)
		return (unsigned char)*s;
	*p = s + 3;
	return (int)((high - hex) << 4 | (low - hex));
}

/* One piece of the path, up to the next '/' that came as such, into out; false for one that is empty or has a NUL. */
static bool take_piece(const char **path, char **out)
{
	const char *end = *path + strcspn(*path, "/?");
	bool good = end > *path;

	while (*path < end) {
		int byte = next_byte(path);

		good = good && byte != 0;
		*(*out)++ = (char)byte;
	}
	*(*out)++ = '\0';
	return good;
}

/* Fills param when the path fits the pattern. The raw path: names of objects hold '/', which came as %2F. */
static bool match(const char *pattern, const char *path, struct exchange *ex)
{
	size_t params = 0;
	char *out;

	free(ex->segments);
	ex->segments = out = malloc(strlen(path) + EXCHANGE_PARAMS + 1);
	memset(ex->param, 0, sizeof(ex->param));
	while (out && *pattern) {
		if (strcmp(pattern, "**") == 0)
			return true;
		if (*pattern == '*' && params < EXCHANGE_PARAMS) {
			ex->param[params++] = out;
			if (!take_piece(&path, &out))
				return false;
			pattern++;
		} else if (next_byte(&path) != (unsigned char)*pattern++) {
			return false;
		}
	}
	return out && next_byte(&path) < 0;
}

int router_dispatch(struct exchange *ex, struct api_error *err)
{
	const char *method = strcmp(ex->method, "HEAD") == 0 ? "GET" : ex->method;
	bool other_method = false;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!match(routes[i].pattern, ex->url, ex))
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return routes[i].handle(ex, err);
		other_method = true;
	}
	if (other_method)
		return api_fail(err, 405, "httpMethodNotAllowed",
				"HTTP method %s is not allowed for %s", ex->method, ex->path);
	return api_fail(err, 404, "notFound", "Not Found: localcloud does not serve %s %s",
			ex->method, ex->path);
}
