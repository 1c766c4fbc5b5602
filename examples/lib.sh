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

# The public URL of the NAME-th `Forwarding` line of an agent.
url_of() { sed -n 's/^Forwarding *\([^ ]*\) ->.*/\1/p' "$WORK/$1.out" | sed -n "${2:-1}p"; }

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
