# What the checks share. Everything that is started here is ended here, by its id.
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done' EXIT

# Starts a command in the background; its output goes to $WORK/NAME.out.
start() {
  local name=$1; shift
  "$@" >"$WORK/$name.out" 2>&1 & pids+=($!)
}

# Tries a command until it succeeds, for at most 20 seconds.
until_ok() {
  for _ in $(seq 400); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
  echo "not within 20 s: $*" >&2
  for out in "$WORK"/*.out; do echo "--- $out" >&2; tail -20 "$out" >&2; done
  return 1
}

# The lines of an agent that have a public URL: records of its log, or what a program of ours prints.
served() { grep -E '^Forwarding|msg="started tunnel"' "$WORK/$1.out"; }

# The public URL of the N-th endpoint that it serves.
url_of() { served "$1" | sed 's/.* url=//; s/^Forwarding *//; s/ .*//' | sed -n "${2:-1}p"; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# A web service that names itself; prints its port.
web() {
  local port; port=$(free_port)
  mkdir -p "$WORK/www"; echo "hello from the service" >"$WORK/www/index.html"
  start web python3 -m http.server --bind 127.0.0.1 --directory "$WORK/www" "$port"
  until_ok curl -fs "http://127.0.0.1:$port/"
  PORT=$port
}

expect() {
  [ "$2" = "$3" ] || { echo "$1: expected '$3', got '$2'" >&2; return 1; }
  echo "   $1: $2"
}

# An edge on loopback, from the file of the story about it: sets TLS, HTTP, TCP (ports) and TOKEN, and
# leaves its root in $WORK/ca.pem.
own_edge() {
  local made hash file=../own-edge/edge.yml
  TLS=$(free_port); HTTP=$(free_port); TCP=$(free_port)
  made=$("$ADIT" edge token --id laptop)
  TOKEN=$(sed -n 's/^token: *//p' <<<"$made"); hash=$(sed -n 's/.*hash: *//p' <<<"$made")
  sed -e "s/0.0.0.0:443/127.0.0.1:$TLS/; s/0.0.0.0:80/127.0.0.1:$HTTP/; s/20000-20100/$TCP/" \
    -e "s/^domain:.*/&\nconnect_host: localhost/; s/sha256:0*/$hash/; s|state_dir: state|state_dir: $WORK/state|" \
    "$file" >"$WORK/edge.yml"
  start edge "$ADIT" edge --config "$WORK/edge.yml"
  until_ok bash -c "exec 3<>/dev/tcp/127.0.0.1/$TLS"
  "$ADIT" edge ca --state-dir "$WORK/state" >"$WORK/ca.pem"
}
