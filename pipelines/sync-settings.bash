# The configuration of pipelines/sync: from the environment and .env into run, db and table, all of it checked.
# Sourced by sync, which has log and quote. Names of variables and shell names never meet: those of the configuration
# are upper-case, ours are lower-case.
# shellcheck shell=bash
# shellcheck disable=SC2317 # as_KIND and uri_of_TYPE are called by name

declare -A dotenv=()      # what .env says
declare -A known=()       # variables that mean something here
declare -A claimed=()     # prefixes of variables -> what they are for
declare -A destination=() # names of BigQuery tables -> who goes there
declare -A run=()         # the configuration of the run
declare -A db=()          # "ID.key": that of a database
declare -A table=()       # "N.key": that of a table; sync adds what became of it
databases=()              # their IDs, those that are enabled
tables=0
mistakes=()
warnings=()

# --- .env --------------------------------------------------------------------

# mistake TEXT: the same one is said once.
mistake() {
	local said
	for said in "${mistakes[@]}"; do
		[[ $said != "$1" ]] || return 0
	done
	mistakes+=("$1")
}

# unescape TEXT LINE: what stands between double quotes, into $REPLY.
unescape() {
	local rest=$1 c
	REPLY=''
	while [[ -n $rest ]]; do
		c=${rest:0:1}
		rest=${rest:1}
		if [[ $c == "\\" ]]; then
			c=${rest:0:1}
			rest=${rest:1}
			case $c in
			n) c=$'\n' ;;
			r) c=$'\r' ;;
			t) c=$'\t' ;;
			\" | "\\" | \$ | \`) ;;
			*) mistake ".env line $2: \\$c is no escape; write \\\\ for a backslash, or use single quotes" ;;
			esac
		fi
		REPLY+=$c
	done
}

# dotenv_value TEXT LINE: the value that is written so, into $REPLY. Nothing is expanded, nothing is run.
dotenv_value() {
	local text=$1 single="^'([^']*)'(.*)\$" double='^"(([^"\]|\\.)*)"(.*)$' rest=''
	if [[ $text == \'* || $text == \"* ]]; then
		if [[ $text =~ $single ]]; then
			REPLY=${BASH_REMATCH[1]} rest=${BASH_REMATCH[2]}
		elif [[ $text =~ $double ]]; then
			rest=${BASH_REMATCH[3]}
			unescape "${BASH_REMATCH[1]}" "$2"
		else
			mistake ".env line $2: the quote is not closed"
		fi
		[[ $rest =~ ^[[:space:]]*(#.*)?$ ]] || mistake ".env line $2: something stands behind the closing quote"
		return 0
	fi
	text=${text%%[[:space:]]#*}
	[[ $text != '#'* ]] || text=''
	REPLY=${text%"${text##*[![:space:]]}"}
}

# Messages name the line, never what stands in it: it may be a password.
read_dotenv() {
	local LC_ALL=C line number=0 # bytes: not every password is UTF-8
	local assignment='^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.*)$'
	[[ -e .env ]] || return 0
	[[ -r .env && ! -d .env ]] || {
		mistake ".env cannot be read"
		return 0
	}
	while IFS= read -r line || [[ -n $line ]]; do
		((++number))
		line=${line%$'\r'}
		((number > 1)) || line=${line#$'\xef\xbb\xbf'}
		[[ ! $line =~ ^[[:space:]]*(#.*)?$ ]] || continue
		if [[ $line =~ $assignment ]]; then
			local name=${BASH_REMATCH[2]}
			dotenv_value "${BASH_REMATCH[3]}" "$number"
			dotenv[$name]=$REPLY
		else
			mistake ".env line $number is not NAME=VALUE"
		fi
	done <.env
}

# --- settings ----------------------------------------------------------------

# lookup NAME...: the first that is set and not empty, the environment before .env: $name and $value. Else 1, and
# $name is the first.
lookup() {
	local candidate
	for candidate; do
		known[$candidate]=yes
	done
	for name; do
		value=${!name:-${dotenv[$name]:-}}
		[[ -z $value ]] || return 0
	done
	name=$1
	return 1
}

# setting KIND DEFAULT NAME...: the value of the first NAME that is set, checked and in its plain form, or DEFAULT,
# into $REPLY. A wrong value is a mistake that names the variable.
setting() {
	local kind=$1 default=$2 name value
	shift 2
	REPLY=$default
	! lookup "$@" || "as_$kind"
}

# required NAME
required() {
	local name value
	REPLY=''
	if lookup "$1"; then
		REPLY=$value
	else
		mistake "$1 is not set"
	fi
}

wrong() {
	mistake "$name: '$value' is not $1"
}

as_text() {
	REPLY=$value
}

as_boolean() {
	case ${value,,} in
	true | 1 | yes | on) REPLY=true ;;
	false | 0 | no | off) REPLY=false ;;
	*) wrong "true or false" ;;
	esac
}

as_whole() {
	if [[ $value =~ ^[0-9]{1,9}$ ]]; then REPLY=$((10#$value)); else wrong "a whole number"; fi
}

as_positive() {
	if [[ $value =~ ^0*[1-9][0-9]{0,8}$ ]]; then REPLY=$((10#$value)); else wrong "a whole number above 0"; fi
}

as_limit() {
	case $value in
	-1) REPLY=-1 ;;
	-*) wrong "a whole number, or -1" ;;
	*) as_whole ;;
	esac
}

as_port() {
	if [[ $value =~ ^[0-9]{1,5}$ ]] && ((10#$value >= 1 && 10#$value <= 65535)); then
		REPLY=$((10#$value))
	else
		wrong "a port, 1 to 65535"
	fi
}

as_type() {
	case $value in
	mysql | mariadb) REPLY=mysql ;;
	postgres | postgresql) REPLY=postgres ;;
	*) wrong "mysql or postgres" ;;
	esac
}

as_sslmode() {
	case $value in
	disable | allow | prefer | require | verify-ca | verify-full) REPLY=$value ;;
	*) wrong "disable, allow, prefer, require, verify-ca or verify-full" ;;
	esac
}

as_log_env() {
	case ${value,,} in
	dev | prod) REPLY=${value,,} ;;
	*) wrong "dev or prod" ;;
	esac
}

as_log_level() {
	case ${value,,} in
	debug | info | warn | error) REPLY=${value,,} ;;
	*) wrong "debug, info, warn or error" ;;
	esac
}

# How often, or "never", which is empty.
as_interval() {
	local given=$value
	if [[ ${given,,} == never ]]; then
		REPLY=''
	elif seconds_of "$given"; then
		REPLY+=s
	else
		wrong "a duration such as 12h or 7d, or never"
	fi
}

# Of time, or of numbers.
as_lag() {
	REPLY=$value
	[[ $value =~ ^[0-9]+(\.[0-9]+)?$ ]] || seconds_of "$value" || wrong "a duration such as 10m, or a number"
	REPLY=$value
}

# As Go writes them; plain seconds too. Milliseconds, and never 0 for what is not 0, which means for ever.
as_duration() {
	local rest=$value total=0 count fraction unit
	local -A microseconds=([ns]=0 [us]=1 [µs]=1 [ms]=1000 [s]=1000000 [m]=60000000 [h]=3600000000)
	[[ ! $rest =~ ^[0-9]{1,9}$ ]] || rest+=s
	while [[ $rest =~ ^([0-9]{1,9})(\.([0-9]{1,6}))?(ns|us|µs|ms|s|m|h)(([0-9].*)?)$ ]]; do
		count=$((10#${BASH_REMATCH[1]})) fraction=${BASH_REMATCH[3]}000000
		unit=${microseconds[${BASH_REMATCH[4]}]} rest=${BASH_REMATCH[5]}
		((total += count * unit + 10#${fraction:0:6} * unit / 1000000, total += count > 0 && unit == 0)) || true
		[[ -n $rest ]] || {
			REPLY=$(((total + 999) / 1000))
			return 0
		}
	done
	wrong "a duration such as 30s, 10m or 1h30m"
}

# A layout of Go's time package has its reference date in it.
as_date_format() {
	REPLY=$value
	[[ $value =~ ^RFC\ ?3339(Nano)?$ ]] && return 0
	[[ $value == *06* && ($value == *01* || $value == *Jan* || $value == *1*) && $value == *2* ]] ||
		wrong "a layout of Go's, such as 2006-01-02T15:04:05Z07:00"
}

# columns NAME: the words of a list, joined by commas, into $REPLY.
columns() {
	local words joined
	setting text '' "$1"
	if ! split_list "$REPLY"; then
		mistake "$1: a quote is not closed"
	elif [[ -n $REPLY ]] && ((${#words[@]} == 0)); then
		mistake "$1 names nothing"
	fi
	printf -v joined ',%s' "${words[@]}"
	REPLY=${joined#,}
}

# list NAME: the words of a required list, into $words.
list() {
	required "$1"
	if ! split_list "$REPLY"; then
		mistake "$1: a quote is not closed"
	elif [[ -n $REPLY ]] && ((${#words[@]} == 0)); then
		mistake "$1 names nothing"
	fi
}

# variable_name TEXT: how it is written in a variable's name, into $REPLY.
variable_name() {
	local LC_ALL=C
	REPLY=${1//[^A-Za-z0-9]/_}
	REPLY=${REPLY^^}
}

# percent TEXT: as a part of a URI, into $REPLY.
percent() {
	local LC_ALL=C i byte
	REPLY=''
	for ((i = 0; i < ${#1}; i++)); do
		case ${1:i:1} in
		[A-Za-z0-9._~-]) REPLY+=${1:i:1} ;;
		*)
			printf -v byte %d "'${1:i:1}"
			printf -v byte '%%%02X' "$((byte & 255))"
			REPLY+=$byte
			;;
		esac
	done
}

# --- configuration -------------------------------------------------------------

configure() {
	local word words
	# How mistakes are said, those of .env too.
	setting log_env dev LOG_ENV && run[log_env]=$REPLY
	setting log_level info LOG_LEVEL && run[log_level]=$REPLY
	read_dotenv
	configure_run
	list SYNC_DATABASES
	for word in "${words[@]}"; do
		configure_database "$word"
	done
	((${#mistakes[@]} == 0)) || refuse
	warn_of_strangers
	for word in "${warnings[@]}"; do
		log warn "$word"
	done
}

# All mistakes at once, before anything has begun.
refuse() {
	local text
	for text in "${mistakes[@]}"; do
		log error "$text" ',"exit":78'
	done
	exit 78
}

configure_run() {
	setting log_env dev LOG_ENV && run[log_env]=$REPLY
	setting log_level info LOG_LEVEL && run[log_level]=$REPLY
	required GCP_PROJECT_ID && run[project]=$REPLY
	[[ $REPLY =~ ^([A-Za-z0-9.-]+:)?[A-Za-z0-9-]*$ ]] || mistake "GCP_PROJECT_ID: '$REPLY' is not the id of a project"
	required BQ_DATASET_ID && run[dataset]=$REPLY
	[[ $REPLY =~ ^[A-Za-z0-9_]*$ ]] || mistake "BQ_DATASET_ID: '$REPLY' is not the name of a dataset"
	setting duration 600000 SYNC_TIMEOUT && run[timeout_ms]=$REPLY
	((REPLY > 0)) || mistake "SYNC_TIMEOUT: 0 leaves no time"
	setting boolean false DRY_RUN && run[dry_run]=$REPLY
	setting boolean true AUTO_CREATE_TABLES && run[create]=$REPLY
	setting boolean false TRUNCATE_ON_SYNC && run[truncate]=$REPLY
	setting text bigquery_loads.serverless_bq_loads BQ_LOAD_STATE_TABLE && run[ledger]=$REPLY
	setting limit 0 MAX_ROW_PARSE_FAILURES && run[rejects]=$REPLY
	setting positive 15 DB_MAX_OPEN_CONNECTIONS && run[limit]=$REPLY
	setting date_format '' DATE_FORMAT
	[[ -z $REPLY ]] || warnings+=("DATE_FORMAT has no effect: values arrive exact, in BigQuery's own forms")
	# Checked, and without effect: a table has one connection and one load job.
	setting positive 1000 DEFAULT_BATCH_SIZE
	setting whole 5 DB_MAX_IDLE_CONNECTIONS
	setting duration 60000 DB_CONN_MAX_LIFETIME
	# What databases fall back to is checked even where every one of them says otherwise.
	setting type mysql DB_TYPE
	setting port 1 DB_PORT
	setting sslmode '' DB_SSLMODE
	setting duration 0 DB_CONN_TIMEOUT
	setting duration 0 DB_READ_TIMEOUT
	setting duration 0 DB_WRITE_TIMEOUT
	setting duration 0 DB_STATEMENT_TIMEOUT
	setting boolean false SYNC_SNAPSHOT
	# And what tables do.
	setting lag '' SYNC_LAG
	setting interval '' RECONCILE_EVERY
}

# claim PREFIX WHAT: variables that begin with PREFIX are for one thing only.
claim() {
	if [[ -n ${claimed[$1]:-} ]]; then
		mistake "${claimed[$1]} and $2 have the same variables, $1_..."
		return 1
	fi
	claimed[$1]=$2
}

configure_database() {
	local id word words
	variable_name "$1" && id=$REPLY
	[[ $id =~ ^[A-Z_] ]] || {
		mistake "SYNC_DATABASES: '$1' cannot begin the name of a variable"
		return 0
	}
	claim "$id" "database $1" || return 0
	setting text '' "${id}_DB_PASSWORD" && db[$id.password]=$REPLY
	setting boolean true "${id}_ENABLED"
	[[ $REPLY == true ]] || return 0
	databases+=("$id")
	db[$id.name]=$1
	configure_source "$id"
	setting boolean false "${id}_SNAPSHOT" SYNC_SNAPSHOT && db[$id.snapshot]=$REPLY
	setting duration 30000 "${id}_DB_CONN_TIMEOUT" DB_CONN_TIMEOUT && db[$id.connect]=$REPLY
	setting duration 0 "${id}_DB_READ_TIMEOUT" DB_READ_TIMEOUT && db[$id.read]=$REPLY
	setting duration 0 "${id}_DB_WRITE_TIMEOUT" DB_WRITE_TIMEOUT # nothing is written to a database
	setting duration 0 "${id}_DB_STATEMENT_TIMEOUT" DB_STATEMENT_TIMEOUT && db[$id.statement]=$REPLY
	list "${id}_TABLES"
	for word in "${words[@]}"; do
		configure_table "$id" "$word"
	done
}

# is_local HOST: what is said to it does not leave this machine.
is_local() {
	[[ $1 == /* || ${1,,} == localhost || $1 =~ ^127(\.[0-9]{1,3}){3}$ || $1 == ::1 ]]
}

configure_source() {
	local id=$1 type host port user name sslmode=require other
	setting type mysql "${id}_DB_TYPE" DB_TYPE && type=$REPLY
	setting text localhost "${id}_DB_HOST" "${id}_HOST" DB_HOST && host=${REPLY#\[} && host=${host%]}
	! is_local "$host" || sslmode=prefer
	setting sslmode "$sslmode" "${id}_DB_SSLMODE" DB_SSLMODE && sslmode=$REPLY
	local default=3306 foreign=5432
	[[ $type == mysql ]] || default=5432 foreign=3306
	# The port for all is meant for DB_TYPE; a database of the other type has its own default.
	setting type "$type" DB_TYPE && other=$REPLY
	setting port "$default" DB_PORT
	[[ $other == "$type" && $REPLY != "$foreign" ]] && default=$REPLY
	setting port "$default" "${id}_DB_PORT" "${id}_PORT" && port=$REPLY
	required "${id}_DB_NAME" && percent "$REPLY" && name=$REPLY
	required "${id}_DB_USER" && percent "$REPLY" && user=$REPLY
	db[$id.type]=$type
	"uri_of_$type"
}

# These make the URI from the caller's variables.
uri_of_postgres() {
	percent "$host"
	db[$id.uri]="postgresql://$user@/$name?host=$REPLY&port=$port&sslmode=$sslmode"
}

uri_of_mysql() {
	if [[ $host == /* ]]; then
		percent "$host"
		db[$id.uri]="mysql://$user@/$name?socket=$REPLY&sslmode=$sslmode"
	elif [[ $host == *:* ]]; then
		db[$id.uri]="mysql://$user@[$host]:$port/$name?sslmode=$sslmode"
	else
		percent "$host"
		db[$id.uri]="mysql://$user@$REPLY:$port/$name?sslmode=$sslmode"
	fi
}

configure_table() {
	local id=$1 word=$2 n=$tables prefix
	variable_name "$word" && prefix=${id}_$REPLY
	claim "$prefix" "${id}_TABLES: $word" || return 0
	setting boolean true "${prefix}_ENABLED"
	[[ $REPLY == true ]] || return 0
	((++tables))
	table[$n.db]=$id table[$n.name]=$word table[$n.label]="${db[$id.name]} $word"
	configure_target "$n" "$prefix"
	columns "${prefix}_COLUMNS" && table[$n.columns]=$REPLY
	columns "${prefix}_PRIMARY_KEY" && table[$n.key]=$REPLY
	setting text '' "${prefix}_TIMESTAMP_COLUMN" && table[$n.cursor]=$REPLY
	setting positive 1000 "${prefix}_BATCH_SIZE" DEFAULT_BATCH_SIZE # without effect, as that of all
	check_columns "$n" "$prefix" PRIMARY_KEY "${table[$n.key]}"
	check_columns "$n" "$prefix" TIMESTAMP_COLUMN "${table[$n.cursor]}"
	configure_write "$n" "$prefix"
}

# Where the rows go: schema.table is schema__table, quotes are left out.
configure_target() {
	local name=${table[$1.name]//[\"\`]/}
	# Of ASCII's punctuation it takes "_" and "-"; "$" begins a partition.
	local form='^[^]!"#$%&'\''()*+,./:;<=>?@\^`{|}~[[:cntrl:]]+(\$[0-9]+)?$'
	setting text "${name//./__}" "${2}_TARGET_TABLE"
	[[ $REPLY =~ $form ]] ||
		mistake "${2}_TARGET_TABLE: '$REPLY' is not the name of a BigQuery table"
	if [[ -n ${destination[$REPLY]:-} ]]; then
		mistake "${destination[$REPLY]} and ${table[$1.label]} both go to $REPLY: set ${2}_TARGET_TABLE"
	fi
	destination[$REPLY]=${table[$1.label]}
	table[$1.target]=$REPLY
}

# check_columns N PREFIX WHAT LIST: these must be among the columns that are read.
check_columns() {
	local column words
	[[ -n ${table[$1.columns]} ]] || return 0
	split_list "$4" || return 0
	for column in "${words[@]}"; do
		[[ ,${table[$1.columns]}, == *",$column,"* ]] || mistake "${2}_$3: $column is not in ${2}_COLUMNS"
	done
}

configure_write() {
	local n=$1
	if [[ ${run[truncate]} == true ]]; then
		table[$n.write]=truncate table[$n.cursor]=''
	elif [[ -n ${table[$n.key]} ]]; then
		table[$n.write]=merge
	else
		table[$n.write]=append
		[[ -n ${table[$n.cursor]} ]] || warnings+=("${table[$n.label]}: every run appends all of its rows; set \
${2}_PRIMARY_KEY (merge), ${2}_TIMESTAMP_COLUMN (append what is new) or TRUNCATE_ON_SYNC=true (replace)")
	fi
	[[ -z ${table[$n.cursor]} || ${run[ledger]} != none ]] ||
		mistake "${2}_TIMESTAMP_COLUMN needs a ledger, which says up to where the last run went: BQ_LOAD_STATE_TABLE is none"
	configure_lag "$@"
	configure_reconcile "$@"
}

# configure_lag N PREFIX: what is appended is read once only.
configure_lag() {
	setting lag '' "${2}_LAG" SYNC_LAG && table[$1.lag]=$REPLY
	[[ -n ${table[$1.cursor]} && ${table[$1.write]} == merge ]] || table[$1.lag]=''
}

# configure_reconcile N PREFIX: what is gone at the source.
configure_reconcile() {
	setting interval '' "${2}_RECONCILE_EVERY" RECONCILE_EVERY && table[$1.reconcile]=$REPLY
	setting text '' "${2}_SOFT_DELETE_COLUMN" && table[$1.mark]=$REPLY
	if [[ ${table[$1.write]} != merge ]]; then
		table[$1.reconcile]='' table[$1.mark]=''
	elif [[ -z ${table[$1.reconcile]} && -n ${table[$1.mark]} ]]; then
		mistake "${2}_SOFT_DELETE_COLUMN needs RECONCILE_EVERY: only then what is gone is looked for"
	elif [[ -n ${table[$1.reconcile]} && ${run[ledger]} == none ]]; then
		mistake "RECONCILE_EVERY needs a ledger, which says when that was done last: BQ_LOAD_STATE_TABLE is none"
	fi
}

# Variables that look like ours, and are not: most often a table's name is written differently.
warn_of_strangers() {
	local name id ending='_(ENABLED|TARGET_TABLE|PRIMARY_KEY|TIMESTAMP_COLUMN|LAG|RECONCILE_EVERY|SOFT_DELETE_COLUMN|COLUMNS|BATCH_SIZE)$'
	for name in $(compgen -e) "${!dotenv[@]}"; do
		[[ -z ${known[$name]:-} && $name =~ $ending ]] || continue
		# Those of a table that is not enabled are not asked for.
		[[ -z ${claimed[${name%"${BASH_REMATCH[0]}"}]:-} ]] || continue
		for id in "${databases[@]}"; do
			[[ $name != "$id"_* ]] || warnings+=("$name is set, and ${db[$id.name]} has no such table")
		done
	done
}

# What .env says for others than us (GOOGLE_APPLICATION_CREDENTIALS, PGSSLROOTCERT ...), unless it decides what is run
# or how a shell works. Passwords go to the process that needs them, and to no other.
export_dotenv() {
	local name
	for name in "${!dotenv[@]}"; do
		[[ -n ${known[$name]:-} || -n ${!name:-} || -z ${dotenv[$name]} ]] && continue
		case $name in
		*_DB_PASSWORD | PATH | IFS | ENV | LD_* | BASH* | SHELLOPTS | PS4 | UID | EUID | PPID) ;;
		[Hh][Tt][Tt][Pp]_* | http_proxy | https_proxy | no_proxy | all_proxy) export "$name=${dotenv[$name]}" ;;
		*[a-z]*) ;;
		*) export "$name=${dotenv[$name]}" ;;
		esac
	done
	for name in $(compgen -e); do
		[[ $name != *_DB_PASSWORD ]] || unset "$name"
	done
	unset LOG_ENV
	export LOG_LEVEL=info # sync's relay leaves out what is not wanted
	[[ ${run[log_level]} != debug ]] || LOG_LEVEL=debug
}
