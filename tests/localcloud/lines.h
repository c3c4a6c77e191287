/*
 * Reads a spooled upload line by line, plain or gzip (told apart by its first bytes), in constant memory but for the
 * longest line. The line returned lies in the reader's buffer until the next call.
 */
#ifndef LOCALCLOUD_LINES_H
#define LOCALCLOUD_LINES_H

#include "tests/localcloud/api_error.h"

#include <stddef.h>
#include <stdint.h>

/* BigQuery's limit of a row. */
#define LINES_MAX ((size_t)100 << 20)

struct lines;

int lines_open(const char *path, struct lines **ret, struct api_error *err);
void lines_close(struct lines *l);

/*
 * 1 with the next line without its LF (a last line may lack it), 0 at the end, -1 when reading fails or the line is
 * longer than LINES_MAX. offset is that of the line's first byte in the decompressed text.
 */
int lines_next(struct lines *l, char **line, size_t *n, int64_t *offset, struct api_error *err);
/* Makes the current line longer by the LF and the line that follows, for quoted line breaks of CSV. Same returns. */
int lines_extend(struct lines *l, char **line, size_t *n, struct api_error *err);

#endif
