/* What a job that is done proves of the rows that it was to bring. */
#include "load/report.h"

#include "tests/unit/unit.h"

static int prove(const char *labels, const char *inserted, struct error *err)
{
	json_t *job = json_pack("{s:{s:o},s:{s:{s:{s:s}}}}", "configuration", "labels",
				json_loads(labels, 0, NULL), "statistics", "query", "dmlStats",
				"insertedRowCount", inserted);
	int rc = job ? report_prove_brought(job, "j", err) : -2;

	json_decref(job);
	return rc;
}

int main(void)
{
	struct error err = { 0 };

	unit_test("a statement that brings rows over inserts as many as its label says");
	CHECK(prove("{\"sluice_rows\":\"3\"}", "3", &err) == 0);
	CHECK(prove("{\"sluice_rows\":\"0\"}", "0", &err) == 0);
	CHECK(prove("{\"sluice_rows\":\"3\"}", "2", &err) < 0 && err.code == ERR_PROTOCOL);
	CHECK(prove("{\"sluice_rows\":\"3\"}", "x", &err) < 0 && err.code == ERR_PROTOCOL);
	unit_test("of users' statements and of merges nothing is asked");
	CHECK(prove("{\"sluice_rows\":\"3\",\"sluice_sql\":\"1\"}", "2", &err) == 0);
	CHECK(prove("{}", "2", &err) == 0);
	return unit_done();
}
