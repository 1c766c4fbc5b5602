//! What a policy says of the tokens that it wants.

use std::{fmt, ops::RangeInclusive};

use url::Url;

use super::find::Place;
use crate::{
    expr::{ExprError, Template},
    fields::Fields,
    login::token::Alg,
    problem::code,
    scope::Scope,
};

/// Entries of the lists of issuers, audiences and tokens.
///
/// Reason: nothing public limits them; people write a handful.
const ENTRIES: RangeInclusive<usize> = 1..=100;

/// Addresses of keys.
///
/// Fact: the limit of the service whose policies these are.
const URLS: RangeInclusive<usize> = 1..=100;

/// Ways of signing. `none` is not among them.
const ALGORITHMS: [&str; 13] = [
    "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512",
    "RS256", "RS384", "RS512",
];

/// Kinds of tokens. Fact: hints that change nothing about what is checked.
const TYPES: [(&str, ()); 6] = [
    ("access_token", ()),
    ("at+jwt", ()),
    ("id_token", ()),
    ("it+jwt", ()),
    ("jwt", ()),
    ("plain", ()),
];

/// A field must be a URL.
const NO_URL: u32 = 2226;

/// What a policy says.
pub(super) struct Settings {
    pub(super) issuers: Vec<Template>,
    /// Empty: any.
    pub(super) audience: Vec<String>,
    pub(super) tokens: Vec<Spec>,
    pub(super) algorithms: Vec<Alg>,
    /// Where keys are.
    pub(super) urls: Vec<Template>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("audience", &self.audience)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// One token that every request has to bring.
pub(super) struct Spec {
    pub(super) place: Place,
    pub(super) name: Template,
    prefix: Option<Template>,
}

impl Spec {
    /// What stands before the token.
    pub(super) fn prefix(&self, scope: &Scope) -> Result<String, ExprError> {
        self.prefix.as_ref().map_or(Ok(String::new()), |prefix| prefix.text(scope))
    }
}

/// What is trusted when a request comes: fields with their values of that moment.
pub(super) struct Wanted {
    pub(super) issuers: Vec<String>,
    pub(super) urls: Vec<String>,
}

impl Settings {
    /// What is trusted now.
    pub(super) fn wanted(&self, scope: &Scope) -> Result<Wanted, ExprError> {
        let texts = |templates: &[Template]| {
            templates.iter().map(|template| template.text(scope)).collect::<Result<_, _>>()
        };
        Ok(Wanted { issuers: texts(&self.issuers)?, urls: texts(&self.urls)? })
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let issuers = fields.required("issuer", |fields, name| {
            fields.object(name, |fields| {
                let issuers = fields.required("allow_list", |fields, name| {
                    fields
                        .objects(name, ENTRIES, |fields| fields.required("value", Fields::template))
                })?;
                let texts = issuers.iter().map(Template::literal);
                is_unique(fields, "allow_list", texts).then_some(issuers)
            })
        });
        let audience = match fields.has("audience") {
            false => Some(Vec::new()),
            true => fields.object("audience", audience),
        };
        let tokens = fields.required("http", |fields, name| fields.object(name, tokens));
        let jws = fields.required("jws", |fields, name| fields.object(name, jws));
        let (algorithms, urls) = jws?;
        Some(Self { issuers: issuers?, audience: audience?, tokens: tokens?, algorithms, urls })
    }
}

fn audience(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let name = "allow_list";
    if !fields.has(name) {
        return Some(Vec::new());
    }
    let list = fields.objects(name, ENTRIES, |fields| fields.required("value", Fields::string))?;
    is_unique(fields, name, list.iter().map(|text| Some(text.as_str()))).then_some(list)
}

fn tokens(fields: &mut Fields<'_>) -> Option<Vec<Spec>> {
    let name = "tokens";
    let places = [Place::Body, Place::Header].map(|place| (place.name(), place));
    let tokens = fields.required(name, |fields, name| {
        fields.objects(name, ENTRIES, |fields| {
            let kind = fields.required("type", |fields, name| fields.choice(name, &TYPES));
            let place = fields.required("method", |fields, name| fields.choice(name, &places));
            let name = fields.required("name", Fields::template);
            let prefix = fields.template("prefix");
            kind?;
            let (place, name) = (place?, name?);
            if let (Place::Header, Some(text)) = (place, name.literal()) {
                fields.header_name(&["name"], text)?;
            }
            Some(Spec { place, name, prefix })
        })
    })?;
    let keys: Vec<_> = tokens
        .iter()
        .map(|token| {
            Some(format!("{} {}", token.place.name(), token.name.literal()?.to_ascii_lowercase()))
        })
        .collect();
    is_unique(fields, name, keys.iter().map(Option::as_deref)).then_some(tokens)
}

fn jws(fields: &mut Fields<'_>) -> Option<(Vec<Alg>, Vec<Template>)> {
    let known: Vec<_> =
        ALGORITHMS.into_iter().filter_map(|name| Some((name, Alg::parse(name)?))).collect();
    let algorithms = fields.required("allowed_algorithms", |fields, name| {
        fields.choices(name, 1..=ALGORITHMS.len(), &known)
    });
    let urls = fields.required("keys", |fields, name| fields.objects(name, URLS, keys));
    let urls: Vec<_> = urls?.into_iter().flatten().collect();
    if urls.len() > *URLS.end() {
        let message = format!("there are more than {} addresses of keys", URLS.end());
        fields.error("keys", code::N_ENTRIES, message);
        return None;
    }
    Some((algorithms?, urls))
}

/// Where some keys are.
fn keys(fields: &mut Fields<'_>) -> Option<Vec<Template>> {
    // Every token that names its key is checked with that key, so there is nothing to choose.
    let claims = |fields: &mut Fields<'_>| match fields.has("token_claims") {
        true => fields.choices("token_claims", 0..=1, &[("kid", ())]).map(|_| ()),
        false => Some(()),
    };
    let identification = match fields.has("identification") {
        true => fields.objects("identification", 0..=1, claims).map(|_| ()),
        false => Some(()),
    };
    let sources = fields.required("sources", |fields, name| {
        fields.objects(name, URLS, |fields| {
            fields.required("additional_jkus", |fields, name| {
                let urls = fields.template_list(name, URLS)?;
                let texts: Vec<_> = urls.iter().filter_map(Template::literal).collect();
                if let Some(wrong) = texts.into_iter().find(|text| !is_url(text)) {
                    let message = format!("{wrong:?} is not an http(s):// URL");
                    fields.error(name, NO_URL, message);
                    return None;
                }
                Some(urls)
            })
        })
    });
    identification?;
    Some(sources?.into_iter().flatten().collect())
}

fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Whether all of these differ, as far as they are known; tells if not.
fn is_unique<'a>(
    fields: &mut Fields<'_>,
    name: &str,
    texts: impl Iterator<Item = Option<&'a str>>,
) -> bool {
    let mut seen = Vec::new();
    for text in texts.flatten() {
        if seen.contains(&text) {
            fields.error(name, code::DUPLICATE, format!("{text:?} is here twice"));
            return false;
        }
        seen.push(text);
    }
    true
}
