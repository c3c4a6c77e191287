#!/usr/bin/env bats
# localcloud's Cloud Storage: every call, and what the service refuses of it.

load helper/common
load helper/localcloud

setup() {
	PROJECT=testp
	LOCALCLOUD_DATA=$BATS_TEST_TMPDIR/cloud
	localcloud_start
	gcs_bucket bkt
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	localcloud_stop
}

# status METHOD PATH [CURL OPTION]...: prints the status, leaves answer and headers
status() {
	local method=$1 path=$2

	shift 2
	curl -sS --max-time 60 --noproxy '*' -o answer -D headers -w '%{http_code}' -X "$method" "$@" "$LOCALCLOUD_URL$path"
}

# upload NAME TEXT [QUERY] [CURL OPTION]...: a media upload; prints the status
upload() {
	local name=$1 text=$2 query=${3:-}

	shift 2
	[[ $# -gt 0 ]] && shift
	status POST "/upload/storage/v1/b/bkt/o?uploadType=media&name=$name$query" --data-binary "$text" \
		-H 'Content-Type: text/plain' "$@"
}

# session NAME [QUERY] [METADATA] [CURL OPTION]...: starts a resumable upload, prints its address
session() {
	local name=$1 query=${2:-} metadata=${3:-{\}}

	shift
	[[ $# -gt 0 ]] && shift
	[[ $# -gt 0 ]] && shift
	localcloud_curl --fail-with-body -o answer -D headers -X POST --data-binary "$metadata" "$@" \
		"$LOCALCLOUD_URL/upload/storage/v1/b/bkt/o?uploadType=resumable&name=$name$query" || return
	header Location
}

# put ADDRESS FILE [CURL OPTION]...: one PUT; prints the status
put() {
	local url=$1 file=$2

	shift 2
	curl -sS --max-time 60 --noproxy '*' -o answer -D headers -w '%{http_code}' -X PUT -H Expect: --data-binary "@$file" "$@" "$url"
}

header() {
	sed -n "s/\r$//; s/^$1: //Ip" headers
}

reason() {
	jq -r '.error.errors[0].reason' answer
}

message() {
	jq -r '.error.message' answer
}

longer_than() {
	(($(stat -c %s "$1") > $2))
}

# random FILE BYTES
random() {
	head -c "$2" /dev/urandom >"$1"
}

# --- buckets -----------------------------------------------------------------------

@test "a bucket is made, shown, listed and deleted" {
	assert_equal "$(status POST "/storage/v1/b?project=testp" -d '{"name":"made","location":"eu"}')" 200
	assert_equal "$(jq -r '.kind + .name + .location + .metageneration' answer)" storage#bucketmadeEU1
	assert_equal "$(status GET /storage/v1/b/made)" 200
	assert_equal "$(jq -r .locationType answer)" multi-region
	assert_equal "$(gcs_api GET 'b?project=testp' | jq -c '[.items[].name]')" '["bkt","made"]'
	assert_equal "$(gcs_api GET 'b?project=other' | jq -c .)" '{"kind":"storage#buckets"}'
	assert_equal "$(status DELETE /storage/v1/b/made)" 204
	assert_equal "$(status GET /storage/v1/b/made)" 404
	assert_equal "$(reason) $(message)" "notFound The specified bucket does not exist."
}

@test "a bucket's name is checked, and taken only once" {
	for name in ab Upper under/score -x goog-x x.; do
		assert_equal "$(status POST "/storage/v1/b?project=testp" -d '{"name":"'$name'"}')" 400
		assert_equal "$(message)" "Invalid bucket name: '$name'"
	done
	assert_equal "$(status POST "/storage/v1/b?project=testp" -d '{"name":"bkt"}')" 409
	assert_equal "$(reason)" conflict
	assert_equal "$(status POST "/storage/v1/b" -d '{"name":"made"}')" 400
	assert_equal "$(reason)" required
	assert_equal "$(status POST "/storage/v1/b?project=testp" -d '{}')" 400
}

@test "a bucket that is not empty stays" {
	upload x text
	assert_equal "$(status DELETE /storage/v1/b/bkt)" 409
	assert_equal "$(message)" "The bucket you tried to delete is not empty."
	assert_equal "$(status DELETE /storage/v1/b/bkt/o/x)" 204
	assert_equal "$(status DELETE /storage/v1/b/bkt)" 204
}

# --- uploads in one request --------------------------------------------------------

@test "a media upload makes an object with checksums and a generation" {
	assert_equal "$(upload dir%2Fx 123456789)" 200
	assert_equal "$(jq -c '[.kind,.bucket,.name,.size,.contentType,.metageneration,.storageClass]' answer)" \
		'["storage#object","bkt","dir/x","9","text/plain","1","STANDARD"]'
	# 123456789: CRC-32C e3069283, MD5 25f9e794323b453885f5181f1b624d0b
	assert_equal "$(jq -r '.crc32c + .md5Hash' answer)" '4waSgw==JfnnlDI7RTiF9RgfG2JNCw=='
	generation=$(jq -r .generation answer)
	[[ $generation =~ ^1[0-9]{15}$ ]]
	assert_equal "$(jq -r .id answer)" "bkt/dir/x/$generation"
	assert_equal "$(jq -r .selfLink answer)" "$LOCALCLOUD_URL/storage/v1/b/bkt/o/dir%2Fx"
	assert_equal "$(jq -r .mediaLink answer)" "$LOCALCLOUD_URL/download/storage/v1/b/bkt/o/dir%2Fx?generation=$generation&alt=media"
	assert_equal "$(gcs_get bkt dir/x)" 123456789
}

@test "an object replaced has a later generation and another etag" {
	upload x one
	first=$(jq -c '[.generation,.etag]' answer)
	upload x two
	jq -e --argjson f "$first" '(.generation > $f[0]) and (.etag != $f[1])' answer
	assert_equal "$(gcs_get bkt x)" two
	# One object, one file.
	assert_equal "$(find cloud/objects -type f | wc -l)" 1
}

@test "names are percent-encoded, and any UTF-8 without line breaks" {
	assert_equal "$(upload a%2Fb%20c%3F%23%25%2B%C3%A9 text)" 200
	assert_equal "$(jq -r .name answer)" 'a/b c?#%+é'
	assert_equal "$(gcs_get bkt 'a/b c?#%+é')" text
	assert_equal "$(upload a%0Ab text)" 400
	assert_equal "$(upload a%FFb text)" 400
	assert_equal "$(upload .. text)" 400
	assert_equal "$(upload '' text)" 400
	assert_equal "$(reason)" required
	assert_equal "$(upload "$(printf 'n%.0s' {1..1025})" text)" 400
	assert_equal "$(upload "$(printf 'n%.0s' {1..1024})" text)" 200
	# A slash that came as such is no part of a name.
	upload dir%2Fx text
	assert_equal "$(status GET /storage/v1/b/bkt/o/dir/x)" 404
}

@test "an upload into a bucket that is not there is 404" {
	assert_equal "$(status POST "/upload/storage/v1/b/none/o?uploadType=media&name=x" -d text)" 404
	assert_equal "$(message)" "The specified bucket does not exist."
	assert_equal "$(status POST "/upload/storage/v1/b/none/o?uploadType=resumable&name=x" -d '{}')" 404
	assert_equal "$(status POST "/upload/storage/v1/b/bkt/o?uploadType=other&name=x" -d text)" 400
	assert_equal "$(find cloud/objects -type f | wc -l)" 0
}

# multipart FILE OPTIONS...: as gcloud and as the npm client write it
multipart() {
	status POST "/upload/storage/v1/b/bkt/o?uploadType=multipart$1" --data-binary @body -H "Content-Type: multipart/related; boundary=$2" "${@:3}"
}

@test "a multipart upload has metadata and data, in either style of line ends" {
	printf -- '--b1\nContent-Type: application/json\n\n{"name":"lf","metadata":{"k":"v"}}\n--b1\nContent-Type: text/csv\nContent-Transfer-Encoding: binary\n\na\n\n\n--b1--\n' >body
	assert_equal "$(multipart '' "'b1'")" 200
	assert_equal "$(jq -c '[.name,.contentType,.metadata,.size]' answer)" '["lf","text/csv",{"k":"v"},"3"]'
	printf -- '--b2\r\nContent-Type: application/json\r\n\r\n{"name":"lost","contentType":"x/y"}\r\n--b2\r\nContent-Type: text/csv\r\n\r\n--b2 \r\n\r\n--b2--' >body
	assert_equal "$(multipart '&name=crlf' '"b2"' -H 'Transfer-Encoding: chunked')" 200
	assert_equal "$(jq -c '[.name,.contentType,.size]' answer)" '["crlf","x/y","7"]'
	printf -- '--b3\r\nContent-Type: application/json\r\n\r\n{"name":"none"}\r\n--b3\r\nContent-Type: text/csv\r\n\r\ndata' >body
	assert_equal "$(multipart '' b3)" 400
	assert_equal "$(status GET /storage/v1/b/bkt/o/none)" 404
}

@test "a checksum that does not hold leaves no object" {
	assert_equal "$(upload x 123456789 '' -H 'x-goog-hash: crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==')" 200
	assert_equal "$(upload y 123456780 '' -H 'x-goog-hash: crc32c=4waSgw==')" 400
	assert_equal "$(reason)" invalid
	[[ $(message) == 'Provided CRC32C "4waSgw==" doesn'"'"'t match calculated CRC32C "'*'".' ]]
	assert_equal "$(upload y 123456780 '' -H 'x-goog-hash: crc32c=4waSgg==' -H 'x-goog-hash: md5=JfnnlDI7RTiF9RgfG2JNCw==')" 400
	printf -- '--b\n\n{"name":"y","md5Hash":"JfnnlDI7RTiF9RgfG2JNCw=="}\n--b\nContent-Type: a/b\n\n12345678\n--b--\n' >body
	assert_equal "$(multipart '' b)" 400
	[[ $(message) == 'Provided MD5 hash "JfnnlDI7RTiF9RgfG2JNCw==" doesn'"'"'t match calculated MD5 hash '* ]]
	assert_equal "$(gcs_names bkt)" x
	assert_equal "$(find cloud/objects -type f | wc -l)" 1
}

# --- resumable uploads -------------------------------------------------------------

@test "an object is there only when its last chunk is" {
	random data 700000
	split -b 262144 -d data part.
	url=$(session up '' '{"contentType":"a/b","metadata":{"k":"v"}}')

	assert_equal "$(put "$url" part.00 -H 'Content-Range: bytes 0-262143/*')" 308
	assert_equal "$(header Range)" bytes=0-262143
	assert_equal "$(header Location)" ""
	assert_equal "$(put "$url" /dev/null -H 'Content-Range: bytes */*')" 308
	assert_equal "$(header Range)" bytes=0-262143
	assert_equal "$(put "$url" part.01 -H 'Content-Range: bytes 262144-524287/*')" 308
	assert_equal "$(status GET /storage/v1/b/bkt/o/up)" 404
	assert_equal "$(gcs_names bkt)" ""
	assert_equal "$(put "$url" part.02 -H 'Content-Range: bytes 524288-699999/700000')" 200
	assert_equal "$(jq -c '[.size,.contentType,.metadata.k]' answer)" '["700000","a/b","v"]'
	assert_equal "$(jq -r .md5Hash answer)" "$(openssl md5 -binary data | base64)"
	gcs_get bkt up | cmp - data
	# The answer was lost: asked again, the upload is complete.
	generation=$(jq -r .generation answer)
	assert_equal "$(put "$url" /dev/null -H 'Content-Range: bytes */700000')" 200
	assert_equal "$(jq -r .generation answer)" "$generation"
}

@test "a resumable upload ends by an empty PUT with the total, or is empty, or of unknown length" {
	random data 262144
	url=$(session whole)
	assert_equal "$(put "$url" /dev/null -H 'Content-Range: bytes */*')" 308
	assert_equal "$(header Range)" ""
	put "$url" data -H 'Content-Range: bytes 0-262143/*'
	assert_equal "$(put "$url" /dev/null -H 'Content-Range: bytes */262144')" 200
	gcs_get bkt whole | cmp - data
	url=$(session empty)
	assert_equal "$(put "$url" /dev/null -H 'Content-Range: bytes */0')" 200
	assert_equal "$(jq -r '.size + .crc32c' answer)" 0AAAAAA==
	url=$(session stream)
	assert_equal "$(put "$url" data -H 'Content-Range: bytes 0-*/*' -H 'Transfer-Encoding: chunked')" 200
	gcs_get bkt stream | cmp - data
}

@test "a chunk that does not fit is refused, and the upload goes on" {
	random data 300000
	head -c 262144 data >part.00
	tail -c +262145 data >part.01
	url=$(session up)

	assert_equal "$(put "$url" part.01 -H 'Content-Range: bytes 0-37855/*')" 400
	assert_equal "$(put "$url" part.00 -H 'Content-Range: bytes 262144-524287/*')" 400
	assert_equal "$(put "$url" part.00 -H 'Content-Range: bytes 0-262143/*')" 308
	assert_equal "$(put "$url" part.00 -H 'Content-Range: bytes 0-262143/*')" 308
	assert_equal "$(header Range)" bytes=0-262143
	assert_equal "$(put "$url" data -H 'Content-Range: bytes 0-299999/300000')" 200
	gcs_get bkt up | cmp - data
}

@test "a wrong checksum at the end of a resumable upload leaves no object" {
	printf 123456789 >data
	url=$(session early '' '{"crc32c":"AAAAAA=="}')
	assert_equal "$(put "$url" data -H 'Content-Range: bytes 0-8/9')" 400
	assert_equal "$(put "$url" /dev/null -H 'Content-Range: bytes */9')" 404
	url=$(session late)
	assert_equal "$(put "$url" data -H 'Content-Range: bytes 0-8/9' -H 'X-Goog-Hash: crc32c=AAAAAA==')" 400
	url=$(session good '' '{"crc32c":"4waSgw=="}')
	assert_equal "$(put "$url" data -H 'Content-Range: bytes 0-8/9' -H 'X-Goog-Hash: md5=JfnnlDI7RTiF9RgfG2JNCw==')" 200
	assert_equal "$(gcs_names bkt)" good
}

@test "an upload session ends by DELETE, and is unknown to other services" {
	url=$(session up)
	assert_equal "$(put "${url/storage\/v1\/b\/bkt\/o/bigquery/v2/projects/p/jobs}" /dev/null -H 'Content-Range: bytes */*')" 404
	assert_equal "$(curl -sS -o answer -w '%{http_code}' -X DELETE "$url")" 499
	assert_equal "$(put "$url" /dev/null -H 'Content-Range: bytes */*')" 404
	assert_equal "$(find cloud/objects -type f | wc -l)" 0
}

@test "a server killed in the middle of an upload has no object and no file of it" {
	random data 600000
	upload old text
	url=$(session up)
	head -c 262144 data >part
	put "$url" part -H 'Content-Range: bytes 0-262143/*'
	mkfifo body
	curl -sS -o /dev/null -X PUT -T - -H 'Content-Range: bytes 262144-524287/*' "$url" <body 2>/dev/null 3>&- &
	client=$!
	exec 7>body
	head -c 100000 data >&7
	file=$(find cloud/objects -type f -size +255k)
	wait_until 20 longer_than "$file" 262144
	kill -KILL "$LOCALCLOUD_PID"
	wait "$LOCALCLOUD_PID" || true
	exec 7>&-
	wait "$client" || true

	localcloud_start
	assert_equal "$(gcs_names bkt)" old
	assert_equal "$(gcs_get bkt old)" text
	assert_equal "$(find cloud/objects -type f | wc -l)" 1
}

@test "eight uploads at once are kept apart" {
	for i in {1..8}; do
		random "data$i" $((600000 + i))
		head -c 524288 "data$i" >"head$i"
		tail -c +524289 "data$i" >"tail$i"
		(
			url=$(curl -sS -D - -o /dev/null -X POST -d '{}' "$LOCALCLOUD_URL/upload/storage/v1/b/bkt/o?uploadType=resumable&name=o$i" |
				sed -n 's/\r$//; s/^Location: //p')
			curl -sS -o /dev/null -X PUT --data-binary "@head$i" -H 'Content-Range: bytes 0-524287/*' "$url"
			curl -sS -o /dev/null -X PUT --data-binary "@tail$i" -H "Content-Range: bytes 524288-$((600000 + i - 1))/$((600000 + i))" "$url"
		) 3>&- &
		pids[i]=$!
	done
	wait "${pids[@]}"
	for i in {1..8}; do
		gcs_get bkt "o$i" | cmp - "data$i"
	done
	assert_equal "$(gcs_api GET b/bkt/o | jq '[.items[].generation] | unique | length')" 8
}

# --- preconditions -----------------------------------------------------------------

@test "ifGenerationMatch=0 creates, and never replaces" {
	assert_equal "$(upload x one '&ifGenerationMatch=0')" 200
	assert_equal "$(upload x two '&ifGenerationMatch=0')" 412
	assert_equal "$(reason) $(message)" "conditionNotMet At least one of the pre-conditions you specified did not hold."
	assert_equal "$(status POST '/upload/storage/v1/b/bkt/o?uploadType=resumable&name=x&ifGenerationMatch=0' -d '{}')" 412
	assert_equal "$(gcs_get bkt x)" one
	assert_equal "$(upload x two "&ifGenerationMatch=no")" 400
}

@test "a condition that held at the start of a resumable upload must hold at its end" {
	printf new >data
	url=$(session x '&ifGenerationMatch=0')
	upload x other
	assert_equal "$(put "$url" data -H 'Content-Range: bytes 0-2/3')" 412
	assert_equal "$(gcs_get bkt x)" other
}

@test "of eight creators at once one succeeds" {
	for i in {1..8}; do
		curl -sS -o /dev/null -w '%{http_code}\n' -X POST -d "$i" \
			"$LOCALCLOUD_URL/upload/storage/v1/b/bkt/o?uploadType=media&name=lock&ifGenerationMatch=0" >"code$i" 3>&- &
		pids[i]=$!
	done
	wait "${pids[@]}"
	assert_equal "$(cat code? | sort | uniq -c | awk '{ print $1 "x" $2 }' | paste -sd ' ')" "1x200 7x412"
}

@test "generations and metagenerations are conditions of every call" {
	upload x one
	g=$(jq -r .generation answer)
	o=/storage/v1/b/bkt/o/x
	assert_equal "$(status GET "$o?ifGenerationMatch=$g")" 200
	assert_equal "$(status GET "$o?ifGenerationMatch=1")" 412
	assert_equal "$(status GET "$o?ifGenerationNotMatch=$g")" 304
	assert_equal "$(status GET "$o?ifMetagenerationMatch=2")" 412
	assert_equal "$(status GET "$o?ifMetagenerationNotMatch=1&alt=media")" 304
	assert_equal "$(status GET "$o?generation=$g")" 200
	assert_equal "$(status GET "$o?generation=1")" 404
	assert_equal "$(upload x two "&ifGenerationNotMatch=$g")" 412
	assert_equal "$(upload x two "&ifMetagenerationMatch=1")" 200
	assert_equal "$(status DELETE "$o?ifGenerationMatch=$g")" 412
	assert_equal "$(status DELETE "$o?generation=$g")" 404
	assert_equal "$(status DELETE "$o?ifGenerationMatch=$(gcs_api GET b/bkt/o/x | jq -r .generation)")" 204
	assert_equal "$(status DELETE "$o")" 404
	assert_equal "$(reason) $(message)" "notFound No such object: bkt/x"
}

@test "a patch changes metadata and raises the metageneration" {
	upload x one
	g=$(jq -r .generation answer)
	assert_equal "$(status PATCH /storage/v1/b/bkt/o/x -d '{"contentType":"a/b","metadata":{"k":"v","l":"w"},"size":"9"}')" 200
	assert_equal "$(jq -c '[.contentType,.metadata,.metageneration,.generation,.size]' answer)" "[\"a/b\",{\"k\":\"v\",\"l\":\"w\"},\"2\",\"$g\",\"3\"]"
	assert_equal "$(status PATCH /storage/v1/b/bkt/o/x?ifMetagenerationMatch=1 -d '{"metadata":null}')" 412
	assert_equal "$(status PATCH /storage/v1/b/bkt/o/x?ifMetagenerationMatch=2 -d '{"metadata":{"k":null}}')" 200
	assert_equal "$(jq -c .metadata answer)" '{"l":"w"}'
	assert_equal "$(status PATCH /storage/v1/b/bkt/o/x -d '{"metadata":{"k":1}}')" 400
	assert_equal "$(status PATCH /storage/v1/b/bkt/o/x -d '{"temporaryHold":true}')" 501
}

# --- downloads ---------------------------------------------------------------------

@test "data come whole or by range, with their checksums" {
	printf 0123456789 | curl -sS -o answer -X POST --data-binary @- -H 'Content-Type: a/b' \
		"$LOCALCLOUD_URL/upload/storage/v1/b/bkt/o?uploadType=media&name=d%2Fx"
	generation=$(jq -r .generation answer)
	hash="crc32c=$(jq -r .crc32c answer),md5=$(jq -r .md5Hash answer)"
	o='/storage/v1/b/bkt/o/d%2Fx?alt=media'
	assert_equal "$(status GET "$o") $(<answer)" "200 0123456789"
	assert_equal "$(header X-Goog-Generation)" "$generation"
	assert_equal "$(header X-Goog-Hash)" "$hash"
	assert_equal "$(header X-Goog-Stored-Content-Length)" 10
	assert_equal "$(header Content-Type)" a/b
	assert_equal "$(status GET "/download$o&generation=$generation") $(<answer)" "200 0123456789"
	assert_equal "$(status GET "$o" -H 'Range: bytes=2-4') $(<answer)" "206 234"
	assert_equal "$(header Content-Range)" "bytes 2-4/10"
	assert_equal "$(status GET "$o" -H 'Range: bytes=7-') $(<answer)" "206 789"
	assert_equal "$(status GET "$o" -H 'Range: bytes=0-99') $(<answer)" "206 0123456789"
	assert_equal "$(status GET "$o" -H 'Range: bytes=-3') $(<answer)" "206 789"
	assert_equal "$(status GET "$o" -H 'Range: bytes=10-')" 416
	assert_equal "$(header Content-Range)" "bytes */10"
	assert_equal "$(status GET "$o" -H 'Range: lines=1-2')" 200
}

@test "an object that is stored as gzip comes decompressed to who does not accept gzip" {
	random data 300000
	gzip -c data >data.gz
	gcs_put bkt z data.gz >/dev/null
	o='/storage/v1/b/bkt/o/z?alt=media'
	assert_equal "$(status GET "$o")" 200
	cmp answer data.gz
	assert_equal "$(status PATCH /storage/v1/b/bkt/o/z -d '{"contentEncoding":"gzip"}')" 200
	assert_equal "$(status GET "$o" -H 'Range: bytes=0-9')" 200
	cmp answer data
	assert_equal "$(header Content-Length)$(header Content-Encoding)" ""
	assert_equal "$(header X-Goog-Stored-Content-Encoding) $(header X-Goog-Stored-Content-Length)" "gzip $(stat -c %s data.gz)"
	assert_equal "$(status GET "$o" -H 'Accept-Encoding: deflate, gzip') $(header Content-Encoding)" "200 gzip"
	cmp answer data.gz
	assert_equal "$(status GET "$o" -H 'Accept-Encoding: gzip' -H 'Range: bytes=0-9')" 206
	assert_equal "$(find cloud/objects -type f | wc -l)" 1
	assert_equal "$(status PATCH /storage/v1/b/bkt/o/z -d '{"cacheControl":"no-cache, no-transform"}')" 200
	assert_equal "$(status GET "$o")" 200
	cmp answer data.gz
}

@test "a download of what is not there is 404 in plain text" {
	assert_equal "$(status GET /storage/v1/b/bkt/o/none?alt=media)" 404
	assert_equal "$(<answer)" "No such object: bkt/none"
	assert_equal "$(status GET /download/storage/v1/b/none/o/x?alt=media)" 404
	assert_equal "$(status GET /storage/v1/b/bkt/o/none)" 404
	assert_equal "$(jq -c '[.error.code,.error.errors[0].domain,.error.status]' answer)" '[404,"global",null]'
}

# --- lists -------------------------------------------------------------------------

@test "a list rolls names up at the delimiter behind the prefix" {
	for name in a a/1 a/2/x a/2/y a/3 b/1 c 'd%' 'd%25' é/1; do
		upload "$(jq -rn --arg n "$name" '$n|@uri')" text
	done
	list() { gcs_api GET "b/bkt/o?$1" | jq -c '[[.items[]?.name],.prefixes//[]]'; }
	assert_equal "$(list '')" '[["a","a/1","a/2/x","a/2/y","a/3","b/1","c","d%","d%25","é/1"],[]]'
	assert_equal "$(list 'delimiter=/')" '[["a","c","d%","d%25"],["a/","b/","é/"]]'
	assert_equal "$(list 'delimiter=/&prefix=a')" '[["a"],["a/"]]'
	assert_equal "$(list 'delimiter=/&prefix=a/')" '[["a/1","a/3"],["a/2/"]]'
	assert_equal "$(list 'prefix=a/2')" '[["a/2/x","a/2/y"],[]]'
	assert_equal "$(list 'prefix=d%25')" '[["d%","d%25"],[]]'
	assert_equal "$(list 'prefix=z')" '[[],[]]'
	assert_equal "$(gcs_api GET 'b/bkt/o?prefix=z' | jq -c .)" '{"kind":"storage#objects"}'
	assert_equal "$(status GET /storage/v1/b/none/o)" 404
}

@test "pages follow one another without loss or repeat" {
	for name in a/1 a/2 b c/1 c/2 d; do
		upload "${name/\//%2F}" text
	done
	# pages QUERY: the names of each page, one a line
	pages() {
		local token=

		while :; do
			gcs_api GET "b/bkt/o?$1&pageToken=$token" >page
			jq -c '[.prefixes[]?, .items[]?.name]' page
			token=$(jq -r '.nextPageToken // ""' page)
			[[ -n $token ]] || return 0
		done
	}
	assert_equal "$(pages maxResults=2 | paste -sd ' ')" '["a/1","a/2"] ["b","c/1"] ["c/2","d"]'
	assert_equal "$(pages 'maxResults=1&delimiter=/' | paste -sd ' ')" '["a/"] ["b"] ["c/"] ["d"]'
	assert_equal "$(pages 'maxResults=3&delimiter=/' | paste -sd ' ')" '["a/","c/","b"] ["d"]'
	assert_equal "$(pages 'maxResults=2&prefix=c' | paste -sd ' ')" '["c/1","c/2"]'
	assert_equal "$(status GET '/storage/v1/b/bkt/o?maxResults=0')" 400
	assert_equal "$(status GET '/storage/v1/b/bkt/o?pageToken=@@')" 400
	assert_equal "$(pages 'maxResults=2&startOffset=a/2&endOffset=c/2' | paste -sd ' ')" '["a/2","b"] ["c/1"]'
	assert_equal "$(pages 'delimiter=/&startOffset=a/2' | paste -sd ' ')" '["a/","c/","b","d"]'
	assert_equal "$(pages 'delimiter=/&startOffset=a/3&endOffset=c/' | paste -sd ' ')" '["b"]'
	assert_equal "$(pages 'maxResults=1&prefix=c/&startOffset=a&endOffset=c/2' | paste -sd ' ')" '["c/1"]'
	assert_equal "$(status GET '/storage/v1/b/bkt/o?matchGlob=b*')" 501
	# There are no noncurrent versions: all are the live objects.
	assert_equal "$(status GET '/storage/v1/b/bkt/o?versions=true')" 200
	assert_equal "$(status POST "/storage/v1/b?project=testp" -d '{"name":"made","versioning":{"enabled":true}}')" 501
}

@test "fields selects what an answer has" {
	upload a text
	upload b text
	fields() { gcs_api GET "b/bkt/o$1fields=$2" | jq -cS .; }
	assert_equal "$(fields '?' 'items/name')" '{"items":[{"name":"a"},{"name":"b"}]}'
	assert_equal "$(fields '?' 'items(name,size),kind')" '{"items":[{"name":"a","size":"4"},{"name":"b","size":"4"}],"kind":"storage#objects"}'
	assert_equal "$(fields '?maxResults=1&' 'nextPageToken,items/name' | jq -c keys)" '["items","nextPageToken"]'
	assert_equal "$(fields '?' 'items/size,items/name,prefixes')" '{"items":[{"name":"a","size":"4"},{"name":"b","size":"4"}]}'
	assert_equal "$(fields '/a?' 'bucket,none,size/none,name')" '{"bucket":"bkt","name":"a"}'
	assert_equal "$(fields '?' 'items,items/name' | jq -c '.items[0] | has("size")')" true
	assert_equal "$(status PATCH /storage/v1/b/bkt/o/a?fields=metadata -d '{"metadata":{"k":"v","l":"w"}}') $(jq -c . answer)" \
		'200 {"metadata":{"k":"v","l":"w"}}'
	assert_equal "$(fields '/a?' 'metadata(k),metadata/l')" '{"metadata":{"k":"v","l":"w"}}'
	assert_equal "$(fields '?' 'items(metadata),items/metadata/k')" '{"items":[{"metadata":{"k":"v","l":"w"}},{}]}'
	assert_equal "$(fields '?' '*/name')" '{"items":[{"name":"a"},{"name":"b"}]}'
	assert_equal "$(upload c text '&fields=name,crc32c') $(jq -c keys answer)" '200 ["crc32c","name"]'
	for bad in 'items(name' 'items)' 'a,,b' 'a/' '(a)'; do
		assert_equal "$bad $(upload d text "&fields=$bad")" "$bad 400"
	done
	assert_equal "$(gcs_names bkt | paste -sd ' ')" "a b c"
}

# --- objects of objects ------------------------------------------------------------

@test "compose joins up to 32 objects in order" {
	upload a one-
	upload b two-
	g=$(jq -r .generation answer)
	assert_equal "$(status POST /storage/v1/b/bkt/o/c/compose -d '{"sourceObjects":[{"name":"b"},{"name":"a"},{"name":"b"}],"destination":{"contentType":"x/y"}}')" 200
	assert_equal "$(jq -c '[.size,.componentCount,.md5Hash,.contentType]' answer)" '["12",3,null,"x/y"]'
	assert_equal "$(gcs_get bkt c)" two-one-two-
	assert_equal "$(status POST /storage/v1/b/bkt/o/a/compose -d '{"sourceObjects":[{"name":"a"},{"name":"c"}]}')" 200
	assert_equal "$(jq -c '[.componentCount,.contentType]' answer)" '[4,"text/plain"]'
	assert_equal "$(gcs_get bkt a)" one-two-one-two-
	assert_equal "$(status POST /storage/v1/b/bkt/o/d/compose -d '{"sourceObjects":[{"name":"a"},{"name":"none"}]}')" 404
	assert_equal "$(message)" "No such object: bkt/none"
	assert_equal "$(status POST /storage/v1/b/bkt/o/d/compose -d '{"sourceObjects":[]}')" 400
	assert_equal "$(status POST /storage/v1/b/bkt/o/d/compose -d "$(jq -nc '{sourceObjects:[range(33)|{name:"a"}]}')")" 400
	assert_equal "$(status POST /storage/v1/b/bkt/o/d/compose -d '{"sourceObjects":[{"name":"b","objectPreconditions":{"ifGenerationMatch":"1"}}]}')" 412
	assert_equal "$(status POST "/storage/v1/b/bkt/o/d/compose?ifGenerationMatch=0" -d '{"sourceObjects":[{"name":"b","generation":"'"$g"'"}]}')" 200
	assert_equal "$(status POST "/storage/v1/b/bkt/o/d/compose?ifGenerationMatch=0" -d '{"sourceObjects":[{"name":"b"}]}')" 412
}

@test "rewrite and copy keep data and metadata, or take new metadata" {
	gcs_bucket other
	upload a%2Fb one
	assert_equal "$(status PATCH /storage/v1/b/bkt/o/a%2Fb -d '{"metadata":{"k":"v"}}')" 200
	assert_equal "$(status POST /storage/v1/b/bkt/o/a%2Fb/rewriteTo/b/other/o/c%2Fd -d '')" 200
	assert_equal "$(jq -c '[.kind,.done,.objectSize,.totalBytesRewritten,.resource.name,.resource.bucket,.resource.metadata.k]' answer)" \
		'["storage#rewriteResponse",true,"3","3","c/d","other","v"]'
	assert_equal "$(status POST /storage/v1/b/bkt/o/a%2Fb/copyTo/b/bkt/o/e -d '{"contentType":"x/y"}')" 200
	assert_equal "$(jq -c '[.kind,.contentType,.metadata,.metageneration]' answer)" '["storage#object","x/y",null,"1"]'
	assert_equal "$(status DELETE /storage/v1/b/bkt/o/a%2Fb)" 204
	assert_equal "$(gcs_get other c/d) $(gcs_get bkt e)" "one one"
	assert_equal "$(status POST /storage/v1/b/bkt/o/none/rewriteTo/b/bkt/o/x -d '')" 404
	assert_equal "$(status POST /storage/v1/b/bkt/o/e/rewriteTo/b/bkt/o/e?ifGenerationMatch=0 -d '')" 412
	assert_equal "$(status POST /storage/v1/b/bkt/o/e/rewriteTo/b/bkt/o/f?ifSourceGenerationMatch=1 -d '')" 412
	assert_equal "$(status POST /storage/v1/b/bkt/o/e/rewriteTo/b/none/o/f -d '')" 404
}

@test "a rewrite to another location takes as many calls as it is told, with a token" {
	gcs_api POST 'b?project=testp' '{"name":"far","location":"asia-east1"}' >/dev/null
	random data 2500000
	gcs_put bkt big data >/dev/null
	rewrite() { status POST "/storage/v1/b/bkt/o/big/rewriteTo/b/$1" -d "${2:-}"; }
	progress() { jq -c '[.done,.totalBytesRewritten,.objectSize,.resource.name]' answer; }
	assert_equal "$(rewrite 'far/o/c?maxBytesRewrittenPerCall=1048576') $(progress)" '200 [false,"1048576","2500000",null]'
	token=$(jq -r '.rewriteToken|@uri' answer)
	assert_equal "$(status GET /storage/v1/b/far/o/c)" 404
	assert_equal "$(rewrite "far/o/other?maxBytesRewrittenPerCall=1048576&rewriteToken=$token") $(message)" "400 Invalid rewrite token"
	assert_equal "$(rewrite "far/o/c?maxBytesRewrittenPerCall=2097152&rewriteToken=$token")" 400
	assert_equal "$(rewrite "far/o/c?maxBytesRewrittenPerCall=1048576&rewriteToken=no")" 400
	assert_equal "$(rewrite "far/o/c?maxBytesRewrittenPerCall=1048576&rewriteToken=$token") $(progress)" '200 [false,"2097152","2500000",null]'
	second=$(jq -r '.rewriteToken|@uri' answer)
	assert_equal "$(rewrite "far/o/c?maxBytesRewrittenPerCall=1048576&rewriteToken=$second") $(progress)" '200 [true,"2500000","2500000","c"]'
	assert_equal "$(jq -c 'has("rewriteToken")' answer)" false
	gcs_get far c | cmp - data
	# Another class of storage counts as well; one location is one call.
	assert_equal "$(rewrite 'bkt/o/cold?maxBytesRewrittenPerCall=1048576' '{"storageClass":"COLDLINE"}') $(jq .done answer)" "200 false"
	assert_equal "$(rewrite 'bkt/o/near?maxBytesRewrittenPerCall=1048576') $(jq .done answer)" "200 true"
	assert_equal "$(rewrite 'far/o/d?maxBytesRewrittenPerCall=1000')" 400
	# The source is that of the first call.
	gcs_put bkt big data >/dev/null
	assert_equal "$(rewrite "far/o/c?maxBytesRewrittenPerCall=1048576&rewriteToken=$second")" 404
}

# --- tokens and faults -------------------------------------------------------------

@test "with --require-auth every call needs a live token" {
	localcloud_stop
	localcloud_start --require-auth
	token=$(curl -sS -H 'Metadata-Flavor: Google' "$LOCALCLOUD_URL/computeMetadata/v1/instance/service-accounts/default/token" | jq -r .access_token)
	for path in /storage/v1/b/bkt/o /storage/v1/b/bkt '/download/storage/v1/b/bkt/o/x?alt=media'; do
		assert_equal "$(status GET "$path")" 401
	done
	assert_equal "$(upload x text)" 401
	assert_equal "$(upload x text '' -H "Authorization: Bearer $token")" 200
	assert_equal "$(status GET /storage/v1/b/bkt/o -H "Authorization: Bearer $token")" 200
}

@test "faults hit uploads: statuses, short ranges, lost sessions" {
	random data 600000
	head -c 524288 data >part
	url=$(session up)
	fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"status":503,"reason":"backendError","retryAfter":1}}'
	assert_equal "$(put "$url" part -H 'Content-Range: bytes 0-524287/*')" 503
	assert_equal "$(reason) $(header Retry-After)" "backendError 1"
	fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"short308":262144}}'
	assert_equal "$(put "$url" part -H 'Content-Range: bytes 0-524287/*')" 308
	assert_equal "$(header Range)" bytes=0-262143
	fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"session":410}}'
	assert_equal "$(put "$url" part -H 'Content-Range: bytes 0-524287/*')" 410
	assert_equal "$(put "$url" data -H 'Content-Range: bytes 0-599999/600000')" 200
	gcs_get bkt up | cmp - data
}

@test "faults drop connections: nothing, part, or everything of the effect stays" {
	random data 600000
	url=$(session up)
	fault '{"match":{"method":"PUT"},"fault":{"drop":"mid-body"}}'
	run put "$url" data -H 'Content-Range: bytes 0-599999/600000'
	[[ $status -ne 0 ]]
	assert_equal "$(put "$url" /dev/null -H 'Content-Range: bytes */600000')" 308
	assert_equal "$(header Range)" bytes=0-262143
	fault '{"match":{"method":"PUT"},"fault":{"drop":"after-effect"}}'
	run put "$url" data -H 'Content-Range: bytes 0-599999/600000'
	[[ $status -ne 0 ]]
	assert_equal "$(put "$url" /dev/null -H 'Content-Range: bytes */600000')" 200
	gcs_get bkt up | cmp - data
	for drop in before mid-body; do
		fault '{"match":{"method":"POST"},"fault":{"drop":"'$drop'"}}'
		run upload none text
		[[ $status -ne 0 ]]
	done
	assert_equal "$(gcs_names bkt)" up
	fault '{"match":{"path":"alt=media"},"fault":{"drop":"mid-body"}}'
	run status GET '/storage/v1/b/bkt/o/up?alt=media'
	assert_status 18
	assert_equal "$(stat -c %s answer)" 300000
	fault '{"match":{"method":"DELETE"},"fault":{"drop":"after-effect"}}'
	run status DELETE /storage/v1/b/bkt/o/up
	[[ $status -ne 0 ]]
	assert_equal "$(status GET /storage/v1/b/bkt/o/up)" 404
}

@test "--no-md5: objects have a CRC-32C and no MD5, and who brings one is refused" {
	printf 123456789 >"$BATS_TEST_TMPDIR/object"
	# shellcheck disable=SC2016 # for the inner shell
	run localcloud --data "$BATS_TEST_TMPDIR/other" --no-md5 -- bash -c '
		url=$STORAGE_EMULATOR_HOST
		curl -fsS --noproxy "*" -H "Content-Type: application/json" -d "{\"name\":\"bkt\"}" "$url/storage/v1/b?project=p" >/dev/null
		curl -sS --noproxy "*" --data-binary @"$1" "$url/upload/storage/v1/b/bkt/o?uploadType=media&name=a" | jq -c "[.crc32c, .md5Hash]"
		curl -sS --noproxy "*" --data-binary @"$1" -H "X-Goog-Hash: md5=JfnnlDI7RTiF9RgfG2JNCw==" \
			"$url/upload/storage/v1/b/bkt/o?uploadType=media&name=b" | jq .error.code' bash "$BATS_TEST_TMPDIR/object"
	assert_status 0
	assert_line '["4waSgw==",null]'
	assert_line 400
}
