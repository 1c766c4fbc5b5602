// Drives the npm package `@ngrok/ngrok` by JSON lines; see scenarios.py for the protocol.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import ngrok from "@ngrok/ngrok";

let session;
const listeners = new Map();

const operations = {
  async connect({ server, ca, token }) {
    const builder = new ngrok.SessionBuilder();
    builder.authtoken(token).serverAddr(server).rootCas(ca);
    session = await builder.connect();
    return {};
  },

  async bind({ key, proto, to, options }) {
    const builder = {
      http: () => session.httpEndpoint(),
      tcp: () => session.tcpEndpoint(),
      tls: () => session.tlsEndpoint(),
    }[proto]();
    if (options.domain) builder.domain(options.domain);
    if (options.scheme) builder.scheme(options.scheme);
    if (options.basic_auth) builder.basicAuth(...options.basic_auth);
    if (options.response_header) builder.responseHeader(...options.response_header);
    if (options.deny_cidr) {
      builder.allowCidr("0.0.0.0/0");
      builder.denyCidr(options.deny_cidr);
    }
    if (options.compression) builder.compression();
    if (options.traffic_policy) builder.trafficPolicy(options.traffic_policy);
    if (options.termination) {
      builder.termination(...options.termination.map((path) => readFileSync(path)));
    }
    if (options.pooling) builder.poolingEnabled(true);
    const listener = await builder.listen();
    listener.forward(to).catch(() => {});
    listeners.set(key, listener);
    return { url: listener.url() };
  },

  async close({ key }) {
    await listeners.get(key).close();
    listeners.delete(key);
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...args } = JSON.parse(line);
  let answer;
  try {
    answer = await operations[op](args);
  } catch (error) {
    answer = { error: String(error.message ?? error), code: error.errorCode ?? null };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
