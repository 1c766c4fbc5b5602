// The life of `ngrok` from npm and of @expo/ngrok: `node_life.cjs DIRECTORY CLIENT`.
"use strict";
const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const [dir, client] = process.argv.slice(2);
const isExpo = client === "expo";
const isFive = client.startsWith("npm-5");
const at = path.join(dir, "node_modules", isExpo ? "@expo/ngrok" : "ngrok");
const ngrok = require(at);
const { TOKEN, TLS, HTTP, WORK, HOME, SERVICE } = process.env;
const service = Number(SERVICE);
const checks = [];
const check = (sentence, run, when = true) => when && checks.push([sentence, run]);

/// What a visitor of a public URL gets.
function visit(url, headers = {}) {
  const { protocol, hostname, pathname, search } = new URL(url);
  const secure = protocol === "https:";
  const options = {
    host: "127.0.0.1", port: secure ? TLS : HTTP, path: pathname + search, agent: false,
    headers: { host: hostname, ...headers }, servername: hostname,
    ca: fs.readFileSync(process.env.CA),
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(options, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    request.on("error", reject).end();
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function eventually(holds, ms = 3000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await holds();
    if (value) return value;
    assert.ok(Date.now() < deadline, `not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let files = 0;
/// A file of its own, so that clients on one machine do not meet.
async function config(more = "") {
  const file = path.join(WORK, `${client}-${++files}.yml`);
  const web = `127.0.0.1:${await freePort()}`;
  const text = isFive ? `version: "2"\nauthtoken: ${TOKEN}\nweb_addr: ${web}\n`
    : `version: "2"\nweb_addr: ${web}\nauthtoken: ${TOKEN}\n`;
  fs.writeFileSync(file, text + more);
  return file;
}

async function refused(options) {
  let url;
  try {
    url = await ngrok.connect(options);
  } catch (error) {
    return error;
  }
  throw new Error(`accepted: ${url}`);
}

check("its version is three numbers", async () => {
  assert.match(await ngrok.getVersion(), /^\d+\.\d+\.\d+$/);
});

check("a token goes into the default file, and into one that is named", async () => {
  await ngrok.authtoken(TOKEN);
  const usual = path.join(HOME, ".config", "ngrok", "ngrok.yml");
  assert.ok(fs.readFileSync(usual, "utf8").includes(TOKEN));
  const named = path.join(WORK, `${client}-token`, "deep", "ngrok.yml");
  await ngrok.authtoken({ authtoken: TOKEN, configPath: named });
  assert.ok(fs.readFileSync(named, "utf8").includes(TOKEN));
  fs.rmSync(usual);
});

check("connect gives an https URL at which the service is", async () => {
  const statuses = [], lines = [];
  const url = await ngrok.connect({
    addr: service, configPath: await config(), region: "us",
    onStatusChange: (status) => statuses.push(status), onLogEvent: (line) => lines.push(line),
  });
  assert.match(url, /^https:\/\/[^/]+$/);
  const answer = await visit(url + "/a?b=c");
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.body).path, "/a?b=c");
  await eventually(() => statuses.includes("connected"));
  assert.ok(lines.join("\n").includes("starting web service"));
  assert.match(ngrok.getUrl(), /^http:\/\/127\.0\.0\.1:\d+$/);
});

check("the API is what its client expects: list, detail, requests, replay, clear", async () => {
  const url = await ngrok.connect({ addr: service, configPath: await config(), name: "life" });
  const api = ngrok.getApi();
  const { tunnels, uri } = await api.listTunnels();
  assert.equal(uri, "/api/tunnels");
  const tunnel = tunnels.find((t) => t.public_url === url);
  const { name } = tunnel;
  // Version 5 reads a name from the file only, and makes up another.
  assert.ok(isFive || name === "life", name);
  assert.deepEqual(
    [tunnel.proto, tunnel.config],
    ["https", { addr: `http://localhost:${service}`, inspect: true }],
  );
  const detail = await api.tunnelDetail(name);
  assert.equal(detail.uri, `/api/tunnels/${name}`);
  assert.equal(detail.metrics.http.count, 0);
  await visit(url + "/captured");
  const requests = async () => (await api.listRequests({ limit: 10, tunnel_name: name })).requests;
  const [entry] = await eventually(async () => {
    const all = await requests();
    return all.length === 1 && all[0].response && all;
  });
  assert.equal(entry.request.uri, "/captured");
  assert.equal((await api.requestDetail(entry.id)).id, entry.id);
  assert.equal(await api.replayRequest(entry.id, name), true);
  assert.equal((await requests()).length, 2);
  assert.equal(await api.deleteAllRequests(), true);
  assert.deepEqual(await requests(), []);
  await assert.rejects(api.requestDetail("nonsense"), (error) => error.body.error_code === 106);
  await assert.rejects(api.tunnelDetail("nonsense"), (error) => error.body.error_code === 100);
});

check("tcp, a host name, and keys of the wrapper among those of the tunnel", async () => {
  const configPath = await config();
  const tcp = await ngrok.connect({ proto: "tcp", addr: service, configPath });
  assert.match(tcp, /^tcp:\/\/[^:/]+:\d+$/);
  const port = new URL(tcp.replace("tcp:", "http:")).port;
  const status = await new Promise((resolve, reject) => {
    http.get({ host: "127.0.0.1", port, agent: false }, (r) => resolve(r.resume().statusCode)).on("error", reject);
  });
  assert.equal(status, 200);
  const hostname = `${client.replace(/[^a-z0-9]/g, "-")}.tunnel.example.com`;
  const options = { addr: service, configPath, hostname, authtoken: TOKEN, port: service };
  assert.equal(new URL(await ngrok.connect(options)).hostname, hostname);
});

check("basic auth is asked for", async () => {
  const key = isFive ? "basic_auth" : "auth";
  const url = await ngrok.connect({ addr: service, configPath: await config(), [key]: "username:password" });
  assert.equal((await visit(url)).status, 401);
  const authorization = "Basic " + Buffer.from("username:password").toString("base64");
  assert.equal((await visit(url, { authorization })).status, 200);
});

check("two schemes are two tunnels, and disconnect ends them all at once", async () => {
  const configPath = await config();
  const two = isFive ? { schemes: ["http", "https"] } : { bind_tls: "both" };
  const url = await ngrok.connect({ addr: service, configPath, ...two });
  assert.match(url, /^https:/);
  const listed = async () => (await ngrok.getApi().listTunnels()).tunnels;
  assert.equal((await listed()).length, 2);
  assert.equal((await visit(url.replace("https:", "http:"))).status, 200);
  await ngrok.connect({ addr: service, configPath });
  await ngrok.disconnect();
  assert.deepEqual(await listed(), []);
});

check("disconnect of one URL ends that one; of an unknown one, says so", async () => {
  const configPath = await config();
  const one = await ngrok.connect({ addr: service, configPath });
  const two = await ngrok.connect({ addr: service, configPath });
  await ngrok.disconnect(one);
  assert.deepEqual((await ngrok.getApi().listTunnels()).tunnels.map((t) => t.public_url), [two]);
  await assert.rejects(ngrok.disconnect(one), /there is no tunnel with url/);
});

check("a tunnel of the file is known by its name", async () => {
  const configPath = await config("tunnels:\n  other:\n    proto: tcp\n    addr: 1\n");
  if (isFive) {
    assert.match(await ngrok.connect({ name: "other", configPath }), /^tcp:/);
    return;
  }
  const error = await refused({ name: "other", configPath });
  assert.equal(error.body.error_code, 102);
});

check("mistakes are told as the client reads them, and the process lives on", async () => {
  const configPath = await config();
  const bad = await refused({ proto: "nonsense", addr: service, configPath });
  assert.equal(bad.message, "invalid tunnel configuration");
  assert.match(bad.body.details.err, /protocol name/);
  const subdomain = client.replace(/[^a-z0-9]/g, "-") + "-taken";
  await ngrok.connect({ addr: service, configPath, subdomain });
  const taken = await refused({ addr: service, configPath, subdomain });
  assert.equal(taken.message, "failed to start tunnel");
  assert.equal(taken.body.error_code, 103);
  assert.match(taken.body.details.err, /ERR_NGROK_334/);
  assert.equal((await ngrok.getApi().listTunnels()).tunnels.length, 1);
});

check("after kill everything can begin again", async () => {
  const configPath = await config();
  await ngrok.connect({ addr: service, configPath });
  const before = ngrok.getUrl();
  await ngrok.kill();
  await ngrok.connect({ addr: service, configPath });
  assert.equal(ngrok.getUrl(), before);
});

check("a web address that is taken rejects", async () => {
  const configPath = await config();
  const [, port] = fs.readFileSync(configPath, "utf8").match(/127\.0\.0\.1:(\d+)/);
  const server = net.createServer().listen(Number(port), "127.0.0.1");
  await new Promise((resolve) => server.on("listening", resolve));
  const error = await refused({ addr: service, configPath });
  assert.match(error.message, new RegExp(`${port}: bind: address already in use`));
  await new Promise((resolve) => server.close(resolve));
});

check("a file without version is upgraded, and its copy kept", async () => {
  const file = path.join(WORK, `${client}-old.yml`);
  fs.writeFileSync(file, "authtoken: abc\n");
  await ngrok.upgradeConfig({ configPath: file });
  const text = fs.readFileSync(file, "utf8");
  assert.match(text, /version: "2"/);
  assert.match(text, /region: us/);
  assert.equal(fs.readFileSync(file + ".v1.bak", "utf8"), "authtoken: abc\n");
}, isFive);

check("the process can be asked for", async () => {
  await ngrok.connect({ addr: service, configPath: await config() });
  assert.ok(ngrok.getActiveProcess().pid > 0);
}, isExpo);

(async () => {
  let failed = 0;
  for (const [sentence, run] of checks) {
    const began = Date.now();
    try {
      let timer;
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error("not within 20 s")), 20000);
      });
      await Promise.race([run(), late]).finally(() => clearTimeout(timer));
      console.log(`   ${sentence} (${((Date.now() - began) / 1000).toFixed(1)}s)`);
    } catch (error) {
      failed += 1;
      const place = (error.stack || "").split("\n").find((line) => line.includes("node_life")) || "";
      const body = error.body ? " " + JSON.stringify(error.body) : "";
      console.log(` ! ${sentence}\n     ${place.trim()}\n     ${error.message}${body}`);
    }
    await Promise.race([ngrok.kill(), new Promise((resolve) => setTimeout(resolve, 3000))]).catch(() => {});
  }
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})();
