//! Policies for tests, written as text: a core module with the calls' flat names, made into a
//! component with the contract's types.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const CONTRACT: &str = include_str!("../../../../policy-sdk/wit/policy.wit");

/// What every guest has: memory, room for what the host hands over, and a `configure` that says
/// yes. Texts start at 0, answers are written at 4096, what the host hands over from 65536 on.
const PRELUDE: &str = r#"
    (memory (export "memory") 32)
    (global $top (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (if (i32.gt_u (i32.add (global.get $top) (local.get $size)) (i32.const 2000000))
        (then (global.set $top (i32.const 65536))))
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
"#;

const CONFIGURE: &str = r#"
    (func (export "adit:policy/setup@0.1.0#configure") (param $at i32) (param $len i32) (result i32)
      (i32.store8 (i32.const 4096) (i32.const 0)) (i32.const 4096))
"#;

/// A policy, made of functions in text.
#[derive(Clone, Default)]
pub(crate) struct Guest {
    hooks: Vec<&'static str>,
    imports: String,
    body: String,
    configure: Option<String>,
    version: Option<&'static str>,
}

impl Guest {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds an import of the contract under a short name: `("http", "[method]request.header",
    /// "$header (param i32 i32 i32 i32)")`.
    pub(crate) fn import(mut self, interface: &str, function: &str, signature: &str) -> Self {
        let line = format!(
            "(import \"adit:policy/{interface}@0.1.0\" \"{function}\" (func {signature}))\n"
        );
        if !self.imports.contains(&line) {
            self.imports.push_str(&line);
        }
        self
    }

    /// Builds for another release of the contract.
    pub(crate) fn release(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// Adds text to the module: functions, data, globals.
    pub(crate) fn with(mut self, text: &str) -> Self {
        self.body.push_str(text);
        self
    }

    /// Replaces `configure`: `$at` and `$len` are the configuration, the result is where the answer
    /// stands.
    pub(crate) fn configure(mut self, body: &str) -> Self {
        self.configure = Some(format!(
            "(func (export \"adit:policy/setup@0.1.0#configure\") (param $at i32) (param $len i32) \
             (result i32) {body})"
        ));
        self
    }

    /// Adds a hook's function; handles in its parameters are named, and let go before the body.
    fn hook(
        mut self,
        interface: &'static str,
        function: &str,
        signature: &str,
        drops: &[(&str, &str)],
        body: &str,
    ) -> Self {
        if !self.hooks.contains(&interface) {
            self.hooks.push(interface);
        }
        for (interface, resource) in drops {
            let drop = format!("[resource-drop]{resource}");
            self = self.import(interface, &drop, &format!("$drop-{resource} (param i32)"));
        }
        self.body.push_str(&format!(
            "(func (export \"adit:policy/{interface}@0.1.0#{function}\") {signature} {body})\n"
        ));
        self
    }

    /// `on-request`: `$conn`, `$req`; its result is where the verdict stands. The body lets go of
    /// handles by `(call $done (local.get $conn) (local.get $req))`, which is added to the front
    /// of `end`.
    pub(crate) fn on_request(self, body: &str) -> Self {
        let body = format!(
            "(local $r i32) (local.set $r (block (result i32) {body})) \
             (call $drop-connection (local.get $conn)) (call $drop-request (local.get $req)) \
             (local.get $r)"
        );
        self.hook(
            "request-hook",
            "on-request",
            "(param $conn i32) (param $req i32) (result i32)",
            &[("connections", "connection"), ("http", "request")],
            &body,
        )
    }

    /// Both calls of `request-body-hook`: `$req`, `$at`, `$len`, `$last`.
    pub(crate) fn on_request_body(self, whole: &str, chunk: &str) -> Self {
        let wrap = |body: &str| {
            format!(
                "(local $r i32) (local.set $r (block (result i32) {body})) \
                 (call $drop-request (local.get $req)) (local.get $r)"
            )
        };
        let signature =
            "(param $req i32) (param $at i32) (param $len i32) (param $last i32) (result i32)";
        let drops = [("http", "request")];
        self.hook("request-body-hook", "on-request-body", signature, &drops, &wrap(whole)).hook(
            "request-body-hook",
            "on-request-chunk",
            signature,
            &drops,
            &wrap(chunk),
        )
    }

    /// `on-response`: `$req`, `$resp`.
    pub(crate) fn on_response(self, body: &str) -> Self {
        let body = format!(
            "(local $r i32) (local.set $r (block (result i32) {body})) \
             (call $drop-request (local.get $req)) (call $drop-response (local.get $resp)) \
             (local.get $r)"
        );
        let drops = [("http", "request"), ("http", "response")];
        let signature = "(param $req i32) (param $resp i32) (result i32)";
        self.hook("response-hook", "on-response", signature, &drops, &body)
    }

    /// Both calls of `response-body-hook`: `$req`, `$resp`, `$at`, `$len`, `$last`.
    pub(crate) fn on_response_body(self, whole: &str, chunk: &str) -> Self {
        let wrap = |body: &str| {
            format!(
                "(local $r i32) (local.set $r (block (result i32) {body})) \
                 (call $drop-request (local.get $req)) (call $drop-response (local.get $resp)) \
                 (local.get $r)"
            )
        };
        let signature = "(param $req i32) (param $resp i32) (param $at i32) (param $len i32) \
                         (param $last i32) (result i32)";
        let drops = [("http", "request"), ("http", "response")];
        self.hook("response-body-hook", "on-response-body", signature, &drops, &wrap(whole)).hook(
            "response-body-hook",
            "on-response-chunk",
            signature,
            &drops,
            &wrap(chunk),
        )
    }

    /// `on-connection`: `$conn`.
    pub(crate) fn on_connection(self, body: &str) -> Self {
        let body = format!(
            "(local $r i32) (local.set $r (block (result i32) {body})) \
             (call $drop-connection (local.get $conn)) (local.get $r)"
        );
        let drops = [("connections", "connection")];
        self.hook(
            "connection-hook",
            "on-connection",
            "(param $conn i32) (result i32)",
            &drops,
            &body,
        )
    }

    /// `on-data`: `$conn`, `$way`, `$at`, `$len`, `$last`.
    pub(crate) fn on_data(self, body: &str) -> Self {
        let body = format!(
            "(local $r i32) (local.set $r (block (result i32) {body})) \
             (call $drop-connection (local.get $conn)) (local.get $r)"
        );
        let signature = "(param $conn i32) (param $way i32) (param $at i32) (param $len i32) \
                         (param $last i32) (result i32)";
        self.hook("stream-hook", "on-data", signature, &[("connections", "connection")], &body)
    }

    /// `on-close`: `$conn`, `$end`.
    pub(crate) fn on_close(self, body: &str) -> Self {
        let body = format!(
            "{body} (call $drop-connection (local.get $conn)) (call $drop-outcome (local.get $end))"
        );
        let drops = [("connections", "connection"), ("outcomes", "outcome")];
        self.hook("close-hook", "on-close", "(param $conn i32) (param $end i32)", &drops, &body)
    }

    /// `on-finish`: `$conn`, `$req`, `$end`.
    pub(crate) fn on_finish(self, body: &str) -> Self {
        let body = format!(
            "{body} (call $drop-connection (local.get $conn)) (call $drop-request (local.get $req)) \
             (call $drop-outcome (local.get $end))"
        );
        let drops = [("connections", "connection"), ("http", "request"), ("outcomes", "outcome")];
        let signature = "(param $conn i32) (param $req i32) (param $end i32)";
        self.hook("finish-hook", "on-finish", signature, &drops, &body)
    }

    /// The core module, without the contract's types.
    pub(crate) fn module(&self) -> Vec<u8> {
        let configure = self.configure.as_deref().unwrap_or(CONFIGURE);
        let text = format!("(module {} {PRELUDE} {configure} {})", self.imports, self.body);
        let text = text.replace("@0.1.0", &format!("@{}", self.version.unwrap_or("0.1.0")));
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// The component.
    pub(crate) fn build(&self) -> Vec<u8> {
        self.build_for(CONTRACT)
    }

    /// The component, for another text of the contract.
    pub(crate) fn build_for(&self, contract: &str) -> Vec<u8> {
        let exports: String = self.hooks.iter().map(|hook| format!("export {hook};")).collect();
        let contract = format!("{contract}\nworld guest {{ include base; {exports} }}\n");
        let mut resolve = Resolve::default();
        let package = resolve.push_str("policy.wit", &contract).unwrap();
        let world = resolve.select_world(&[package], Some("guest")).unwrap();
        let mut module = self.module();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
    }
}

/// The text of a body that says `next`, `pass` or `accept`: the first of a verdict's cases.
pub(crate) const FIRST: &str = "(i32.store8 (i32.const 4096) (i32.const 0)) (i32.const 4096)";

/// A data segment.
pub(crate) fn data(at: usize, text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {at}) \"{hex}\")\n")
}

/// The text of a body that answers with a case whose payload is a text or octets at `at`.
pub(crate) fn case_text(case: u32, at: usize, len: usize) -> String {
    format!(
        "(i32.store8 (i32.const 4096) (i32.const {case})) \
         (i32.store (i32.const 4100) (i32.const {at})) \
         (i32.store (i32.const 4104) (i32.const {len})) (i32.const 4096)"
    )
}

/// The text of a body that answers with a reply: its case, status, and body at `at`.
pub(crate) fn case_reply(case: u32, status: u16, at: usize, len: usize) -> String {
    format!(
        "(i32.store8 (i32.const 4096) (i32.const {case})) \
         (i32.store16 (i32.const 4100) (i32.const {status})) \
         (i32.store (i32.const 4104) (i32.const 0)) (i32.store (i32.const 4108) (i32.const 0)) \
         (i32.store (i32.const 4112) (i32.const {at})) \
         (i32.store (i32.const 4116) (i32.const {len})) (i32.const 4096)"
    )
}
