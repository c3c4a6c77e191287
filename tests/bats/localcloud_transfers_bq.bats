#!/usr/bin/env bats
# Google's own bq works on localcloud's transfer configurations and runs. About 1.3 s a call, so they are few.

load helper/common
load helper/localcloud

setup_file() {
	command -v bq >/dev/null || return 0
	PROJECT=testp
	LOCALCLOUD_DATA=$BATS_FILE_TMPDIR/cloud
	localcloud_start --transfer-pending 0 --transfer-running 0
	export CLOUDSDK_CONFIG=$BATS_FILE_TMPDIR/config
	export CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1
	bq_dataset ds
}

teardown_file() {
	localcloud_stop
}

setup() {
	command -v bq >/dev/null || skip "bq is not installed"
	PROJECT=testp
}

bqx() {
	bq --api="$LOCALCLOUD_URL" --oauth_access_token=tok --project_id=testp "$@"
}

# make NAME: a transfer config by bq; sets config
make() {
	run bqx mk --transfer_config --data_source=scheduled_query --target_dataset=ds --display_name="$1" \
		--params='{"query":"SELECT 1"}' --service_account_name=sa@testp.iam.gserviceaccount.com
	assert_status 0
	[[ $output =~ \'(projects/[^\']*)\' ]]
	config=${BASH_REMATCH[1]}
}

@test "bq mk, ls, show, update and rm of transfer configs" {
	make nightly
	run bqx --format=json ls --transfer_config --transfer_location=us --filter=dataSourceIds:scheduled_query
	assert_status 0
	assert_json "[.[0][]|select(.displayName == \"nightly\").name] == [\"$config\"]"
	run bqx update --transfer_config --display_name=weekly --params='{"query":"SELECT 2"}' --schedule='every 48 hours' "$config"
	assert_status 0
	run bqx --format=json show --transfer_config "$config"
	assert_status 0
	assert_json '.[0]|[.displayName,.params.query,.schedule,.ownerInfo.email] == ["weekly","SELECT 2","every 48 hours","sa@testp.iam.gserviceaccount.com"]'
	run bqx rm -f --transfer_config "$config"
	assert_status 0
	run bqx show --transfer_config "$config"
	assert_status 1
	assert_output_contains "Requested entity was not found."
}

@test "bq mk, ls and show of transfer runs, and their log" {
	make runs
	run bqx --format=json mk --transfer_run --run_time=2024-01-05T00:00:00Z "$config"
	assert_status 0
	assert_output_contains "2024-01-05T00:00:00Z"
	run bqx mk --transfer_run --start_time=2024-01-01T00:00:00Z --end_time=2024-01-03T00:00:00Z "$config"
	assert_status 0
	run bqx --format=json ls --transfer_run --max_results=10 "$config"
	assert_status 0
	assert_json '[.[0][].runTime] == ["2024-01-02T00:00:00Z","2024-01-01T00:00:00Z","2024-01-05T00:00:00Z"]'
	name=$(jq -r '.[2].name' <<<"$output")
	run bqx --format=json show --transfer_run "$name"
	assert_status 0
	assert_json '.[0].state == "SUCCEEDED"'
	run bqx ls --transfer_log "$name"
	assert_status 0
	assert_output_contains "succeeded 1 jobs"
}
