# Sources that a unit test links beyond the two libraries.
UNIT_rowcheck_test_SOURCES := load/rowcheck.c
UNIT_parse_test_SOURCES    := load/destination.c load/schema_fit.c
