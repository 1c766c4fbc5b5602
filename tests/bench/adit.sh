#!/usr/bin/env bash
# Adapter for a tunnel bench that starts systems side by side: an edge and an agent of adit as two
# processes, joined over TLS. KIND=http (default) or KIND=tcp chooses the endpoint.
#
# INSPECT=true has the agent capture what passes, which plain tunnels do not; false by default.
#
# Environment: WORKDIR, HTTP_UPSTREAM, IPERF_UPSTREAM (may be empty), EDGE_PORT, HTTP_PUBLIC,
# IPERF_PUBLIC, CERT, KEY, CA (certificate for localhost); ADIT, the binary.
set -euo pipefail
adit=${ADIT:-$(cd "$(dirname "$0")/../.." && pwd)/target/release/adit}
kind=${KIND:-http}
cd "$WORKDIR"

made=$("$adit" edge token --id bench)
token=$(sed -n 's/^token: *//p' <<<"$made")
hash=$(sed -n 's/.*hash: *//p' <<<"$made")
first=$((HTTP_PUBLIC < IPERF_PUBLIC ? HTTP_PUBLIC : IPERF_PUBLIC))
last=$((HTTP_PUBLIC > IPERF_PUBLIC ? HTTP_PUBLIC : IPERF_PUBLIC))
cat > edge.yml <<YML
domain: localhost
connect_host: localhost
tls_addr: 127.0.0.1:$EDGE_PORT
http_addr: 127.0.0.1:$([ "$kind" = http ] && echo "$HTTP_PUBLIC" || echo 0)
tcp_addr: 127.0.0.1
tcp_ports: $first-$last
state_dir: $WORKDIR/state
certificates:
  - { cert: $CERT, key: $KEY }
tokens:
  - { id: bench, hash: "$hash" }
YML
if [ "$kind" = http ]; then
  web="url: http://bench.localhost"
else
  web="url: tcp://localhost:$HTTP_PUBLIC"
fi
{
  cat <<YML
version: 3
agent:
  authtoken: $token
  connect_url: localhost:$EDGE_PORT
  connect_cas: $CA
  console_ui: false
  log: $WORKDIR/agent.log
  log_level: warn
endpoints:
  - name: web
    $web
    inspect: ${INSPECT:-false}
    upstream: { url: 127.0.0.1:$HTTP_UPSTREAM }
YML
  if [ -n "${IPERF_UPSTREAM:-}" ]; then
    echo "  - { name: bulk, url: 'tcp://localhost:$IPERF_PUBLIC', upstream: { url: 'tcp://127.0.0.1:$IPERF_UPSTREAM' } }"
  fi
} > agent.yml
if [ "$kind" = tcp ]; then
  sed -i "s|upstream: { url: 127.0.0.1:|upstream: { url: tcp://127.0.0.1:|" agent.yml
fi

"$adit" edge --config edge.yml --log "$WORKDIR/edge.log" --log-level warn & edge=$!
trap 'kill $edge ${agent:-} 2>/dev/null' EXIT TERM INT
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for _ in $(seq 500); do answers "$EDGE_PORT" && break; sleep 0.01; done
"$adit" start --all --config agent.yml & agent=$!

# Ready when the public side answers, not when something was printed.
host=$([ "$kind" = http ] && echo bench.localhost || echo 127.0.0.1)
for _ in $(seq 1000); do
  curl -fsS -o /dev/null --max-time 2 -H "Host: $host" "http://127.0.0.1:$HTTP_PUBLIC/1k.bin" 2>/dev/null && break
  sleep 0.01
done
iperf=null; [ -n "${IPERF_UPSTREAM:-}" ] && iperf=$IPERF_PUBLIC
cat > ready.tmp <<JSON
{"http": "http://127.0.0.1:$HTTP_PUBLIC", "iperf_port": $iperf, "host": "$host",
 "pids": {"server": [$edge], "client": [$agent]}}
JSON
mv ready.tmp ready.json
wait
