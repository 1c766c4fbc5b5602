//! From the block to the block, the trait and the exports.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, FnArg, ImplItem, ImplItemFn, ItemImpl, Result, ReturnType, Type};

use crate::hook::{self, Hook, Pass};

/// The block itself, then what was made of it or what is wrong with it.
pub(crate) fn policy(arguments: TokenStream, input: TokenStream) -> TokenStream {
    let block: ItemImpl = match syn::parse2(input.clone()) {
        Ok(block) => block,
        Err(_) => {
            let error = Error::new(Span::call_site(), "#[policy] belongs on an `impl` block");
            let error = error.into_compile_error();
            return quote!(#input #error);
        }
    };
    let rest = match arguments.is_empty() {
        true => expand(&block),
        false => Err(Error::new_spanned(arguments, "#[policy] takes no arguments")),
    };
    let rest = rest.unwrap_or_else(Error::into_compile_error);
    quote!(#block #rest)
}

fn expand(block: &ItemImpl) -> Result<TokenStream> {
    if let Some((_, of, _)) = &block.trait_ {
        let text = "#[policy] belongs on an `impl` block of the type itself, not of a trait";
        return Err(Error::new_spanned(of, text));
    }
    if !block.generics.params.is_empty() {
        let text = "a policy is one concrete type: it cannot have parameters";
        return Err(Error::new_spanned(&block.generics, text));
    }
    let policy = &*block.self_ty;
    let mut configure = None;
    let mut hooks = Vec::new();
    let mut errors: Option<Error> = None;
    for item in &block.items {
        let ImplItem::Fn(method) = item else { continue };
        let outcome = match method.sig.ident.to_string().as_str() {
            "configure" => configured(policy, method).map(|made| configure = Some(made)),
            name if name.starts_with("on_") => found(name, method).map(|hook| {
                hooks.push((hook, method));
            }),
            _ => Ok(()),
        };
        match (outcome, &mut errors) {
            (Ok(()), _) => {}
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), none) => *none = Some(error),
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }
    let Some(configure) = configure else {
        let text = "a policy needs `fn configure(config: Config) -> Result<Self>`";
        return Err(Error::new_spanned(policy, text));
    };
    if hooks.is_empty() {
        let text = format!("this policy has no hook; it needs one of: {}", hook::names());
        return Err(Error::new_spanned(policy, text));
    }
    let cases = hooks.iter().map(|(hook, _)| format_ident!("{}", hook.case));
    let methods = hooks.iter().map(|(hook, method)| implemented(policy, hook, method));
    let methods = methods.collect::<Result<Vec<_>>>()?;
    let exports = exports(policy, hooks.iter().map(|(hook, _)| *hook));
    Ok(quote! {
        impl ::adit_policy_sdk::Hooks for #policy {
            const HOOKS: &'static [::adit_policy_sdk::Hook] =
                &[#(::adit_policy_sdk::Hook::#cases),*];

            #configure
            #(#methods)*
        }

        #exports
    })
}

fn found(name: &str, method: &ImplItemFn) -> Result<&'static Hook> {
    let hook = hook::named(name).ok_or_else(|| {
        let text = format!(
            "there is no hook `{name}`; the hooks are: {}. A method of your own whose name starts \
             with `on_` belongs in another `impl` block",
            hook::names()
        );
        Error::new(method.sig.ident.span(), text)
    })?;
    plain(method)?;
    if method.sig.receiver().is_none() {
        let text = format!("`{name}` takes `&mut self` or `&self` first");
        return Err(Error::new(method.sig.ident.span(), text));
    }
    let has = method.sig.inputs.len() - 1;
    if has != hook.parameters.len() {
        let wanted = hook.parameters.iter().map(|(name, of, _)| {
            let of = of.replace("::adit_policy_sdk::", "").replace("<'_>", "");
            format!("{name}: {}", of.replace("::std::vec::Vec<u8>", "&[u8]"))
        });
        let text = format!("`{name}` takes: &mut self, {}", wanted.collect::<Vec<_>>().join(", "));
        return Err(Error::new(method.sig.inputs.span(), text));
    }
    for ((name, of, _), input) in hook.parameters.iter().zip(method.sig.inputs.iter().skip(1)) {
        let FnArg::Typed(input) = input else { continue };
        let Type::Reference(reference) = &*input.ty else { continue };
        if reference.mutability.is_some() && !of.starts_with("&mut") {
            let text = format!("`{name}` is read-only in this hook: take `&` instead of `&mut`");
            return Err(Error::new(reference.span(), text));
        }
    }
    Ok(hook)
}

fn plain(method: &ImplItemFn) -> Result<()> {
    if let Some(keyword) = &method.sig.asyncness {
        let text = "hooks are plain functions: the agent suspends calls that wait";
        return Err(Error::new(keyword.span(), text));
    }
    if !method.sig.generics.params.is_empty() {
        let text = "hooks cannot have parameters of types or lifetimes";
        return Err(Error::new_spanned(&method.sig.generics, text));
    }
    Ok(())
}

fn configured(policy: &Type, method: &ImplItemFn) -> Result<TokenStream> {
    plain(method)?;
    let span = method.sig.output.span();
    let mut inputs = method.sig.inputs.iter();
    let (Some(FnArg::Typed(config)), None) = (inputs.next(), inputs.next()) else {
        let text = "`configure` takes one argument, the configuration: anything that is \
                    `Deserialize`, such as a struct of your own or `Json`";
        return Err(Error::new(method.sig.ident.span(), text));
    };
    let config = &config.ty;
    let parsed = quote_spanned!(config.span()=> ::adit_policy_sdk::parse_config(config));
    if matches!(method.sig.output, ReturnType::Default) {
        let text = "`configure` returns the policy: `Self` or `Result<Self>`";
        return Err(Error::new(method.sig.ident.span(), text));
    }
    let made = quote_spanned! { span=>
        ::adit_policy_sdk::IntoConfigured::<#policy>::into_configured(<#policy>::configure(config))
    };
    Ok(quote! {
        fn configure(
            config: &str,
        ) -> ::core::result::Result<Self, ::std::string::String> {
            let config: #config = #parsed?;
            #made
        }
    })
}

fn implemented(policy: &Type, hook: &Hook, method: &ImplItemFn) -> Result<TokenStream> {
    let name = &method.sig.ident;
    let mut parameters = Vec::new();
    let mut values = Vec::new();
    for ((parameter, of, pass), input) in
        hook.parameters.iter().zip(method.sig.inputs.iter().skip(1))
    {
        let parameter = format_ident!("{parameter}");
        let of: Type = syn::parse_str(of)?;
        parameters.push(quote!(#parameter: #of));
        let borrowed =
            matches!(input, FnArg::Typed(typed) if matches!(*typed.ty, Type::Reference(_)));
        values.push(match pass {
            Pass::Octets if borrowed => quote!(&#parameter),
            _ => quote!(#parameter),
        });
    }
    let returns: Type = syn::parse_str(hook.returns)?;
    let call = quote_spanned!(name.span()=> <#policy>::#name(self, #(#values),*));
    let call = match (hook.converts, &method.sig.output) {
        (None, _) => call,
        (Some((of, function)), output) => {
            let (of, function) = (format_ident!("{of}"), format_ident!("{function}"));
            let convert = quote!(::adit_policy_sdk::#of::#function);
            match output {
                ReturnType::Default => quote_spanned!(name.span()=> #call; #convert(())),
                ReturnType::Type(_, of) => quote_spanned!(of.span()=> #convert(#call)),
            }
        }
    };
    Ok(quote! {
        fn #name(&mut self, #(#parameters),*) -> #returns {
            #call
        }
    })
}

/// What the component exports: `setup`, and the interface of each hook once.
fn exports<'a>(policy: &Type, hooks: impl Iterator<Item = &'a Hook>) -> TokenStream {
    let mut names: Vec<&str> = hooks.map(|hook| hook.export).collect();
    names.sort_unstable();
    names.dedup();
    let modules = std::iter::once("setup").chain(names).map(|name| format_ident!("{name}"));
    let modules = modules.map(|name| quote!(::adit_policy_sdk::bindings::#name));
    quote! {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Export;

            ::std::thread_local! {
                static POLICY: ::adit_policy_sdk::export::Slot<#policy> =
                    const { ::std::cell::RefCell::new(::core::option::Option::None) };
            }

            impl ::adit_policy_sdk::export::Exported for Export {
                type Policy = #policy;

                fn slot()
                -> &'static ::std::thread::LocalKey<::adit_policy_sdk::export::Slot<#policy>> {
                    &POLICY
                }
            }

            #(#modules::export!(Export with_types_in #modules);)*
        };

        /// Elsewhere nothing calls a policy but its tests: it is used all the same.
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn(&str) -> ::core::result::Result<#policy, ::std::string::String> =
            <#policy as ::adit_policy_sdk::Hooks>::configure;
    }
}
