/* What answers add to stored resources: links to where this server was reached. */
#ifndef LOCALCLOUD_RESOURCE_H
#define LOCALCLOUD_RESOURCE_H

#include "tests/localcloud/http.h"

void resource_link_job(const struct exchange *ex, json_t *job);
void resource_link_table(const struct exchange *ex, json_t *table);
void resource_link_dataset(const struct exchange *ex, json_t *dataset);

#endif
