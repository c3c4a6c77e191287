# Random tables from both databases, compared value for value with what was put in.

load helper/common

@test "random tables of both databases arrive as they are" {
	run "$SLUICE_ROOT/tests/property/run" 12 "${PROPERTY_SEED:-1}"
	assert_status 0
	assert_line "postgresql: 12 of 12 tables are as they were"
	assert_line "mysql: 12 of 12 tables are as they were"
}
