//! The `#[policy]` attribute of `adit-policy-sdk`, which documents it and exports it.

mod expand;
mod hook;

use proc_macro::TokenStream;

#[allow(missing_docs, reason = "documented where it is exported")]
#[proc_macro_attribute]
pub fn policy(arguments: TokenStream, block: TokenStream) -> TokenStream {
    expand::policy(arguments.into(), block.into()).into()
}
