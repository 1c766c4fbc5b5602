// Why an exchange ended early, as a sentence.

const WHY = {
  "agent-gone": "The session between agent and edge broke.",
  "bad-response": "The upstream broke the rules of HTTP, or broke off.",
  cut: "adit was shut down before it was over.",
  "handler-failed": "A handler broke.",
  refused: "A handler, or a rule of the protocol, turned it away.",
  reset: "One side broke off: the visitor hung up, or the connection was reset.",
  timeout: "One side was too slow.",
  "tls-failed": "The visitor's TLS handshake failed.",
  "upstream-unreachable": "The upstream could not be reached.",
};

/** The sentence for a reason. */
export const failure = (reason) => WHY[reason] ?? reason;
