/*
 * The discovery document, which `bq` asks for before anything else. It is discovery.json as it stands in the source
 * tree, put into the program by the assembler; only its rootUrl is this server's.
 */
#include "tests/localcloud/api.h"

#include <stdint.h>
#include <string.h>

__asm__(".section .rodata\n"
	".balign 16\n"
	"localcloud_discovery_begin:\n"
	".incbin \"tests/localcloud/discovery.json\"\n"
	".set localcloud_discovery_length, . - localcloud_discovery_begin\n"
	".byte 0\n"
	".balign 8\n"
	"localcloud_discovery_size:\n"
	".quad localcloud_discovery_length\n"
	".previous\n");

extern const char localcloud_discovery_begin[];
extern const uint64_t localcloud_discovery_size;

int discovery_get(struct exchange *ex, struct api_error *err)
{
	const char *version = ex_query(ex, "version");
	char root[300];
	json_t *document;

	if (version && strcmp(version, "v2") != 0)
		return api_fail(err, 404, "notFound",
				"localcloud serves the discovery document of BigQuery v2 only.");
	document = json_loadb(localcloud_discovery_begin, localcloud_discovery_size, 0, NULL);
	if (!document)
		return api_fail(err, 500, "internalError", "the discovery document is damaged");
	json_object_set_new(document, "rootUrl",
			    json_sprintf("%s/", ex_root(ex, root, sizeof(root))));
	ex_answer(ex, 200, document);
	return 0;
}
