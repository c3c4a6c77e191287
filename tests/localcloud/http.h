/*
 * The HTTP server, and what handlers see of a request: struct exchange.
 *
 * One thread a connection (libmicrohttpd). A handler runs when the body has come in whole; bodies of uploads go to
 * upload.h piece by piece instead. A handler fills the answer, or returns -1 with err, which becomes Google's error
 * envelope. The exchange owns everything in it and is freed when the request ends.
 */
#ifndef LOCALCLOUD_HTTP_H
#define LOCALCLOUD_HTTP_H

#include "lib/buf.h"
#include "tests/localcloud/api_error.h"
#include "tests/localcloud/faults.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct server {
	const char *dir;
	const char *project; /* of the metadata server */
	char url[64];        /* http://127.0.0.1:PORT */
	bool require_auth;
	bool no_md5; /* objects have only a CRC-32C */
	struct store *store;
	struct jobs *jobs;
	struct faults *faults;
	struct auth *auth;
	struct uploads *uploads;
	struct gcs *gcs;
	struct pubsub *pubsub;
	struct dts *dts;
	struct dts_notifier *notifier;
	struct partner *partner;
	struct airflow *airflow;
	struct gcs_publisher *publisher;
	struct reqlog *log;
	struct MHD_Daemon *daemon;
};

#define EXCHANGE_PARAMS 4
#define EXCHANGE_HEADERS 16

struct upload;

struct exchange {
	struct server *server;
	struct MHD_Connection *connection;
	const char *method;
	const char *path; /* percent-decoded */
	char *url;        /* as it came, with the query */
	char *segments;   /* the path cut into pieces that param points into */
	const char *param[EXCHANGE_PARAMS];
	struct buf body;
	int64_t received;
	struct fault_effect fault;
	struct upload *upload; /* not NULL: body bytes go there */
	bool refused;          /* status is set already: the body is read and thrown away */
	/* The answer. */
	int status;
	json_t *json;
	struct buf text; /* instead of json */
	int fd;          /* or a piece of a file: -1 when it is none */
	int64_t file_from, file_length;
	bool file_streams; /* sent without Content-Length */
	const char *content_type;
	struct {
		const char *name;
		char *value;
	} headers[EXCHANGE_HEADERS];
};

/* port 0: any free one. Fills server->url. */
int http_start(struct server *server, uint16_t port, struct api_error *err);
void http_stop(struct server *server);

/* NULL when absent. */
const char *ex_query(const struct exchange *ex, const char *name);
const char *ex_header(const struct exchange *ex, const char *name);
/* A number in the query string; fallback when absent, 400 when it is none. */
int ex_query_int64(const struct exchange *ex, const char *name, int64_t fallback, int64_t *ret,
		   struct api_error *err);
/* The body as a JSON object, new reference; NULL and 400 otherwise. An empty body is {}. */
json_t *ex_json(const struct exchange *ex, struct api_error *err);

void ex_answer(struct exchange *ex, int status, json_t *json); /* takes the reference */
/* Answers with a piece of the file, which is the exchange's then. */
void ex_answer_file(struct exchange *ex, int status, int fd, int64_t from, int64_t length);
void ex_error(struct exchange *ex, const struct api_error *err);
void ex_set_header(struct exchange *ex, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The address that the client used: http://HOST. */
const char *ex_root(const struct exchange *ex, char *buf, size_t size);

#endif
