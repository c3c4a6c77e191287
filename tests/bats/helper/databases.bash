# Google's emulators of Firestore and Datastore, where they are installed; after helper/server.
#
#   emulator_program NAME      cloud-firestore-emulator/cloud_firestore_emulator …; 1 where it is not there
#   emulator_start VARIABLE PROGRAM [WORD]...  start it on a free port, and export VARIABLE as HOST:PORT
#   emulator_stop

# shellcheck shell=bash

emulator_program() {
	local root

	command -v gcloud >/dev/null && command -v java >/dev/null || return 1
	root=$(gcloud info --format='value(installation.sdk_root)' 2>/dev/null) || return 1
	[[ -x $root/platform/$1 ]] || return 1
	echo "$root/platform/$1"
}

# A session of its own, since the programs are wrappers of a JVM that they do not end.
emulator_start() {
	local variable=$1 port

	shift
	port=$(server_free_port)
	JAVA_TOOL_OPTIONS='-Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1' \
		setsid "$@" --host=127.0.0.1 --port="$port" &>"$BATS_FILE_TMPDIR/emulator.log" </dev/null 3>&- &
	export EMULATOR_PID=$! "$variable=127.0.0.1:$port"
	curl -s --retry 100 --retry-delay 1 --retry-connrefused --noproxy '*' -o /dev/null "http://127.0.0.1:$port/"
}

emulator_stop() {
	[[ -n ${EMULATOR_PID:-} ]] || return 0
	kill -TERM -- "-$EMULATOR_PID" 2>/dev/null || true
	tail --pid="$EMULATOR_PID" -s 0.05 -f /dev/null
	unset EMULATOR_PID
}
