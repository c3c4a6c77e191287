#!/usr/bin/env bats
# Ordered tables: many directories, told in any order and often, are loaded one after the other, whoever is killed when.

load helper/common
load helper/localcloud

setup() {
	localcloud_start
	export PUBSUB_EMULATOR_HOST=${LOCALCLOUD_URL#http://} LEDGER=ops.loads
	directories=${ORDER_DIRECTORIES:-120} files=3
	cd "$BATS_TEST_TMPDIR" || return 1
	bq_dataset shop
	gcs_bucket landing >/dev/null
	pubsub PUT topics/files '{}'
	pubsub PUT subscriptions/files "{\"topic\":\"projects/$PROJECT/topics/files\",\"ackDeadlineSeconds\":10}"
	echo '[{"name":"directory","type":"INTEGER"},{"name":"file","type":"INTEGER"}]' >schema
	gcs_put landing shop/orders/_config/schema.json schema >/dev/null
	gcs_put landing shop/orders/_config/ORDERME schema >/dev/null
}

teardown() {
	localcloud_stop
}

pubsub() {
	localcloud_curl --fail-with-body -o /dev/null -X "$1" --data-binary "$3" "$LOCALCLOUD_URL/v1/projects/$PROJECT/$2"
}

# object NAME TEXT: a part of curl's configuration that uploads it.
object() {
	printf 'next\nurl = "%s/upload/storage/v1/b/landing/o?uploadType=media&name=%s"\ndata = "%s"\noutput = /dev/null\n' \
		"$LOCALCLOUD_URL" "$1" "$2"
}

# All directories, in one curl, which keeps its connection.
upload() {
	local d f

	for ((d = 1; d <= directories; d++)); do
		for ((f = 1; f <= files; f++)); do
			object "$(printf 'shop%%2Forders%%2Fpart-%05d%%2F%03d.csv' "$d" "$f")" "$d,$f"
		done
		object "$(printf 'shop%%2Forders%%2Fpart-%05d%%2F_SUCCESS' "$d")" ''
	done | tail -n +2 | curl -sS --noproxy '*' -K -
}

# Each _SUCCESS told three times, in any order, by messages of at most 1,000.
thrice() {
	local d

	for ((d = 1; d <= directories; d++)); do
		printf 'shop/orders/part-%05d/_SUCCESS\n' "$d" "$d" "$d"
	done | shuf | jq -Rc '{attributes: {eventType: "OBJECT_FINALIZE", bucketId: "landing", objectId: ., payloadFormat: "NONE"}}' |
		split -l 1000 - messages.
	for d in messages.*; do
		jq -sc '{messages: .}' "$d" >publish
		pubsub POST topics/files:publish @publish
	done
}

# One row of each file, no more.
assert_all_rows() {
	local n=$((directories * files))

	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n, COUNT(DISTINCT directory * 1000 + file) AS d FROM shop.orders' | jq -c '[.n, .d]')" \
		"[\"$n\",\"$n\"]" rows
}

# The ledger's entries of loads by the time at which they were written: each directory is announced and done before
# the next one is announced, and done once.
assert_order_in_ledger() {
	bq_sql "SELECT run, state FROM $LEDGER WHERE state IN ('submitted', 'done') ORDER BY \`at\`" |
		jq -r '"\(.run) \(.state)"' >entries
	cut -d ' ' -f 1 entries >runs
	LC_ALL=C sort -c runs || _fail 'a directory was announced before the one before it was done'
	assert_equal "$(grep -c ' done$' entries)" "$directories" 'entries done'
	# Nothing of a directory comes behind its end.
	assert_equal "$(tac entries | awk '!seen[$1]++ && $2 != "done"')" '' 'directories that do not end with done'
}

# BigQuery's own account: each job that loaded began when the one before it had ended.
assert_order_of_jobs() {
	bq_api GET "jobs?maxResults=100000&projection=full" >all_jobs
	jq -r '.jobs[] | select(.configuration.load and .status.state == "DONE" and (.status.errorResult | not))
		| "\(.configuration.load.sourceUris[0]) \(.statistics.startTime) \(.statistics.endTime)"' all_jobs | LC_ALL=C sort >loads
	assert_equal "$(wc -l <loads)" "$directories" 'load jobs'
	assert_equal "$(awk '$2 < end { print $1 } { end = $3 }' loads)" '' 'loads that began too early'
}

assert_no_lock() {
	assert_equal "$(gcs_names landing shop/orders/_bqlock)" '' lock
}

@test "many directories, told three times and shuffled, to three workers: in order, once" {
	upload
	thrice
	run_split ingest-gcs --ledger "$LEDGER" --load=--retry-initial=10ms --batch 40 --parallel 3 --idle-exit 3s files
	[ "$status" -eq 0 ]
	assert_all_rows
	assert_order_in_ledger
	assert_order_of_jobs
	assert_no_lock
}

# The processes below that one, itself included: "PID NAME".
tree() {
	local child

	ps -o pid=,comm= -p "$1" || true
	for child in $(pgrep -P "$1"); do
		tree "$child"
	done
}

# kill_one NAME PID: one process of that name below it, by kill -9; all of them where there is none, or NAME is all.
kill_one() {
	local victims

	mapfile -t victims < <(tree "$2" | awk -v name="$1" '$2 == name { print $1; exit }')
	((${#victims[@]})) || mapfile -t victims < <(tree "$2" | awk '{ print $1 }')
	kill -KILL "${victims[@]}" 2>/dev/null || true
}

@test "kill -9 of pubsubrun, gcswatch, bqload at random moments: in order, once" {
	local name pid

	upload
	thrice
	for name in {pubsubrun,gcswatch,bqload,bqload,all}{,,}; do
		ingest-gcs --ledger "$LEDGER" --load=--retry-initial=10ms --batch 40 --parallel 2 files >/dev/null 2>>killed 3>&- &
		pid=$!
		sleep "0.$((RANDOM % 9))"
		kill_one "$name" "$pid"
		# pubsubrun goes on without the other two, for a moment.
		sleep "0.$((RANDOM % 3))"
		kill_one all "$pid"
		wait "$pid" || true
	done
	run_split ingest-gcs --ledger "$LEDGER" --load=--retry-initial=10ms --batch 40 --parallel 2 --idle-exit 15s files
	[ "$status" -eq 0 ]
	assert_all_rows
	assert_order_in_ledger
	assert_order_of_jobs
	assert_no_lock
}

# hold_lock PID PLACE: the lock of the table, as a process wrote it just now.
hold_lock() {
	jq -nc --argjson pid "$1" --arg place "$2" '{host: "elsewhere", pid: $pid, owner: "another", place: $place}' >lock
	gcs_put landing shop/orders/_bqlock lock >/dev/null
}

place() {
	printf '%s %s' "$(</proc/sys/kernel/random/boot_id)" "$(readlink /proc/self/ns/pid)"
}

event() {
	printf '{"@message":{"id":"1","attributes":{"eventType":"OBJECT_FINALIZE","bucketId":"landing","objectId":"shop/orders/part-%05d/_SUCCESS"}}}\n' "$1"
}

batches() {
	grep -c '^{"@batch"' <<<"$output" || true
}

@test "gcswatch: while another loads the table nothing is listed, and then the ledger is asked again" {
	local pid

	directories=2
	upload
	hold_lock 1 ''
	localcloud_curl -X DELETE "$LOCALCLOUD_URL/requests" >/dev/null
	event 2 >told
	run_split gcswatch --ledger "$LEDGER" --lock-wait 200ms <told
	[ "$status" -eq 75 ]
	[[ $errors == *'shop/orders/_bqlock is held by process 1 on elsewhere'* ]] || _fail "told: $errors"
	assert_equal "$(batches)" 0 batches
	# Of lists there are only those of _config.
	assert_equal "$(localcloud_curl "$LOCALCLOUD_URL/requests" | jq '[.requests[].path | select(contains("/o?") and (contains("_config") | not))] | length')" 0 lists
	# The holder goes away without having done anything.
	gcswatch --ledger "$LEDGER" --lock-wait 60s <told >out 2>/dev/null 3>&- &
	pid=$!
	gcs_api DELETE b/landing/o/shop%2Forders%2F_bqlock
	wait "$pid"
	assert_equal "$(grep -c '^{"@batch"' out)" 2 batches
	# Or having loaded all.
	hold_lock 1 ''
	gcswatch --ledger "$LEDGER" --lock-wait 60s <told >waited 2>/dev/null 3>&- &
	pid=$!
	jq -c 'del(.["@batch"]?.lock)' out | bqload --ledger "$LEDGER" -q >/dev/null
	gcs_api DELETE b/landing/o/shop%2Forders%2F_bqlock
	wait "$pid"
	assert_equal "$(grep -c '^{"@batch"' waited || true)" 0 batches
}

@test "bqload: another's lock is waited for; that of a process of this host that is gone is none" {
	directories=2
	upload
	event 2 | gcswatch --ledger "$LEDGER" >batches
	# A process that lives, one that may be anywhere, and one that is gone, but of another host.
	sleep 0 &
	wait "$!"
	for owner in "$$ $(place)" "$! " "$! elsewhere"; do
		hold_lock "${owner%% *}" "${owner#* }"
		run_split bqload --ledger "$LEDGER" --lock-wait 100ms <batches
		[ "$status" -eq 75 ]
		[[ $errors == *'/_bqlock is held by process'* ]] || _fail "told: $errors"
	done
	hold_lock "$!" "$(place)"
	run_split bqload --ledger "$LEDGER" --lock-wait 100ms <batches
	[ "$status" -eq 0 ]
	[[ $errors == *'its owner is gone: taken over'* ]] || _fail "told: $errors"
	assert_all_rows
	assert_order_in_ledger
	assert_no_lock
}
