#!/usr/bin/env bash
# Adapter for the same bench: the published SDK's own forwarder (PyPI `ngrok`, which is the Rust SDK
# inside) on our edge, to compare our agent with it. Run tests/conformance/run once before: it
# installs the package.
#
# Environment: as for adit.sh; there is no bulk endpoint.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
adit=${ADIT:-$root/target/release/adit}
python=$root/tests/conformance/.venv/bin/python
[ -x "$python" ] || { echo "run tests/conformance/run first: it installs the SDK" >&2; exit 1; }
cd "$WORKDIR"

made=$("$adit" edge token --id bench)
token=$(sed -n 's/^token: *//p' <<<"$made")
hash=$(sed -n 's/.*hash: *//p' <<<"$made")
cat > edge.yml <<YML
domain: localhost
connect_host: localhost
tls_addr: 127.0.0.1:$EDGE_PORT
http_addr: 127.0.0.1:$HTTP_PUBLIC
state_dir: $WORKDIR/state
certificates:
  - { cert: $CERT, key: $KEY }
tokens:
  - { id: bench, hash: "$hash" }
YML
"$adit" edge --config edge.yml --log "$WORKDIR/edge.log" --log-level warn & edge=$!
trap 'kill $edge ${agent:-} 2>/dev/null' EXIT TERM INT
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for _ in $(seq 500); do answers "$EDGE_PORT" && break; sleep 0.01; done

mkfifo calls
"$python" "$root/tests/conformance/driver.py" < calls > answers & agent=$!
exec 4> calls
cat >&4 <<JSON
{"op": "connect", "server": "localhost:$EDGE_PORT", "ca": "$CA", "token": "$token"}
{"op": "bind", "key": "web", "proto": "http", "to": "127.0.0.1:$HTTP_UPSTREAM", "options": {"scheme": "HTTP", "domain": "bench.localhost"}}
JSON
for _ in $(seq 1000); do
  curl -fsS -o /dev/null --max-time 2 -H "Host: bench.localhost" "http://127.0.0.1:$HTTP_PUBLIC/1k.bin" 2>/dev/null && break
  sleep 0.01
done
cat > ready.tmp <<JSON
{"http": "http://127.0.0.1:$HTTP_PUBLIC", "iperf_port": null, "host": "bench.localhost",
 "pids": {"server": [$edge], "client": [$agent]}}
JSON
mv ready.tmp ready.json
wait
