#!/usr/bin/env bats
# dtsserve source: data source definitions against localcloud's partner API.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
	export PUBSUB_EMULATOR_HOST=$LOCALCLOUD_URL
}

teardown_file() {
	localcloud_stop
}

# A connector's file for the source ID, as YAML.
setup() {
	ID=source$BATS_TEST_NUMBER
	FILE=$BATS_TEST_TMPDIR/source.yaml
	definition "$ID" >"$FILE"
}

definition() {
	cat <<-END
		# what stands around it is the connector's
		data_source_definition:
		  run_time_offset: {seconds: -86400}
		  supported_location_ids: [us, europe]
		  data_source:
		    data_source_id: $1
		    display_name: "yes"
		    update_deadline_seconds: 600
		    parameters:
		      - param_id: start_date
		        type: STRING
		        required: true
		      - {param_id: max_num, type: INTEGER, min_value: {value: 0}}
		imported_data_info: {}
	END
}

@test "create makes the definition of a connector's file, in the form of the API" {
	run_split dtsserve source create "$FILE"
	assert_status 0
	assert_json '.[0] | .name == "projects/test-project/locations/us/dataSourceDefinitions/'"$ID"'"
		and .runTimeOffset == "-86400s" and .supportedLocationIds == ["us", "europe"]
		and .dataSource.displayName == "yes" and .dataSource.updateDeadlineSeconds == 600
		and .dataSource.parameters[0] == {"paramId":"start_date","type":"STRING","required":true}
		and .dataSource.parameters[1].minValue == 0'
	# The service makes the subscription that pubsubrun pulls.
	localcloud_curl --fail-with-body "$LOCALCLOUD_URL/v1/projects/$PROJECT/subscriptions/bigquerydatatransfer.$ID.europe.run"
}

@test "a definition alone, as JSON in the API's own names, is taken too" {
	echo '{"dataSource":{"dataSourceId":"'"$ID"'","minimumScheduleInterval":"3600s"}}' >"$FILE"
	run_split dtsserve source create "$FILE" --location europe
	assert_status 0
	assert_json '.[0].name == "projects/test-project/locations/europe/dataSourceDefinitions/'"$ID"'"'
}

@test "an id that is taken is 69 and named" {
	dtsserve source create "$FILE"
	run_split dtsserve source create "$FILE"
	assert_status 69
	[[ $errors == *"$ID"*ALREADY_EXISTS* ]] || _fail told
}

@test "a create whose answer is lost is said to exist: nothing is made twice" {
	fault '{"match":{"method":"POST","path":"dataSourceDefinitions"},"fault":{"drop":"after-effect"}}'
	run_split dtsserve source create "$FILE" --retry-initial 10ms
	assert_status 0
	assert_json '.[0].dataSource.dataSourceId == "'"$ID"'"'
}

@test "get shows one, by id or by its whole name" {
	dtsserve source create "$FILE"
	run_split dtsserve source get "$ID"
	assert_status 0
	local short=$output
	run_split dtsserve source get "projects/test-project/locations/us/dataSourceDefinitions/$ID"
	assert_equal "$output" "$short"
	run_split dtsserve source get none
	assert_status 66
	[[ $errors == *dataSourceDefinitions/none* ]] || _fail named
}

@test "list goes through all pages" {
	local i

	for i in 1 2 3 4 5; do
		definition "page$i" >"$FILE"
		dtsserve source create "$FILE" --project paged
	done
	localcloud_curl -X DELETE "$LOCALCLOUD_URL/requests"
	run_split dtsserve source list --project paged --page-size 2
	assert_status 0
	assert_equal "$(jq -r .dataSource.dataSourceId <<<"$output" | paste -sd ' ')" "page1 page2 page3 page4 page5"
	assert_equal "$(localcloud_curl "$LOCALCLOUD_URL/requests" | jq '[.requests[] | select(.path | test("pageSize=2"))] | length')" 3 pages
	run_split dtsserve source list --project empty
	assert_status 0
	assert_equal "$output" ""
}

@test "patch changes the fields of the mask, and no others" {
	dtsserve source create "$FILE"
	sed -i -e 's/"yes"/changed/' -e 's/600/700/' "$FILE"
	run_split dtsserve source patch "$FILE" --update-mask dataSource.updateDeadlineSeconds
	assert_status 0
	assert_json '.[0].dataSource | .updateDeadlineSeconds == 700 and .displayName == "yes"'
	run_split dtsserve source patch "$FILE" --update-mask dataSource.displayName,supportEmail
	assert_json '.[0].dataSource.displayName == "changed"'
	run_split dtsserve source get "$ID"
	assert_json '.[0].dataSource | .updateDeadlineSeconds == 700 and .displayName == "changed"'
}

@test "patch without a mask, or with an unknown field, changes nothing" {
	dtsserve source create "$FILE"
	run_split dtsserve source patch "$FILE"
	assert_status 64
	[[ $errors == *--update-mask* ]] || _fail named
	run_split dtsserve source patch "$FILE" --update-mask dataSource.nonsense
	assert_status 69
	[[ $errors == *nonsense* ]] || _fail named
}

@test "delete deletes" {
	dtsserve source create "$FILE"
	run_split dtsserve source delete "$ID"
	assert_status 0
	run_split dtsserve source get "$ID"
	assert_status 66
	run_split dtsserve source delete "$ID"
	assert_status 66
}

@test "a bad file is 78, and the place is named" {
	printf 'data_source:\n  data_source_id: a\n  data_source_id: b\n' >"$FILE"
	run_split dtsserve source create "$FILE"
	assert_status 78
	[[ $errors == *"source.yaml: line 3, column 3: the key 'data_source_id' stands here a second time"* ]] || _fail place
	printf '{"dataSource":\n{"dataSourceId":}}' >"$FILE"
	run_split dtsserve source create "$FILE"
	assert_status 78
	[[ $errors == *"source.yaml: line 2"* ]] || _fail place
	echo 'data_source: {display_name: x}' >"$FILE"
	run_split dtsserve source create "$FILE"
	assert_status 78
	[[ $errors == *dataSourceId* ]] || _fail place
	run_split dtsserve source create "$BATS_TEST_TMPDIR/none"
	assert_status 66
}

@test "a field that the API does not know is the server's error, 69" {
	echo '{"dataSource":{"dataSourceId":"x","colour":"red"}}' >"$FILE"
	run_split dtsserve source create "$FILE"
	assert_status 69
	[[ $errors == *colour* ]] || _fail named
}

@test "what is no command is 64" {
	local words

	for words in "" nothing source "source make" "source get" "source list x" "source create" "source create a b"; do
		# shellcheck disable=SC2086 # words
		run_split dtsserve $words
		[[ $status == 64 && -n $errors ]] || _fail "'$words' is $status"
	done
}
