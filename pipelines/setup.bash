# What set-up scripts share: commands for gcloud and bq that do no harm when they are run again, said or run. Sourced
# after shared.bash; the one who does has set $project and $apply (yes or no), and defines say_setup.
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of those who source this

# say WORD...: a command, quoted for a shell where that is needed.
say() {
	local word line=''
	for word; do
		[[ $word =~ ^[A-Za-z0-9_./:=@,+%-]+$ ]] || word=${word@Q}
		line+=" $word"
	done
	printf '%s\n' "${line# }"
}

# unless_there WORD... -- WORD...: the second command, unless the first one finds it done.
unless_there() {
	local look=()
	while [[ $1 != -- ]]; do
		look+=("$1")
		shift
	done
	printf '%s >/dev/null 2>&1 ||\n\t' "$(say "${look[@]}")"
	say "${@:2}"
}

# when_there WORD... -- WORD... -- WORD...: the second command if the first one finds it, else the third.
when_there() {
	local look=() found=()
	while [[ $1 != -- ]]; do
		look+=("$1")
		shift
	done
	shift
	while [[ $1 != -- ]]; do
		found+=("$1")
		shift
	done
	printf 'if %s >/dev/null 2>&1; then\n\t' "$(say "${look[@]}")"
	say "${found[@]}"
	printf 'else\n\t'
	say "${@:2}"
	printf 'fi\n'
}

grant_project() {
	say gcloud projects add-iam-policy-binding "$project" --member="$2" --role="$1" --condition=None --format=none
}

# say_messages NAME: a topic, its subscription of the same name, and where messages go that always fail.
say_messages() {
	local name=$1 kind

	for kind in "$name" "$name-dead"; do
		unless_there gcloud pubsub topics describe "$kind" --project="$project" -- \
			gcloud pubsub topics create "$kind" --project="$project"
	done
	# Dead letters that nobody keeps are lost.
	unless_there gcloud pubsub subscriptions describe "$name-dead" --project="$project" -- \
		gcloud pubsub subscriptions create "$name-dead" --project="$project" --topic="$name-dead" \
		--message-retention-duration=31d --expiration-period=never
	unless_there gcloud pubsub subscriptions describe "$name" --project="$project" -- \
		gcloud pubsub subscriptions create "$name" --project="$project" --topic="$name" --ack-deadline=60 \
		--dead-letter-topic="$name-dead" --max-delivery-attempts=20 --expiration-period=never
	# Pub/Sub itself moves them there. (The names are checked: nothing in them needs quotes.)
	cat <<-TEXT
		number=\$(gcloud projects describe $project --format='value(projectNumber)')
		agent=serviceAccount:service-\$number@gcp-sa-pubsub.iam.gserviceaccount.com
		gcloud pubsub topics add-iam-policy-binding $name-dead --project=$project --member="\$agent" --role=roles/pubsub.publisher --format=none
		gcloud pubsub subscriptions add-iam-policy-binding $name --project=$project --member="\$agent" --role=roles/pubsub.subscriber --format=none
	TEXT
}

# check_subscription NAME
check_subscription() {
	[[ ${1##*/} =~ ^[A-Za-z][A-Za-z0-9_.~+%-]{2,249}$ ]] || fail 64 "'$1' is no name of a subscription"
}

# check_people WHO...: "" is nobody who need be one.
check_people() {
	local value
	for value; do
		[[ -z $value || $value =~ ^(user|group|serviceAccount|principal|principalSet):[^[:space:]\"\`\\]+$ ]] ||
			fail 64 "'$value' is nobody: serviceAccount:NAME, user:NAME, group:NAME …"
	done
}

# say_or_apply: what say_setup says, on stdout, or done.
say_or_apply() {
	if [[ $apply == no ]]; then
		say_setup || exit 74
		return
	fi
	bash -exuo pipefail -c "$(say_setup)" </dev/null || fail 69 "a command of the set-up has failed; it may be run again"
}
