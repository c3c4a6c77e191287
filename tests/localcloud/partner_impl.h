/* Shared by the files of the partner API only. */
#ifndef LOCALCLOUD_PARTNER_IMPL_H
#define LOCALCLOUD_PARTNER_IMPL_H

#include "tests/localcloud/partner.h"

#include <pthread.h>

#define PARTNER_NAME_MAX 1024
/* Runs that can be finished in the life of a server: each has a thread that waits for its jobs. */
#define PARTNER_THREADS 1000

struct partner {
	pthread_mutex_t lock; /* guards all that follows */
	json_t *sources;      /* name -> DataSourceDefinition */
	json_t *runs;         /* name -> {"jobs":[Job],"finished":bool} */
	pthread_t thread[PARTNER_THREADS];
	size_t threads;
	bool ending;
};

/* What is kept of the run; lent. The lock is held. */
json_t *partner_run_state(struct partner *p, const char *name);
bool partner_is_ending(struct partner *p);
/* Whether a definition has this data source id; project, of PARTNER_NAME_MAX bytes or NULL, is its partner's. */
bool partner_find_source(struct partner *p, const char *id, char *project);

#endif
