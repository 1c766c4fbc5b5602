// Which handler decided what, in the order of the road: inwards to the upstream, and back.

import { h } from "./dom.js";
import { duration, statusKind } from "./format.js";
import { section } from "./tab-body.js";

const MEANS = {
  passed: "let it pass",
  answered: "answered",
  refused: "refused",
  failed: "failed",
  rerouted: "sent it elsewhere",
  edited: "changed it",
};

const HUE = { answered: "moved", refused: "client", failed: "server", rerouted: "switch", edited: "ok" };

export function tabDecisions(x) {
  const { handlers } = x.timing;
  const inwards = handlers.filter((one) => one.side !== "response");
  const back = handlers.filter((one) => one.side === "response");
  const stopped = inwards.some((one) => ["answered", "refused", "failed"].includes(one.verdict));
  const steps = [
    end("Visitor", x.remote_addr ?? x.source ?? ""),
    inwards.map(step),
    !stopped && end(x.replay_of ? "Upstream, straight from the agent" : "Upstream", x.status ? `answered ${x.status}` : (x.error ?? "no answer"), statusKind(x.status)),
    back.map(step),
  ];
  return section(
    "Decisions",
    handlers.length === 0 ? "no handler was asked" : x.decided_by ? `decided by ${x.decided_by}` : "the upstream decided",
    h("ol", { class: "road" }, steps),
  );
}

const end = (title, detail, kind = "none") =>
  h("li", { class: `road-end kind-${kind}` }, h("span", { class: "road-dot", "aria-hidden": "true" }), h("b", {}, title), h("span", { class: "dim grow" }, detail));

function step(one) {
  const kind = HUE[one.verdict] ?? "none";
  return h(
    "li",
    { class: `road-step kind-${kind}` },
    h("span", { class: "road-dot", "aria-hidden": "true" }),
    h(
      "span",
      { class: "grow" },
      h("b", { class: "road-name" }, one.name ?? one.kind),
      one.name && one.name !== one.kind && h("span", { class: "dim" }, ` ${one.kind}`),
      h("span", { class: "road-verdict" }, ` ${MEANS[one.verdict] ?? one.verdict}`),
      one.side !== "request" && h("span", { class: "dim" }, ` (${one.side})`),
      one.detail && h("span", { class: "road-detail" }, one.detail),
    ),
    h("span", { class: "dim num" }, duration(one.duration_ns / 1e6)),
  );
}
