#include "tests/unit/google_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	abort();
}

/* --- environment, files, keys ------------------------------------------------------------- */

void fixture_clean_environment(void)
{
	static const char *const names[] = {
		"GOOGLE_APPLICATION_CREDENTIALS",
		"GOOGLE_CLOUD_PROJECT",
		"GOOGLE_CLOUD_QUOTA_PROJECT",
		"CLOUDSDK_CONFIG",
		"GCE_METADATA_HOST",
		"BIGQUERY_EMULATOR_HOST",
		"STORAGE_EMULATOR_HOST",
		"PUBSUB_EMULATOR_HOST",
		"http_proxy",
		"HTTPS_PROXY",
		"https_proxy",
		"ALL_PROXY",
		"SSL_CERT_FILE",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	setenv("HOME", "/nonexistent", 1);
	setenv("NO_GCE_CHECK", "true", 1);
}

static EVP_PKEY *rsa_key;

static void free_key(void)
{
	EVP_PKEY_free(rsa_key);
}

const char *fixture_rsa_key(void)
{
	static char pem[4096];
	BIO *bio;
	int n;

	if (rsa_key)
		return pem;
	rsa_key = EVP_RSA_gen(2048);
	must(rsa_key != NULL, "EVP_RSA_gen");
	atexit(free_key);
	bio = BIO_new(BIO_s_mem());
	must(bio && PEM_write_bio_PrivateKey(bio, rsa_key, NULL, NULL, 0, NULL, NULL) == 1, "PEM");
	n = BIO_read(bio, pem, sizeof pem - 1);
	must(n > 0, "BIO_read");
	pem[n] = '\0';
	BIO_free(bio);
	return pem;
}

bool fixture_verifies(const void *sig, size_t sig_length, const void *p, size_t n)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, rsa_key) == 1 &&
		    EVP_DigestVerify(context, sig, sig_length, p, n) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

static char paths[32][64];
static size_t path_count;

static void remove_files(void)
{
	for (size_t i = 0; i < path_count; i++)
		unlink(paths[i]);
}

const char *fixture_file(const char *text)
{
	char *path = paths[path_count];
	size_t n = strlen(text);
	int fd;

	if (path_count == 0)
		atexit(remove_files);
	must(path_count + 1 < sizeof paths / sizeof *paths, "too many files");
	memcpy(path, "/tmp/sluice-unit-XXXXXX", sizeof "/tmp/sluice-unit-XXXXXX");
	fd = mkstemp(path);
	must(fd >= 0 && write(fd, text, n) == (ssize_t)n, path);
	close(fd);
	path_count++;
	return path;
}

const char *fixture_service_account(const char *url)
{
	static char text[8192];
	json_t *key = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s+}", "type", "service_account",
				"project_id", "key-project", "client_email",
				"sa@key-project.iam.gserviceaccount.com", "private_key_id", "kid1",
				"private_key", fixture_rsa_key(), "token_uri", url, "/token");

	must(key && json_dumpb(key, text, sizeof text - 1, 0) < sizeof text, "service account");
	text[json_dumpb(key, text, sizeof text - 1, 0)] = '\0';
	json_decref(key);
	return text;
}

/* --- the script -------------------------------------------------------------------------------- */

struct script {
	const struct script_reply *replies;
	size_t reply_count;
	struct script_request requests[SCRIPT_REQUESTS_MAX];
	size_t request_count;
	int listener;
	int connections[SCRIPT_REQUESTS_MAX];
	pthread_t threads[SCRIPT_REQUESTS_MAX];
	int connection_count;
	pthread_t acceptor;
	pthread_mutex_t lock;
	char url[64];
};

struct connection {
	struct script *script;
	int fd, number;
};

static void write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t written = send(fd, p, n, MSG_NOSIGNAL);

		if (written <= 0)
			return;
		p += written;
		n -= (size_t)written;
	}
}

/* Read one request into r. False at the end of the connection. */
static bool read_request(int fd, struct script_request *r)
{
	char head[8192] = "";
	size_t n = 0, length = 0;
	char *end = NULL, *line_end;
	const char *field;

	while (!end) {
		ssize_t got = read(fd, head + n, sizeof head - 1 - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		head[n] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	field = strcasestr(head, "\r\nContent-Length:");
	if (field && field < end)
		for (field += strcspn(field, "0123456789"); *field >= '0' && *field <= '9'; field++)
			length = length * 10 + (size_t)(*field - '0');
	line_end = strstr(head, "\r\n");
	snprintf(r->line, sizeof r->line, "%.*s", (int)(line_end - head), head);
	snprintf(r->headers, sizeof r->headers, "%.*s", (int)(end + 2 - line_end), line_end);
	r->body = calloc(1, length + 1);
	must(r->body != NULL, "calloc");
	r->body_length = n - (size_t)(end + 4 - head);
	memcpy(r->body, end + 4, r->body_length);
	while (r->body_length < length) {
		ssize_t got = read(fd, r->body + r->body_length, length - r->body_length);

		if (got <= 0)
			return false;
		r->body_length += (size_t)got;
	}
	return true;
}

/* False: close the connection. */
static bool reply(int fd, const struct script_reply *r)
{
	size_t n = (r->body ? strlen(r->body) : 0) + r->pad;
	char head[1024], spaces[4096], byte;

	if (r->action == SCRIPT_HANG) {
		while (read(fd, &byte, 1) > 0)
			;
		return false;
	}
	if (r->action == SCRIPT_DROP)
		return false;
	if (r->delay_ms)
		nanosleep(&(struct timespec){ r->delay_ms / 1000, r->delay_ms % 1000 * 1000000L },
			  NULL);
	snprintf(head, sizeof head, "HTTP/1.1 %d Scripted\r\n%sContent-Length: %zu\r\n\r\n",
		 r->status, r->headers ? r->headers : "", n);
	write_all(fd, head, strlen(head));
	if (r->body)
		write_all(fd, r->body, r->action == SCRIPT_CUT ? n / 2 : strlen(r->body));
	if (r->action == SCRIPT_CUT)
		return false;
	memset(spaces, ' ', sizeof spaces);
	for (size_t left = r->pad; left > 0;) {
		size_t piece = left < sizeof spaces ? left : sizeof spaces;

		write_all(fd, spaces, piece);
		left -= piece;
	}
	return true;
}

static void *serve(void *user)
{
	static const struct script_reply over = { .status = 418 };
	struct connection c = *(struct connection *)user;
	struct script *s = c.script;
	bool more = true;

	free(user);
	while (more) {
		struct script_request request = { .connection = c.number };
		const struct script_reply *next;

		if (!read_request(c.fd, &request)) {
			free(request.body);
			break;
		}
		pthread_mutex_lock(&s->lock);
		must(s->request_count < SCRIPT_REQUESTS_MAX, "too many requests");
		next = s->request_count < s->reply_count ? &s->replies[s->request_count] : &over;
		s->requests[s->request_count++] = request;
		pthread_mutex_unlock(&s->lock);
		more = reply(c.fd, next);
	}
	shutdown(c.fd, SHUT_RDWR);
	return NULL;
}

static void *accept_all(void *user)
{
	struct script *s = user;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		struct connection *c = malloc(sizeof *c);

		must(c && s->connection_count < SCRIPT_REQUESTS_MAX, "too many connections");
		*c = (struct connection){ s, fd, s->connection_count };
		s->connections[s->connection_count] = fd;
		must(pthread_create(&s->threads[s->connection_count], NULL, serve, c) == 0,
		     "pthread_create");
		s->connection_count++;
	}
	return NULL;
}

struct script *script_start(const struct script_reply *replies, size_t count)
{
	struct script *s = calloc(1, sizeof *s);
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof at;

	must(s != NULL, "calloc");
	s->replies = replies;
	s->reply_count = count;
	pthread_mutex_init(&s->lock, NULL);
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	must(s->listener >= 0 && bind(s->listener, (struct sockaddr *)&at, length) == 0 &&
		     listen(s->listener, 16) == 0 &&
		     getsockname(s->listener, (struct sockaddr *)&at, &length) == 0,
	     "listening");
	snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", ntohs(at.sin_port));
	must(pthread_create(&s->acceptor, NULL, accept_all, s) == 0, "pthread_create");
	return s;
}

void script_stop(struct script *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->acceptor, NULL);
	close(s->listener);
	for (int i = 0; i < s->connection_count; i++) {
		shutdown(s->connections[i], SHUT_RDWR);
		pthread_join(s->threads[i], NULL);
		close(s->connections[i]);
	}
	for (size_t i = 0; i < s->request_count; i++)
		free(s->requests[i].body);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const char *script_url(const struct script *s)
{
	return s->url;
}

size_t script_count(struct script *s)
{
	size_t count;

	pthread_mutex_lock(&s->lock);
	count = s->request_count;
	pthread_mutex_unlock(&s->lock);
	return count;
}

const struct script_request *script_request(struct script *s, size_t i)
{
	static char empty[1];
	static const struct script_request none = { .body = empty };

	return i < script_count(s) ? &s->requests[i] : &none;
}

bool script_has_header(const struct script_request *r, const char *header)
{
	char line[1024];

	snprintf(line, sizeof line, "\r\n%s\r\n", header);
	return strcasestr(r->headers, line) != NULL;
}

static void open_api(struct api *a, enum endpoint_service service, const char *variable,
		     const struct script *s)
{
	struct api_options options = {
		.service = service, .retry = { .initial_ms = 1, .max_ms = 8, .budget_ms = 2000 }
	};
	struct error err;

	setenv(variable, s->url, 1);
	if (api_open(a, &options, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
}

void fixture_api(struct api *a, const struct script *s)
{
	open_api(a, SERVICE_BIGQUERY, "BIGQUERY_EMULATOR_HOST", s);
}

void fixture_storage_api(struct api *a, const struct script *s)
{
	open_api(a, SERVICE_STORAGE, "STORAGE_EMULATOR_HOST", s);
}
