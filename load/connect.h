/*
 * Where bqload talks to: Google's services, the project that runs its jobs,
 * and the whole name of the destination.
 */
#ifndef SLUICE_LOAD_CONNECT_H
#define SLUICE_LOAD_CONNECT_H

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/destination.h"
#include "lib/google/endpoint.h"
#include "load/config.h"

/* How requests of a service are made, as the options say; borrows from them. */
struct api_options connect_options(const struct config *c, enum endpoint_service service);

/*
 * The project that runs the jobs: where --project says, else where we are at
 * home, else that of the destination, which takes it where it names none.
 * *project is the caller's to free. d may be NULL.
 */
int connect_project(const struct config *c, struct api *api, struct destination *d, char **project,
		    struct error *err) __attribute__((warn_unused_result));

#endif
