/* The last requests, for GET /requests: method, path, status, bytes, connection. Bounded; thread-safe. No secrets. */
#ifndef LOCALCLOUD_REQLOG_H
#define LOCALCLOUD_REQLOG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;
struct reqlog;

struct reqlog *reqlog_new(void);
void reqlog_free(struct reqlog *l);
/* The number of a new connection, from 1. */
uint64_t reqlog_new_connection(struct reqlog *l);
/* Status 0: the connection was dropped without an answer. */
void reqlog_add(struct reqlog *l, const struct exchange *ex, size_t answer_bytes);
json_t *reqlog_list(struct reqlog *l);
void reqlog_clear(struct reqlog *l);

#endif
