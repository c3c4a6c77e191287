#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "extract/mysql_impl.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/parse.h"

enum {
	GREETING_MAX = 512,
	CAPABILITY_TLS = 0x0800,
	GREETING_VERSION = 10,
	STACK_BYTES = 256 * 1024, /* of the library's coroutines, in which TLS and resolvers run */
	CANCEL_SECONDS = 2,
	MARIADB_MIN = 100500,
	MYSQL_MIN = 50700,
};

/* --- options ------------------------------------------------------------------------- */

static int set_option(MYSQL *mysql, enum mysql_option option, const void *value, struct error *err)
{
	if (mysql_options(mysql, option, value) == 0)
		return 0;
	return error_set(err, ERR_BUG, "libmariadb does not take option %d", (int)option);
}

/*
 * The library reads option files when it connects, and what they say would
 * override what was set before. So a first attempt, whose protocol does not
 * exist here, makes it read them; it returns before it opens anything.
 */
static int read_option_files(MYSQL *mysql, struct error *err)
{
	unsigned none = MYSQL_PROTOCOL_MEMORY, protocol;

	if (set_option(mysql, MYSQL_READ_DEFAULT_GROUP, "sqlextract", err) < 0 ||
	    set_option(mysql, MYSQL_OPT_PROTOCOL, &none, err) < 0)
		return -1;
	/* A file that names a protocol makes it try: to where nobody listens, with nothing to tell. */
	if (mysql_real_connect(mysql, "127.0.0.1", "sqlextract", "", NULL, 1, "/dev/null",
			       CLIENT_REMEMBER_OPTIONS))
		return error_set(err, ERR_BUG, "a connection to nowhere was made");
	if (mysql_get_option(mysql, MYSQL_OPT_PROTOCOL, &protocol) == 0 && protocol == none) {
		none = MYSQL_PROTOCOL_DEFAULT;
		return set_option(mysql, MYSQL_OPT_PROTOCOL, &none, err);
	}
	return 0;
}

static int set_tls(MYSQL *mysql, const struct mysql_uri *uri, struct error *err)
{
	const my_bool on = 1, off = 0;
	/* Without a word in the URI, what the option files say stays. */
	bool unset = uri->sslmode == MYSQL_SSL_UNSET, use = uri->sslmode != MYSQL_SSL_DISABLE;
	my_bool verify = uri->sslmode == MYSQL_SSL_VERIFY_FULL;

	if ((!unset || uri->ssl_ca) && set_option(mysql, MYSQL_OPT_SSL_CA, uri->ssl_ca, err) < 0)
		return -1;
	if ((!unset || uri->ssl_cert) &&
	    (set_option(mysql, MYSQL_OPT_SSL_CERT, uri->ssl_cert, err) < 0 ||
	     set_option(mysql, MYSQL_OPT_SSL_KEY, uri->ssl_key, err) < 0))
		return -1;
	/* With an authority the library checks the certificate, with this its name as well. */
	if (!unset && set_option(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify, err) < 0)
		return -1;
	return set_option(mysql, MYSQL_OPT_SSL_ENFORCE, use ? &on : &off, err);
}

/* The variables of MySQL's clients go before option files. MYSQL_PWD is given when it connects. */
static int set_environment(MYSQL *mysql, struct error *err)
{
	const char *host = getenv("MYSQL_HOST"), *port = getenv("MYSQL_TCP_PORT");
	const char *socket = getenv("MYSQL_UNIX_PORT");
	unsigned value;
	int64_t number;

	if (host && *host && set_option(mysql, MARIADB_OPT_HOST, host, err) < 0)
		return -1;
	if (socket && *socket && set_option(mysql, MARIADB_OPT_UNIXSOCKET, socket, err) < 0)
		return -1;
	if (!port || !*port)
		return 0;
	if (parse_int64(port, 1, 65535, &number, err) < 0)
		return error_prefix(err, "MYSQL_TCP_PORT");
	value = (unsigned)number;
	return set_option(mysql, MARIADB_OPT_PORT, &value, err);
}

/* As with MySQL's clients, localhost is the local socket; but not with a port. */
static int set_protocol(MYSQL *mysql, const struct mysql_uri *uri, struct error *err)
{
	const unsigned tcp = MYSQL_PROTOCOL_TCP, local = MYSQL_PROTOCOL_SOCKET;

	if (uri->socket)
		return set_option(mysql, MYSQL_OPT_PROTOCOL, &local, err);
	if (uri->port || (uri->host && strcmp(uri->host, "localhost") != 0))
		return set_option(mysql, MYSQL_OPT_PROTOCOL, &tcp, err);
	return 0;
}

static int set_options(MYSQL *mysql, const struct mysql_uri *uri, struct error *err)
{
	const unsigned long packet_max = 1UL << 30; /* the most that a server sends */
	const my_bool off = 0;
	const unsigned no = 0;

	if (read_option_files(mysql, err) < 0 || set_environment(mysql, err) < 0 ||
	    set_protocol(mysql, uri, err) < 0 || set_tls(mysql, uri, err) < 0 ||
	    set_option(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4", err) < 0 ||
	    set_option(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_max, err) < 0)
		return -1;
	/* A connection that comes back without a word has lost its transaction. */
	if (set_option(mysql, MYSQL_OPT_RECONNECT, &off, err) < 0)
		return -1;
	/* A server may otherwise ask for any file of ours. */
	return set_option(mysql, MYSQL_OPT_LOCAL_INFILE, &no, err);
}

/* NULL: err. */
static MYSQL *new_handle(const struct mysql_uri *uri, struct error *err)
{
	MYSQL *mysql = mysql_init(NULL);

	if (!mysql)
		error_nomem(err);
	else if (set_options(mysql, uri, err) < 0) {
		mysql_close(mysql);
		mysql = NULL;
	}
	return mysql;
}

/* --- connecting ------------------------------------------------------------------------ */

/*
 * The library goes on in clear text where the server has no TLS to offer,
 * whatever it was told. So look at the greeting before it answers: 1: TLS is
 * offered, or this is no greeting; 0: it is not; -1: there is too little of it.
 */
static int greeting_offers_tls(int fd)
{
	unsigned char packet[GREETING_MAX];
	ssize_t n = recv(fd, packet, sizeof packet, MSG_PEEK | MSG_DONTWAIT);
	const unsigned char *end, *zero;

	if (n < 5)
		return n == 0 ? 1 : -1;
	end = packet + n;
	/* 3 bytes of length, 1 of number, the protocol's version: else an error, which is shown. */
	if (packet[4] != GREETING_VERSION)
		return 1;
	zero = memchr(packet + 5, '\0', (size_t)(end - packet) - 5);
	/* The server's version, a connection's number, 8 bytes to scramble with, a filler. */
	if (!zero || end - zero < 1 + 4 + 8 + 1 + 2)
		return n == sizeof packet ? 0 : -1;
	return ((zero[14] | zero[15] << 8) & CAPABILITY_TLS) != 0;
}

static bool tls_is_required(const struct mysql_uri *uri)
{
	return uri->sslmode >= MYSQL_SSL_REQUIRE;
}

static int refuse_clear_text(struct error *err)
{
	return error_set(err, ERR_PERM, "the server does not support TLS, but sslmode requires it");
}

/* An attempt that was refused is reported by the library. */
static bool is_connected(int fd)
{
	int problem = 0;
	socklen_t length = sizeof problem;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &length) == 0 && problem == 0;
}

/* What a connection attempt waits for, and until when. */
struct attempt {
	int64_t until, timeout_ms;
	bool greeted; /* the greeting was seen, or does not matter */
};

static int await_events(struct connection *c, const struct attempt *a, short events,
			struct error *err)
{
	int ready = wait_for(c->wait, mysql_get_socket(c->mysql), events, a->until, err);

	if (ready == 0)
		return error_set(err, ERR_TEMP,
				 "MySQL: no connection to %s within --connect-timeout (%.1f s)",
				 c->uri.host ? c->uri.host : "the server",
				 (double)a->timeout_ms / 1000);
	return ready;
}

/* The library may read and answer it in one go, so this comes before it goes on at all. */
static int await_greeting(struct connection *c, struct attempt *a, struct error *err)
{
	int offered;

	for (;;) {
		struct pollfd hangup = { .events = POLLRDHUP };

		if (await_events(c, a, POLLIN, err) < 0)
			return -1;
		offered = greeting_offers_tls(mysql_get_socket(c->mysql));
		if (offered >= 0)
			break;
		/* The rest is on its way, unless it ends here. */
		hangup.fd = mysql_get_socket(c->mysql);
		if (poll(&hangup, 1, 1) > 0)
			return error_set(err, ERR_TEMP,
					 "MySQL: the server closed the connection in its greeting");
	}
	a->greeted = true;
	return offered ? 0 : refuse_clear_text(err);
}

static int await_connection(struct connection *c, int wanted, struct attempt *a, struct error *err)
{
	if (await_events(c, a, (wanted & MYSQL_WAIT_READ) ? POLLIN : POLLOUT, err) < 0)
		return -1;
	if (!a->greeted && is_connected(mysql_get_socket(c->mysql)) &&
	    await_greeting(c, a, err) < 0)
		return -1;
	return wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
}

/* Let the attempt end by itself, so that it frees what it has. */
static void unwind(MYSQL *mysql, MYSQL *connected)
{
	int wanted = MYSQL_WAIT_TIMEOUT;

	shutdown(mysql_get_socket(mysql), SHUT_RDWR);
	for (int i = 0; wanted && i < 100; i++)
		wanted = mysql_real_connect_cont(&connected, mysql, MYSQL_WAIT_TIMEOUT);
}

static int start_connecting(struct connection *c, int64_t timeout_ms, struct error *err)
{
	const struct mysql_uri *uri = &c->uri;
	const size_t stack = STACK_BYTES;
	const unsigned seconds = 365 * 24 * 3600; /* the limits are ours */
	struct attempt attempt = { .until = timeout_ms > 0 ? monotonic_ms() + timeout_ms : 0,
				   .timeout_ms = timeout_ms,
				   .greeted = !tls_is_required(uri) };
	MYSQL *connected = NULL;
	int wanted;

	if (set_option(c->mysql, MYSQL_OPT_NONBLOCK, &stack, err) < 0 ||
	    set_option(c->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds, err) < 0)
		return -1;
	wanted = mysql_real_connect_start(&connected, c->mysql,
					  uri->socket ? "localhost" : uri->host, uri->user,
					  getenv("MYSQL_PWD"), uri->database, uri->port,
					  uri->socket, 0);
	while (wanted) {
		int ready = await_connection(c, wanted, &attempt, err);

		if (ready < 0) {
			unwind(c->mysql, connected);
			return -1;
		}
		wanted = mysql_real_connect_cont(&connected, c->mysql, ready);
	}
	return connected ? 0 : mysql_fail(c, err);
}

/* After the greeting was looked at, TLS was negotiated or the attempt failed; this is the proof. */
static int check_connection(struct connection *c, struct error *err)
{
	unsigned long version = mysql_get_server_version(c->mysql);
	const char *text = mysql_get_server_info(c->mysql);

	if (tls_is_required(&c->uri) && !mysql_get_ssl_cipher(c->mysql))
		return refuse_clear_text(err);
	c->mariadb = strstr(text, "MariaDB") != NULL;
	if (version < (c->mariadb ? MARIADB_MIN : MYSQL_MIN))
		return error_set(err, ERR_REMOTE, "%s %s is too old: %s is the oldest that is read",
				 mysql_product(c), text, c->mariadb ? "10.5" : "5.7");
	return 0;
}

int mysql_connect_to(struct connection *c, int64_t timeout_ms, struct error *err)
{
	c->mysql = new_handle(&c->uri, err);
	if (!c->mysql || start_connecting(c, timeout_ms, err) < 0)
		return -1;
	return check_connection(c, err);
}

/* --- stopping ----------------------------------------------------------------------------- */

/* What the thread needs; it owns all of it. */
struct canceller {
	MYSQL *mysql;
	struct mysql_uri uri;
	char *instance;
	unsigned long thread_id;
};

static void canceller_free(struct canceller *k)
{
	mysql_close(k->mysql);
	mysql_release_uri(&k->uri);
	free(k->instance);
	free(k);
}

/* Behind one address there may be several servers, and there the number is somebody else's. */
static bool is_same_server(struct canceller *k)
{
	MYSQL_RES *result;
	MYSQL_ROW row;
	bool same;

	if (mysql_query(k->mysql, MYSQL_SQL_INSTANCE) != 0)
		return false;
	result = mysql_store_result(k->mysql);
	row = result ? mysql_fetch_row(result) : NULL;
	same = row && row[0] && k->instance && !strcmp(row[0], k->instance);
	mysql_free_result(result);
	return same;
}

static void *cancel_thread(void *argument)
{
	struct canceller *k = argument;
	const struct mysql_uri *uri = &k->uri;
	char sql[40];

	snprintf(sql, sizeof sql, "KILL %lu", k->thread_id);
	if (!mysql_real_connect(k->mysql, uri->socket ? "localhost" : uri->host, uri->user,
				getenv("MYSQL_PWD"), NULL, uri->port, uri->socket, 0) ||
	    (tls_is_required(uri) && !mysql_get_ssl_cipher(k->mysql)) || !is_same_server(k) ||
	    mysql_query(k->mysql, sql) != 0)
		log_debug("MySQL: %s was not sent: %s", sql, mysql_error(k->mysql));
	canceller_free(k);
	mysql_thread_end();
	return NULL;
}

static struct canceller *new_canceller(struct connection *c)
{
	const unsigned seconds = CANCEL_SECONDS;
	struct canceller *k = calloc(1, sizeof *k);
	struct error ignored;

	if (!k)
		return NULL;
	k->mysql = new_handle(&c->uri, &ignored);
	if (!k->mysql) {
		free(k);
		return NULL;
	}
	mysql_options(k->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_options(k->mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
	mysql_options(k->mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
	k->thread_id = mysql_thread_id(c->mysql);
	k->uri = c->uri;
	k->instance = c->instance;
	c->uri = (struct mysql_uri){ 0 };
	c->instance = NULL;
	return k;
}

/*
 * KILL over a second connection, because closing does not stop a query that
 * computes. Connecting may block for longer than we want to wait, in a
 * resolver for instance, so a thread does it; the process ends with it.
 */
void mysql_cancel_query(struct connection *c)
{
	struct canceller *k;
	struct timespec until;
	sigset_t all, before;
	pthread_t thread;
	int rc;

	if (!c->busy || !c->instance)
		return;
	c->busy = false;
	k = new_canceller(c);
	if (!k)
		return;
	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, NULL, cancel_thread, k);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		canceller_free(k);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CANCEL_SECONDS;
	if (pthread_timedjoin_np(thread, NULL, &until) != 0)
		pthread_detach(thread);
}

void mysql_disconnect(struct connection *c)
{
	/* The goodbye must not wait for a server that does not read. */
	if (c->mysql && (c->suspended || c->busy))
		shutdown(mysql_get_socket(c->mysql), SHUT_RDWR);
	/* Before the statements: closing one would read all its rows to the end. */
	if (c->mysql)
		mysql_close(c->mysql);
	for (size_t i = 0; i < c->statement_count; i++)
		mysql_stmt_close(c->statements[i]);
	c->mysql = NULL;
	c->stmt = NULL;
}
