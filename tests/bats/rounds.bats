# A table that changes at the source between syncs which are killed now and then; see tests/property/rounds.

load helper/common

@test "a table that changes is in sync after each sync that succeeds, whatever was killed before" {
	# With this seed ten rounds have kills, late commits, and columns that come, go and change.
	run "$SLUICE_ROOT/tests/property/rounds" 10 "${ROUNDS_SEED:-107}"
	assert_status 0
	assert_output_contains "postgresql: 10 rounds are in sync"
	assert_output_contains "mysql: 10 rounds are in sync"
}
