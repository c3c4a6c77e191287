# What the database servers of the tests have in common; helper/mariadb and helper/postgres source it.

# server_as_owner USER COMMAND...: root is not meant to run a server, so USER does, or nobody.
server_as_owner() {
	local user=$1
	shift

	if ((EUID != 0)); then
		"$@"
	elif getent passwd "$user" >/dev/null; then
		setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
	else
		setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
	fi
}

# An authority and a certificate of its own for "localhost" and 127.0.0.1.
server_make_certificate() {
	local dir=$1

	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=sluice-test-ca -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
		-keyout "$dir/server.key" -out "$dir/server.csr" 2>/dev/null
	openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial \
		-days 2 -out "$dir/server.crt" -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1') 2>/dev/null
	chmod 600 "$dir/server.key"
}

# A free port of 127.0.0.1, as far as that can be known beforehand.
server_free_port() {
	local port

	for port in $(shuf -n 20 -i 20000-32000); do
		if ! (: <>/dev/tcp/127.0.0.1/"$port") 2>/dev/null; then
			echo "$port"
			return 0
		fi
	done
	return 1
}
