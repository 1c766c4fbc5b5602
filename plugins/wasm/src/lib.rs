//! Runs a user's WebAssembly policies as handlers of a chain.

#[allow(missing_docs, clippy::all)]
pub mod bindings {
    wasmtime::component::bindgen!({
        path: "../../policy-sdk/wit/policy.wit",
        world: "everything",
        exports: { default: async },
        imports: { "adit:policy/outbound.send": async },
    });
}
