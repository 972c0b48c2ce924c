#!/usr/bin/env bash
# A PostgreSQL server to throw away: an empty cluster of the newest installed version, on a free port of 127.0.0.1.
# Prints one line, its URL, once it accepts connections; lasts until standard input closes, and leaves nothing behind.
# A line `restart fast` or `restart immediate` on standard input restarts it; it then prints `restarted`.
#
#   JEAN_TEST_FSYNC=on         keeps what it wrote as a server in production does, over a loss of power too
#   tests/postgres.sh          prints postgres://jean@127.0.0.1:PORT/postgres, ends at Ctrl-D
set -euo pipefail
export LC_ALL=C

fail() {
  printf 'tests/postgres.sh: %s\n' "$*" >&2
  exit 1
}

bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
[[ -x $bin/initdb && -x $bin/pg_ctl ]] || fail "no PostgreSQL server: install Debian's postgresql, or run tests/run, which does"

# A Unix socket's path is at most 107 bytes, so not below a long TMPDIR.
folder=$(mktemp -d /tmp/jean-postgres.XXXXXX)
as_server=()
if [[ $EUID -eq 0 ]]; then # PostgreSQL refuses to run as root
  as_server=(setpriv --reuid=postgres --regid=postgres --init-groups)
  chown postgres: "$folder"
fi

server() {
  local program=$1
  shift
  (cd "$folder" && exec "${as_server[@]}" "$bin/$program" "$@") </dev/null
}

# shellcheck disable=SC2317,SC2329 # the trap calls it
clean() {
  trap '' INT TERM HUP PIPE
  server pg_ctl stop --silent --pgdata="$folder/data" --mode=immediate >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

server initdb --pgdata="$folder/data" --username=jean --auth=trust --encoding=UTF8 --locale=C --no-sync --no-instructions \
  >"$folder/initdb.log" 2>&1 || fail "initdb failed: $(cat "$folder/initdb.log")"

cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 200
autovacuum_naptime = 1s
fsync = ${JEAN_TEST_FSYNC:-off}
full_page_writes = ${JEAN_TEST_FSYNC:-off}
CONF

# PostgreSQL cannot choose a port itself, so it tries until one is free; below the range that outgoing connections use.
for _ in {1..20}; do
  port=$((20000 + RANDOM % 12000))
  if server pg_ctl start --silent --wait --timeout=30 --pgdata="$folder/data" --log="$folder/server.log" \
    --options="-p $port" >/dev/null 2>&1; then
    printf 'postgres://jean@127.0.0.1:%d/postgres\n' "$port"
    while read -r order mode; do
      [[ $order == restart ]] || fail "what is '$order'?"
      server pg_ctl restart --silent --wait --timeout=30 --mode="$mode" --pgdata="$folder/data" --log="$folder/server.log" \
        --options="-p $port" >/dev/null 2>&1 || fail "it did not restart: $(cat "$folder/server.log")"
      echo restarted
    done
    exit 0
  fi
  grep -q 'Address already in use' "$folder/server.log" || break
done
fail "the server did not start: $(cat "$folder/server.log")"
