/*
 * dagtrigger: from the messages of on-premise jobs to DAG runs of Airflow.
 * Each message is written down before anything is done, triggers one run
 * however often it is delivered, and the end of the run closes its entry.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/rowstream.h"
#include "trigger/airflow.h"
#include "trigger/dagtrigger_config.h"
#include "trigger/execution.h"
#include "trigger/replicator.h"

/* What messages are handled with. */
struct work {
	const struct dagtrigger_config *config;
	const json_t *conf; /* of --conf */
	struct replicator_allowed *allowed;
	struct executions *ledger;
	struct airflow_options airflow_options; /* airflow's, as long as that is open */
	struct airflow *airflow;
	struct rowstream_writer *out;
};

/* --- one message ---------------------------------------------------------------------------- */

static int write_run(struct work *w, const char *dag, const char *run_id, const char *state,
		     const char *reason, const char *message_id, struct error *err)
{
	json_t *inner = json_pack("{s:s,s:s,s:s*,s:s,s:s*}", "config", dag, "run", run_id, "state",
				  state, "reason", reason, "change", message_id);
	int rc = inner ? rowstream_write_record(w->out, "@run", inner, err) : error_nomem(err);

	json_decref(inner);
	return rc;
}

static json_t *make_conf(const struct work *w, const struct replicator_message *m,
			 const struct execution *e)
{
	json_t *conf = json_pack("{s:s,s:s,s:s,s:s}", "database", m->command.database, "table",
				 m->command.table, "run_id", e->run_id, "message_id", m->id);

	if (conf && json_object_update(conf, (json_t *)w->conf) < 0) {
		json_decref(conf);
		return NULL;
	}
	return conf;
}

/* The end of the run, into *run and the ledger. */
static int follow(struct work *w, const struct execution *e, json_t **run, struct error *err)
{
	json_t *ended = NULL;

	if (airflow_run_wait(w->airflow, e->dag_id, e->run_id, w->config->every_ms, &ended, err) <
	    0)
		return -1;
	json_decref(*run);
	*run = ended;
	return executions_complete(w->ledger, e->run_id, airflow_run_state(ended), NULL, err) < 0
		       ? -1
		       : 0;
}

/* Written down first: whatever happens behind that, the ledger knows that the job has run. */
static int handle_execution(struct work *w, const struct replicator_message *m,
			    const struct execution *e, struct error *err)
{
	json_t *conf = make_conf(w, m, e), *run = NULL;
	int triggered = -1, rc = -1;

	if (!conf)
		error_nomem(err);
	else if (executions_received(w->ledger, e, err) == 0)
		triggered = airflow_trigger(w->airflow, e->dag_id, e->run_id, conf, &run, err);
	json_decref(conf);
	if (triggered >= 0)
		rc = executions_triggered(w->ledger, e, err);
	if (rc == 0 && w->config->wait)
		rc = follow(w, e, &run, err);
	if (rc == 0)
		rc = write_run(w, e->dag_id, e->run_id, airflow_run_state(run),
			       triggered ? "triggered" : "triggered before", m->id, err);
	if (rc == 0)
		log_info("message %s: %s.%s: run %s of %s%s", m->id, e->database, e->table,
			 e->run_id, e->dag_id, triggered ? "" : ", triggered before");
	if (rc == 0 && w->config->wait && strcmp(airflow_run_state(run), "success") != 0)
		rc = error_set(err, ERR_REMOTE, "run %s of %s has %s", e->run_id, e->dag_id,
			       airflow_run_state(run));
	json_decref(run);
	return rc;
}

static int handle_message(struct work *w, const struct replicator_message *m, struct error *err)
{
	struct execution e = { .command = m->command.text,
			       .database = m->command.database,
			       .table = m->command.table,
			       .timestamp = m->published,
			       .source = w->config->source };

	if ((w->allowed && replicator_allowed_check(w->allowed, &m->command, err) < 0) ||
	    execution_identify(&e, m->id, w->config->dag, err) < 0)
		return -1;
	if (w->config->dry_run)
		return write_run(w, e.dag_id, e.run_id, NULL, "dry run", m->id, err);
	return handle_execution(w, m, &e, err);
}

static int handle_line(struct work *w, const char *text, size_t length, struct error *err)
{
	struct replicator_message m;
	json_error_t why;
	json_t *line = json_loadb(text, length, 0, &why);
	int rc;

	if (!line)
		return error_set(err, ERR_DATA, "not a JSON object: %s", why.text);
	rc = replicator_message(line, w->config->script, &m, err);
	json_decref(line);
	if (rc < 0)
		return -1;
	rc = handle_message(w, &m, err);
	if (rc < 0)
		error_prefix(err, "message %s", m.id);
	replicator_message_release(&m);
	return rc;
}

/* --- all of them ---------------------------------------------------------------------------- */

/* The first failure stands; each is logged, and does not keep the others from being handled. */
static void keep_failure(int *rc, struct error *first, const struct error *why)
{
	log_error("%s", why->message);
	if (*rc == 0)
		*first = *why;
	*rc = -1;
}

/* Failures that have nothing to do with the message: the next one would meet them too, after as long a wait. */
static bool is_everyones(const struct error *err)
{
	return err->code == ERR_TEMP || err->code == ERR_IO || err->code == ERR_OS ||
	       err->code > ERR_SIGNAL;
}

static int handle_messages(struct work *w, struct error *err)
{
	char *text = NULL;
	size_t room = 0;
	unsigned long long number = 0;
	ssize_t length;
	int rc = 0;

	while ((length = getline(&text, &room, stdin)) > 0) {
		struct error why;

		number++;
		if (handle_line(w, text, (size_t)length, &why) < 0) {
			error_prefix(&why, "line %llu", number);
			keep_failure(&rc, err, &why);
			if (is_everyones(&why) || signals_pending())
				break;
		}
		if (signals_check(err) < 0) {
			rc = -1;
			break;
		}
	}
	if (ferror(stdin))
		rc = signals_check(err) < 0 ? -1 : error_set_errno(err, ERR_IO, "stdin");
	free(text);
	return rc;
}

/* A run of a DAG that is paused waits until somebody unpauses it: whoever reads the log should know. */
static int look_at_dag(struct work *w, struct error *err)
{
	const char *id = w->config->dag;
	json_t *dag = NULL;
	int rc = airflow_dag_get(w->airflow, id, &dag, err);

	if (rc == 0)
		return error_set(err, ERR_REMOTE, "%s: no such DAG at %s", id,
				 airflow_url(w->airflow));
	if (rc > 0 && json_is_true(json_object_get(dag, "is_paused")))
		log_warn("%s is paused: its runs wait", id);
	json_decref(dag);
	return rc < 0 ? -1 : 0;
}

static int open_all(struct work *w, const struct api_options *bigquery, struct error *err)
{
	const struct dagtrigger_config *c = w->config;
	const struct executions_options ledger = {
		.name = c->ledger, .project = c->project, .location = c->location, .api = bigquery
	};

	w->airflow_options = (struct airflow_options){ .url = dagtrigger_airflow(c),
						       .composer = c->composer,
						       .project = c->project,
						       .version = (enum airflow_version)c->version,
						       .auth = (enum airflow_auth)c->auth,
						       .user = c->user,
						       .password_file = c->password_file,
						       .token_file = c->token_file,
						       .google = bigquery };
	if (executions_open(&ledger, true, &w->ledger, err) < 0 ||
	    airflow_open(&w->airflow_options, &w->airflow, err) < 0)
		return -1;
	return look_at_dag(w, err);
}

/* --- the whole ------------------------------------------------------------------------------ */

/* The records of the messages that were handled are whole, even where others failed: @end says so, the exit status the rest. */
static int finish(struct rowstream_writer *out, int rc, struct error *err)
{
	struct error broken;

	/* Behind the last message, too. */
	if (signals_check(&broken) < 0) {
		if (rc == 0)
			*err = broken;
		return -1;
	}
	if (rc < 0 && err->code == ERR_IO)
		return rc;
	if (rowstream_write_end(out, NULL, "records", &broken) < 0 ||
	    io_close(STDOUT_FILENO, "stdout", &broken) < 0) {
		*err = broken;
		return -1;
	}
	return rc;
}

static int complete(const struct dagtrigger_config *c, struct work *w,
		    const struct api_options *bigquery, struct error *err)
{
	const struct executions_options ledger = {
		.name = c->ledger, .project = c->project, .location = c->location, .api = bigquery
	};
	char *dag = NULL;
	int rc = executions_open(&ledger, false, &w->ledger, err);

	if (rc == 0)
		rc = executions_complete(w->ledger, c->complete, c->status, &dag, err);
	if (rc < 0)
		return -1;
	log_info("run %s of %s: %s%s", c->complete, dag, c->status, rc ? "" : ", as before");
	rc = write_run(w, dag, c->complete, c->status, rc ? "completed" : "completed before", NULL,
		       err);
	free(dag);
	return rc < 0 ? -1 : finish(w->out, 0, err);
}

static int trigger(const struct dagtrigger_config *c, struct work *w,
		   const struct api_options *bigquery, struct error *err)
{
	json_t *conf = NULL;
	int rc = dagtrigger_conf(c, &conf, err);

	w->conf = conf;
	if (rc == 0 && c->allow)
		rc = replicator_allowed_new(c->allow, &w->allowed, err);
	if (rc == 0 && !c->dry_run)
		rc = open_all(w, bigquery, err);
	if (rc == 0)
		rc = finish(w->out, handle_messages(w, err), err);
	json_decref(conf);
	return rc;
}

static int run(const struct dagtrigger_config *c, struct rowstream_writer *out, struct error *err)
{
	const struct api_options bigquery = dagtrigger_api(c, SERVICE_BIGQUERY);
	struct work w = { .config = c, .out = out };
	int rc = c->timeout_ms ? signals_set_timeout(c->timeout_ms, err) : 0;

	if (rc == 0)
		rc = rowstream_write_begin(out, NULL, err);
	if (rc == 0)
		rc = c->complete ? complete(c, &w, &bigquery, err) : trigger(c, &w, &bigquery, err);
	airflow_close(w.airflow);
	executions_close(w.ledger);
	replicator_allowed_free(w.allowed);
	return rc;
}

int main(int argc, char **argv)
{
	struct dagtrigger_config config = dagtrigger_defaults;
	struct rowstream_writer out;
	struct command_line line;
	struct error err = { 0 };
	int rc;

	if (signals_init(&err) < 0 ||
	    options_parse(&dagtrigger_program, argc, argv, &config, &line, &err) < 0)
		return log_failure(&err);
	if (line.done)
		return 0;
	if (dagtrigger_check(&config, &line, &err) < 0)
		return log_failure(&err);
	rowstream_writer_init(&out, STDOUT_FILENO, "stdout");
	rc = run(&config, &out, &err);
	if (rc < 0)
		rowstream_write_abort(&out, &err);
	rowstream_writer_release(&out);
	return rc < 0 ? log_failure(&err) : 0;
}
