#!/usr/bin/env bats
# How pipelines/sync reads .env, and that documentation and program name the same variables.

load helper/common
load helper/sync

setup() {
	sync_directory
	sync_fake
}

# value_of LINE...: what SHOP_DB_PASSWORD becomes by these lines of .env.
value_of() {
	printf '%s\n' "$@" >.env
	run_sync
	assert_status 0
	fake_variable public__orders PGPASSWORD
}

@test ".env: values without quotes, with comments, blanks and export" {
	assert_equal "$(value_of 'SHOP_DB_PASSWORD=plain')" plain
	assert_equal "$(value_of '  export   SHOP_DB_PASSWORD = with blanks   ')" 'with blanks'
	assert_equal "$(value_of '# a comment' '' $'\t# another' 'SHOP_DB_PASSWORD=a#b # comment')" 'a#b'
	assert_equal "$(value_of 'SHOP_DB_PASSWORD= # nothing')" ''
	assert_equal "$(value_of 'SHOP_DB_PASSWORD=a=b')" 'a=b'
	assert_equal "$(value_of 'SHOP_DB_PASSWORD=first' 'SHOP_DB_PASSWORD=last')" last
}

@test ".env: single quotes are literal, double quotes know escapes" {
	assert_equal "$(value_of "SHOP_DB_PASSWORD='a\\n\"b' # c")" 'a\n"b'
	assert_equal "$(value_of 'SHOP_DB_PASSWORD="a\"b\\c\$d\`e '\''f# g"')" 'a"b\c$d`e '\''f# g'
	assert_equal "$(value_of 'SHOP_DB_PASSWORD="tab\there"')" $'tab\there'
	assert_equal "$(value_of 'SHOP_DB_PASSWORD="  "')" '  '
}

@test ".env: a value is bytes, in every locale, UTF-8 or not" {
	local locale value=$'p\xe4ss\xff "w\xc3\xb6rd'
	for locale in C C.UTF-8; do
		printf 'SHOP_DB_PASSWORD=%s # comment \xe4\nSHOP_DB_USER="\xe4"\n' "$value" >.env
		LC_ALL=$locale SHOP_DB_USER='' run_sync
		assert_status 0
		assert_equal "$(fake_variable public__orders PGPASSWORD)" "$value"
		[[ $(fake_variable public__orders SLUICE_SOURCE) == postgresql://%E4@* ]]
	done
}

@test ".env: nothing is expanded and nothing is run" {
	local value='$(touch pwned)`touch pwned`${HOME}$HOME;touch pwned'
	assert_equal "$(value_of "SHOP_DB_PASSWORD=$value")" "$value"
	assert_equal "$(value_of "SHOP_DB_PASSWORD='$value'")" "$value"
	assert_equal "$(value_of 'SHOP_DB_PASSWORD="$(touch pwned)"')" '$(touch pwned)'
	[ ! -e pwned ]
}

@test ".env: a byte order mark, CRLF, and a last line without its end" {
	printf '\xef\xbb\xbfSHOP_DB_PASSWORD=windows\r\nSHOP_DB_USER="me"\r\nBQ_DATASET_ID=last' >.env
	unset BQ_DATASET_ID SHOP_DB_USER
	run_sync
	assert_status 0
	assert_equal "$(fake_variable public__orders PGPASSWORD)" windows
	assert_word public__orders test-project:last.public__orders
	[[ $(fake_variable public__orders SLUICE_SOURCE) == postgresql://me@* ]]
}

@test ".env: every wrong line is named by its number, and nothing of it is shown" {
	printf '%s\n' 'SHOP_DB_PASSWORD="s3cret' 'A=1' 's3cret' "B='s3cret" 'C="s3cret" s3cret' 'D="s3cret\q"' '2E=s3cret' >.env
	run_sync
	assert_refused 'line 1: the quote is not closed' 'line 3 is not NAME=VALUE' 'line 4: the quote' 'line 5: something stands behind' \
		'line 6: \q is no escape' 'line 7 is not'
	[[ $errors != *s3cret* ]]
}

@test ".env that cannot be read is an error; none at all is fine" {
	mkdir .env
	run_sync
	assert_refused '.env cannot be read'
	rmdir .env
	run_sync
	assert_status 0
}

@test ".env: what others need is handed on, what decides what is run is not, and the environment goes first" {
	printf '%s\n' GOOGLE_APPLICATION_CREDENTIALS=/key https_proxy=http://proxy PATH=/evil LD_PRELOAD=/evil.so BASH_ENV=evil \
		IFS=x tables=5 running=x CRM_DB_PASSWORD=other PGSSLROOTCERT=/file >.env
	PGSSLROOTCERT=/environment run_sync
	assert_status 0
	assert_equal "$(fake_variable public__orders GOOGLE_APPLICATION_CREDENTIALS)" /key
	assert_equal "$(fake_variable public__orders https_proxy)" http://proxy
	assert_equal "$(fake_variable public__orders PGSSLROOTCERT)" /environment
	assert_equal "$(fake_variable public__orders LD_PRELOAD)$(fake_variable public__orders BASH_ENV)" ''
	assert_equal "$(fake_variable public__orders CRM_DB_PASSWORD)$(fake_variable public__orders tables)" ''
	[[ $(fake_variable public__orders PATH) != /evil ]]
}

# names_read: the variables that sync asks for with database shop, table public.orders; ours as {ID} and {TABLE}.
names_read() {
	bash -euc 'cd "$SLUICE_ROOT/pipelines"; source ./shared.bash; source ./sync-settings.bash; log() { :; }; configure; printf "%s\n" "${!known[@]}"' | sed 's/^SHOP_PUBLIC_ORDERS_/{ID}_{TABLE}_/; s/^SHOP_/{ID}_/' | sort
}

@test "sync, .env.example and docs/sync.md name the same variables" {
	[ "$(names_read | wc -l)" -gt 45 ]
	run_split diff <(names_read) <(sed -nE 's/^#?([A-Z][A-Z_]*)=.*/\1/p' "$SLUICE_ROOT/.env.example" |
		sed 's/^SHOP_PUBLIC_ORDERS_/{ID}_{TABLE}_/; s/^SHOP_/{ID}_/' | sort)
	[[ $status == 0 ]] || _fail "sync (<) and .env.example (>) differ"
	run_split diff <(names_read) <(sed -n '/^| variable/,/^$/p' "$SLUICE_ROOT/docs/sync.md" | cut -d '|' -f 2 |
		grep -oE '`[A-Z{][A-Z_{}]*`' | tr -d '`' | sort)
	[[ $status == 0 ]] || _fail "sync (<) and docs/sync.md (>) differ"
}

@test "every variable has a test that sets it" {
	local name
	[ "$(names_read | wc -l)" -gt 45 ]
	for name in $(names_read); do
		name=${name//\{TABLE\}/(PUBLIC_ORDERS|[A-Z_]+)}
		grep -qE -e "(^|[^A-Z_])${name//\{ID\}/(SHOP|CRM|\\$\{1\})}(=|\+=| )" "$SLUICE_ROOT"/tests/bats/sync*.bats \
			"$SLUICE_ROOT"/tests/bats/helper/sync.bash || _fail "no test sets $name"
	done
}

@test ".env.example is a valid .env" {
	unset_matching 'SHOP_*'
	unset GCP_PROJECT_ID BQ_DATASET_ID SYNC_DATABASES
	sed 's/^#\([A-Z]\)/\1/' "$SLUICE_ROOT/.env.example" >.env
	run_sync
	assert_status 0
	[[ $errors == *'2 succeeded, 0 failed'* ]]
	cp "$SLUICE_ROOT/.env.example" .env
	run_sync
	assert_status 0
}
