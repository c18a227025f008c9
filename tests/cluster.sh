#!/usr/bin/env bash
# A PostgreSQL cluster of its own for the tests: made in a temporary directory on a free port, gone when the command ends. TMPDIR says where.
#
#   tests/cluster.sh cargo test --locked      runs a command with TEST_DATABASE_URL set; ends with its exit code
#   tests/cluster.sh                          says the address, and keeps the cluster until Ctrl-C
#   tests/cluster.sh --where                  says which binaries it would use; exit code 2 when there are none
#   tests/cluster.sh --durable [command]      waits for the disk as a server in use does: for the benchmark
#
# Never a shared server: nothing outside the directory is touched, and nothing but loopback listens. Without --durable nothing is
# flushed to the disk (fsync off), so it says nothing about durability. It sorts as people do (ICU, en-US), not as bytes do, so that a
# query which forgot to say `COLLATE "C"` is found.
set -euo pipefail

oldest=15

# The directory with the server's binaries: PATH, then pg_config, then where the distributions put them, newest first.
binaries() {
  local candidates=() found directory version
  for found in postgres initdb; do
    found=$(command -v "$found" || true)
    [ -n "$found" ] && candidates+=("$(dirname "$(readlink -f "$found")")")
  done
  candidates+=("$(pg_config --bindir 2>/dev/null || true)")
  while read -r directory; do candidates+=("$directory"); done < <(
    printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/pgsql/bin | sort -rV
  )
  for directory in "${candidates[@]}"; do
    [ -n "$directory" ] && [ -x "$directory/postgres" ] && [ -x "$directory/initdb" ] || continue
    version=$("$directory/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
    [ "$version" -ge "$oldest" ] || continue
    echo "$directory"
    return
  done
  echo "tests/cluster.sh: there is no PostgreSQL server of version $oldest or newer: install postgresql" >&2
  return 2
}

bin=$(binaries)
if [ "${1:-}" = "--where" ]; then
  echo "$bin"
  exit 0
fi
durable=""
if [ "${1:-}" = "--durable" ]; then
  durable=yes
  shift
fi

# What need not outlive anything lies in memory where there is room for it: most of what a test costs a server is making and dropping files.
place=${TMPDIR:-/tmp}
if [ -z "$durable" ] && [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "$(df -Pm /dev/shm | awk 'NR == 2 { print $4 }')" -ge 4096 ]; then
  place=/dev/shm
fi
home=$(mktemp -d "$place/croupier-postgres-XXXXXX")
server=""

# However it ends, also by Ctrl-C: first the server, then its files.
leave() {
  trap '' INT TERM HUP
  if [ -n "$server" ]; then
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$home"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The server refuses to be root. It also ends when this script is killed without a chance to clean up, where setpriv can say so.
as_server=()
if [ "$(id -u)" = 0 ]; then
  user=$(id -un postgres 2>/dev/null || echo nobody)
  chown "$user" "$home"
  if command -v setpriv >/dev/null 2>&1; then
    as_server=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups --reset-env --pdeathsig QUIT)
  else
    as_server=(runuser -u "$user" --)
  fi
elif command -v setpriv >/dev/null 2>&1; then
  as_server=(setpriv --pdeathsig QUIT)
fi

password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s\n' "$password" >"$home/password"
chmod 600 "$home/password"
[ "$(id -u)" = 0 ] && chown "$user" "$home/password"

# md5 costs a connection nothing; a test opens hundreds. The port is loopback's and lives as long as the tests.
initdb() {
  (cd "$home" && "${as_server[@]}" "$bin/initdb" --pgdata "$home/data" --username croupier --pwfile "$home/password" \
    --auth md5 --encoding UTF8 --no-sync --no-instructions "$@") >"$home/initdb.log" 2>&1
}
if ! initdb --locale-provider=icu --icu-locale=en-US --locale=C.UTF-8; then
  # A server that was built without ICU, or a system without that locale.
  rm -rf "$home/data"
  initdb --locale="${LANG:-C.UTF-8}" || { cat "$home/initdb.log" >&2; exit 2; }
fi
# Shared memory with the files: a server that is killed would leave it behind in the system's.
cat >>"$home/data/postgresql.conf" <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
shared_buffers = 128MB
dynamic_shared_memory_type = mmap
max_wal_size = 1GB
jit = off
log_min_messages = fatal
CONF
if [ -z "$durable" ]; then
  cat >>"$home/data/postgresql.conf" <<'CONF'
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
CONF
fi

# Ports below those the system hands out. Somebody may take one between the look and the start: then another.
for _ in $(seq 50); do
  port=$((20000 + RANDOM % 12000))
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    continue
  fi
  (cd "$home" && exec "${as_server[@]}" "$bin/postgres" -D "$home/data" -p "$port") >"$home/server.log" 2>&1 &
  server=$!
  until "$bin/pg_isready" --quiet --host 127.0.0.1 --port "$port"; do
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  kill -0 "$server" 2>/dev/null && break
  wait "$server" || true
  server=""
done
[ -n "$server" ] || { cat "$home/server.log" >&2; exit 2; }

export TEST_DATABASE_URL="postgres://croupier:$password@127.0.0.1:$port/postgres"
if [ $# = 0 ]; then
  echo "$TEST_DATABASE_URL"
  wait "$server"
else
  "$@"
fi
