# Tables of every type through sqlextract and bqload, compared with their source by SQL: `load ../types/compare`
# after the other helpers, with TYPES_DATABASE (postgresql or mysql) and TYPES_SOURCE (a URI) set.
#
# A spec has a line for each column, its parts divided by tabs; a part that is "-" or left out has its default:
#   TABLE.COLUMN  FIELD  SOURCE  LOADED  AS
#     FIELD   what BigQuery must have: [REQUIRED |REPEATED ]TYPE[(precision[,scale])]
#     SOURCE  the value as text in the database's SQL, {} being the column, or the element of an array
#     LOADED  the same text in BigQuery's SQL
#     AS      how both texts are read before they are compared: text, number, json or wkt
# Each table has a key `id`. The texts must not come from what is tested, so the defaults below spell them out.
#
#   types_load TABLE [SQLEXTRACT_OPTION]...   types.TABLE into types.TABLE, by a pipeline
#   types_compare SPEC TABLE                  schema and values
#   types_tables SPEC                         the names of its tables

# shellcheck disable=SC2034 # used by a name reference, as the next two
declare -gA types_postgresql=(
	[INTEGER]='{}::text'
	[FLOAT]='{}::text'
	[NUMERIC]='trim_scale({}::numeric)::text'
	[BIGNUMERIC]='trim_scale({})::text'
	[STRING]='{}::text'
	[BYTES]="encode({}, 'hex')"
	[BOOLEAN]='{}::text'
	[DATE]="to_char({}, 'YYYY-MM-DD')"
	[TIME]='(extract(epoch FROM {}) * 1000000)::bigint::text'
	[DATETIME]="to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')"
	[TIMESTAMP]='(extract(epoch FROM {}) * 1000000)::bigint::text'
	[JSON]="nullif(to_jsonb({}), 'null')::text"
	[INTERVAL]='types_spec.interval_text({})'
	[GEOGRAPHY]='extensions.ST_AsText({})'
)
# Without the zeros at the end, as BigQuery has it.
types_mysql_decimal="IF({} LIKE '%.%', TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST({} AS CHAR))), CAST({} AS CHAR))"
# shellcheck disable=SC2034
declare -gA types_mysql=(
	[INTEGER]='CAST({} AS CHAR)'
	[FLOAT]='CAST({} AS CHAR)'
	[NUMERIC]=$types_mysql_decimal
	[BIGNUMERIC]=$types_mysql_decimal
	[STRING]='CONVERT({} USING utf8mb4)'
	[BYTES]='LOWER(HEX({}))'
	[BOOLEAN]="ELT({} + 1, 'false', 'true')"
	[DATE]="DATE_FORMAT({}, '%Y-%m-%d')"
	[TIME]='CAST(CAST(TIME_TO_SEC({}) * 1000000 AS DECIMAL(20)) AS CHAR)'
	[DATETIME]="DATE_FORMAT({}, '%Y-%m-%d %H:%i:%s.%f')"
	[TIMESTAMP]='CAST(CAST(UNIX_TIMESTAMP({}) * 1000000 AS DECIMAL(20)) AS CHAR)'
	[JSON]="NULLIF(CONCAT({}, ''), 'null')"
)
# shellcheck disable=SC2034
declare -gA types_bigquery=(
	[INTEGER]='CAST({} AS STRING)'
	[FLOAT]='{}'
	[NUMERIC]='CAST({} AS STRING)'
	[BIGNUMERIC]='CAST({} AS STRING)'
	[STRING]='{}'
	[BYTES]='TO_HEX({})'
	[BOOLEAN]='CAST({} AS STRING)'
	[DATE]='CAST({} AS STRING)'
	[TIME]="CAST(TIME_DIFF({}, TIME '00:00:00', MICROSECOND) AS STRING)"
	[DATETIME]="FORMAT_DATETIME('%F %H:%M:%E6S', {})"
	[TIMESTAMP]='CAST(UNIX_MICROS({}) AS STRING)'
	[JSON]='TO_JSON_STRING({})'
	[INTERVAL]='CAST({} AS STRING)'
	[GEOGRAPHY]='ST_ASTEXT({})'
)

# The jq program that reads a row's texts as the spec's AS says and prints [column, id, value], a line each.
# shellcheck disable=SC2016 # jq's dollars
types_jq='
	def number: ascii_downcase
		| if . == "nan" then . elif test("^[+]?inf") then "inf" elif test("^-inf") then "-inf" else tonumber end;
	# Points of a MULTIPOINT may have parentheses, and numbers have many forms.
	def wkt: if startswith("MULTIPOINT") then gsub("[()]"; "") else . end
		| [gsub("[-+]?[0-9][-+0-9.eE]*"; "#") | gsub(" *(?<sign>[(,)]) *"; .sign)] + [scan("[-+]?[0-9][-+0-9.eE]*") | tonumber];
	def read($how): if . == null then . elif type == "array" then map(if type == "object" then .v else . end | read($how))
		elif $how == "json" then fromjson elif $how == "number" then number elif $how == "wkt" then wkt else . end;
	.id as $id | to_entries[] | . as $cell | [.key, $id, (.value | read($reads[$cell.key]))]'

types_load() {
	local table=$1
	shift
	# shellcheck disable=SC2016 # for that bash
	bash -o pipefail -c 'sqlextract -q "${@:3}" -- "$1" "types.$2" | bqload -q "types.$2" --write truncate' - \
		"$TYPES_SOURCE" "$table" "$@" >/dev/null
}

types_tables() {
	sed -n 's/^\([a-z][a-z_0-9]*\)\..*/\1/p' "$1" | uniq
}

# types_lines SPEC TABLE: the columns of a table, as column, mode, type, precision part, source, loaded, as; all set.
types_lines() {
	local column field source loaded as mode type size

	while IFS=$'\t' read -r column field source loaded as; do
		mode=NULLABLE size='' type=${field##* }
		[[ $field != *' '* ]] || mode=${field% *}
		[[ $type != *'('* ]] || size="(${type#*(}"
		type=${type%%(*}
		if [[ -z $as || $as == - ]]; then
			case $type in
			FLOAT) as=number ;;
			JSON) as=json ;;
			GEOGRAPHY) as=wkt ;;
			*) as=text ;;
			esac
		fi
		types_default "$TYPES_DATABASE" "$type" "$source" && source=$REPLY
		types_default bigquery "$type" "$loaded" && loaded=$REPLY
		printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "${column#*.}" "$mode" "$type" "${size:--}" "$source" "$loaded" "$as"
	done < <(grep "^$2\\." "$1")
}

# types_default DATABASE TYPE EXPRESSION: into REPLY, the expression or the default of the type.
types_default() {
	local -n types_of=types_$1

	REPLY=$3
	[[ -n $3 && $3 != - ]] || REPLY=${types_of[$2]:?}
}

types_source_postgresql() {
	local list="" column mode type size source loaded as cell

	while IFS=$'\t' read -r column mode type size source loaded as; do
		cell="source.\"$column\""
		if [[ $mode == REPEATED ]]; then
			source="ARRAY(SELECT $source FROM generate_subscripts($cell, 1) AS o ORDER BY o)"
			cell+='[o]'
		fi
		list+="${list:+, }${source//'{}'/$cell} AS \"$column\""
	done
	# Through COPY: psql leaves characters out that it takes for unprintable. With these signs nothing is quoted.
	PGOPTIONS='-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=1 -c bytea_output=hex' psql_value \
		"COPY (SELECT row_to_json(s) FROM (SELECT $list FROM types.$1 AS source ORDER BY source.id) AS s)
			TO STDOUT (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"
}

types_source_mysql() {
	local list="" column mode type size source loaded as

	while IFS=$'\t' read -r column mode type size source loaded as; do
		list+="${list:+, }'$column', ${source//'{}'/source.\`$column\`}"
	done
	mariadb_value "SET time_zone = '+00:00'; SELECT JSON_OBJECT($list) FROM types.$1 AS source ORDER BY source.id"
}

types_loaded() {
	local list="" column mode type size source loaded as

	while IFS=$'\t' read -r column mode type size source loaded as; do
		if [[ $mode == REPEATED ]]; then
			list+="${list:+, }ARRAY(SELECT ${loaded//'{}'/x} FROM UNNEST(loaded.\`$column\`) AS x WITH OFFSET AS o ORDER BY o) AS \`$column\`"
		else
			list+="${list:+, }${loaded//'{}'/loaded.\`$column\`} AS \`$column\`"
		fi
	done
	bq_sql "SELECT $list FROM types.$1 AS loaded ORDER BY loaded.id"
}

types_schema() {
	bq_api GET "datasets/types/tables/$1" | jq -r '.schema.fields[] | [.name, .mode // "NULLABLE", .type,
		if .precision then "(\([.precision, (.scale // empty | select(. != "0"))] | join(",")))" else "-" end] | @tsv'
}

# Differences as diff prints them: "<" is the source's (or the spec's), ">" what was loaded.
types_diff() {
	diff "$1" "$2" >"$1.diff" || {
		_fail "$3: $(wc -l <"$1.diff") lines differ, < is right, > was loaded: $(head -n 12 "$1.diff" | cut -c 1-400)"
		return 1
	}
}

# In a subshell without bats' DEBUG trap, with which thousands of columns take a minute.
types_compare() (
	trap - DEBUG
	local dir=$BATS_TEST_TMPDIR/$2 reads

	mkdir -p "$dir"
	types_lines "$1" "$2" >"$dir/lines"
	cut -f 1-4 "$dir/lines" >"$dir/schema"
	types_schema "$2" >"$dir/schema.loaded"
	types_diff "$dir/schema" "$dir/schema.loaded" "the schema of $2" || return 1
	reads=$(jq -Rsc 'split("\n") | map(select(. != "") | split("\t") | {(.[0]): .[6]}) | add' "$dir/lines")
	"types_source_$TYPES_DATABASE" "$2" <"$dir/lines" >"$dir/rows" || return 1
	types_loaded "$2" <"$dir/lines" >"$dir/rows.loaded" || return 1
	[[ -s $dir/rows ]] || _fail "$2 is empty" || return 1
	jq -cS --argjson reads "$reads" "$types_jq" "$dir/rows" >"$dir/values" || return 1
	jq -cS --argjson reads "$reads" "$types_jq" "$dir/rows.loaded" >"$dir/values.loaded" || return 1
	types_diff "$dir/values" "$dir/values.loaded" "the values of $2"
)
