#include "tests/localcloud/dts_notifier.h"

#include "lib/log.h"
#include "tests/localcloud/dts.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/pubsub_send.h"

#include <pthread.h>
#include <stdlib.h>

/* Between attempts to reach a Pub/Sub that does not answer. */
#define RETRY_MS 500

struct dts_notifier {
	struct dts *dts;
	struct pubsub_sender *sender;
	pthread_t thread;
};

/* Whether nothing more is to be done. cloud.google.com/bigquery/docs/transfer-run-notifications */
static bool tell(struct dts_notifier *n, const struct dts_notice *notice)
{
	json_t *attributes = json_pack("{s:s, s:s}", "eventType", "TRANSFER_RUN_FINISHED",
				       "payloadFormat", "JSON_API_V1");
	json_t *messages = json_pack("[o]", pubsub_json_message(attributes, notice->run));
	long status = pubsub_send(n->sender, notice->topic, messages);

	json_decref(messages);
	if (pubsub_send_again(status))
		return false;
	if (status != 200)
		log_warn("end of %s: %s answered %ld, so nobody is told",
			 ju_string(notice->run, "name", ""), notice->topic, status);
	return true;
}

static void *run(void *closure)
{
	struct dts_notifier *n = closure;
	struct dts_notice notice;
	struct api_error err;
	int rc;

	while ((rc = dts_notice_next(n->dts, &notice, &err)) > 0) {
		if (!tell(n, &notice))
			dts_notices_pause(n->dts, RETRY_MS);
		else
			rc = dts_notice_done(n->dts, &notice, &err);
		dts_notice_release(&notice);
		if (rc < 0)
			break;
	}
	if (rc < 0)
		log_error("notifications of transfer runs end: %s", err.message);
	return NULL;
}

int dts_notifier_start(const struct server *server, struct dts_notifier **ret,
		       struct api_error *err)
{
	struct dts_notifier *n = calloc(1, sizeof(*n));

	n->dts = server->dts;
	n->sender = pubsub_sender_new(server);
	if (!n->sender || pthread_create(&n->thread, NULL, run, n)) {
		pubsub_sender_free(n->sender);
		free(n);
		return api_fail(err, 500, "INTERNAL", "cannot start the notifier of transfers");
	}
	*ret = n;
	return 0;
}

void dts_notifier_stop(struct dts_notifier *n)
{
	if (!n)
		return;
	dts_notices_stop(n->dts);
	pthread_join(n->thread, NULL);
	pubsub_sender_free(n->sender);
	free(n);
}
