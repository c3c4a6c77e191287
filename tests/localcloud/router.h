/* Which handler answers which method and path. */
#ifndef LOCALCLOUD_ROUTER_H
#define LOCALCLOUD_ROUTER_H

#include "tests/localcloud/http.h"

int router_dispatch(struct exchange *ex, struct api_error *err);
/* Google's APIs need a bearer; the token endpoint, the metadata server and the controls do not. */
bool router_needs_auth(const char *path);
/* /faults and /requests: not subject to faults, not logged. */
bool router_is_control(const char *path);

#endif
