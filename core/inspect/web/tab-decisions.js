// Which handler decided what, in the order of the road: inwards to the upstream, and back.

import { h } from "./dom.js";
import { failure } from "./failure.js";
import { duration, statusKind } from "./format.js";
import { section } from "./tab-body.js";

/** What a verdict means, on the way in and on the way back. */
const VERDICTS = {
  abort: ["refused", "client"],
  detach: ["took the connection over", "switch"],
  failed: ["failed", "server"],
  next: ["let it pass", "none"],
  "next-then": ["let it pass, and waits for the response", "none"],
  reroute: ["sent it to another endpoint", "switch"],
  respond: ["answered", "client"],
};

const STOPS = new Set(["abort", "detach", "respond"]);

export function tabDecisions(x) {
  const { decisions } = x.timing;
  const inwards = decisions.filter((one) => one.side === "request");
  const back = decisions.filter((one) => one.side === "response");
  const wasAsked = !inwards.some((one) => STOPS.has(one.verdict)) && x.response?.origin !== "handler";
  return section(
    "Decisions",
    decisions.length === 0 ? "no handler was asked" : x.decided_by ? `decided by ${x.decided_by}` : null,
    h(
      "ol",
      { class: "road" },
      end("Visitor", x.replay_of ? "a replay, sent by the agent" : (x.remote_addr ?? "")),
      inwards.map(step),
      wasAsked && upstream(x),
      back.map(step),
    ),
  );
}

function upstream(x) {
  if (x.response?.origin === "upstream") return end("Upstream", `answered ${x.status}`, statusKind(x.status));
  if (x.state === "open") return end("Upstream", "no answer yet");
  return end("Upstream", x.error ? failure(x.error) : "no answer", "server");
}

const end = (title, detail, kind = "none") =>
  h("li", { class: `road-end kind-${kind}` }, h("span", { class: "road-dot", "aria-hidden": "true" }), h("b", {}, title), h("span", { class: "dim grow" }, detail));

function step(one) {
  const [means, kind] = VERDICTS[one.verdict] ?? [one.verdict, "none"];
  const text = one.side === "response" && kind === "none" ? "saw the response" : means;
  return h(
    "li",
    { class: `road-step kind-${kind}` },
    h("span", { class: "road-dot", "aria-hidden": "true" }),
    h("span", { class: "grow" }, h("b", {}, one.link), h("span", { class: "road-verdict" }, ` ${text}`), one.note && h("span", { class: "road-detail" }, one.note)),
    h("span", { class: "dim num" }, duration(one.duration_ns / 1e6)),
  );
}
