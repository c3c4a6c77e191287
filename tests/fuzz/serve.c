/* What dtsserve reads from outside: requests as binary protobuf (first byte 'P') and as lines ('L'), files of YAML. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/target.h"
#include "trigger/serve_document.h"
#include "trigger/serve_request.h"

/* Each part of a name becomes part of a path. */
static void check(struct request *r)
{
	REQUIRE(*r->source && !strchr(r->source, '/'));
	REQUIRE(*r->config_id && !strchr(r->config_id, '/'));
	REQUIRE(*r->run_id && !strchr(r->run_id, '/'));
	REQUIRE(*r->run_time && json_is_object(r->params));
	request_release(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request;
	struct error err;
	json_t *document;

	if (size == 0)
		return 0;
	if (data[0] == 'P') {
		if (request_from_protobuf(data + 1, size - 1, &request, &err) == 0)
			check(&request);
	} else if (data[0] == 'L') {
		if (request_from_line((const char *)data + 1, size - 1, &request, &err) == 0)
			check(&request);
	} else if (document_read((const char *)data, size, "f", ERR_CONFIG, &document, &err) == 0) {
		REQUIRE(json_is_object(document));
		json_decref(document);
	}
	return 0;
}
