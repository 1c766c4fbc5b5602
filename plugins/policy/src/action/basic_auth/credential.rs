//! One credential, as it is written: `user:password`, or its parts with names.
//!
//! Expressions in it must not move the colon that ends the user name: either one expression is all
//! of it, or the colon is written out, and what expressions say has none.

use std::fmt;

use adit_builtin::credentials::{Known, Unfit};
use serde_json::{Map, Value as Json};

use crate::{
    action::Failure, expr::Template, fields::Fields, phase::Phase, problem::code, scope::Scope,
};

/// A user name that no client can send.
const BAD_USER: u32 = 2257;
/// A password that no client can send.
const BAD_PASSWORD: u32 = 2258;
/// What expressions said cannot be used.
const BAD_TEXT: u32 = 2238;

/// A credential that is known only when it is needed.
pub(super) enum Credential {
    /// Both parts.
    Parts {
        /// Before the colon.
        user: Template,
        /// After it.
        password: Template,
        /// How many colons of the password are written out.
        n_colons: usize,
    },
    /// One expression for all of it.
    Whole(Template),
}

impl Credential {
    /// Reads one. What is written out goes to `known` at once, and `Some(None)` is left.
    pub(super) fn read(
        fields: &mut Fields<'_>,
        path: &[&str],
        written: &Json,
        known: &mut Known,
    ) -> Option<Option<Self>> {
        let credential = match written {
            Json::String(pair) => Self::from_pair(fields, path, pair)?,
            Json::Object(map) => Self::from_parts(fields, path, map)?,
            _ => {
                fields.error_in(path, code::FIELD_TYPE, "must be a text: user:password");
                return None;
            }
        };
        let Self::Parts { user, password, .. } = &credential else { return Some(Some(credential)) };
        let (Some(user), Some(password)) = (user.literal(), password.literal()) else {
            return Some(Some(credential));
        };
        match known.add(user, password) {
            Ok(()) => Some(None),
            Err(unfit) => {
                fields.error_in(path, code_of(unfit), unfit.to_string());
                None
            }
        }
    }

    fn from_pair(fields: &mut Fields<'_>, path: &[&str], pair: &str) -> Option<Self> {
        let whole = compile(fields, path, pair)?;
        let colons = colons(pair, fields.phase);
        if let Some((first, rest)) = colons.split_first() {
            let (user, password) = (&pair[..*first], &pair[first + 1..]);
            let (user, password) = (compile(fields, path, user)?, compile(fields, path, password)?);
            return Some(Self::Parts { user, password, n_colons: rest.len() });
        }
        let message = if whole.literal().is_some() {
            "no colon; write user:password"
        } else if is_lone(pair, fields.phase) {
            return Some(Self::Whole(whole));
        } else {
            "write the colon between ${…} for the user name and ${…} for the password, or all of \
             it as one ${…}"
        };
        fields.error_in(path, code::FIELD_VALUE, message);
        None
    }

    fn from_parts(fields: &mut Fields<'_>, path: &[&str], map: &Map<String, Json>) -> Option<Self> {
        let at = path.iter().map(|key| (*key).to_owned());
        let at = fields.at.iter().cloned().chain(at).collect();
        let mut parts = Fields::new(at, fields.phase, map, fields.problems);
        let user = parts.required("username", Fields::string);
        let password = parts.required("password", Fields::string);
        parts.finish();
        let (user, password) = (user?, password?);
        let n_colons = colons(&password, fields.phase).len();
        let (user, password) = (compile(fields, path, &user)?, compile(fields, path, &password)?);
        Some(Self::Parts { user, password, n_colons })
    }

    /// Adds what it says now.
    pub(super) fn add_to(&self, known: &mut Known, scope: &Scope) -> Result<(), Failure> {
        let (user, password) = match self {
            Self::Parts { user, password, n_colons } => {
                let (user, password) = (user.text(scope)?, password.text(scope)?);
                if password.matches(':').count() > *n_colons {
                    return Err(Failure::new(BAD_TEXT, "an expression of a password said a colon"));
                }
                (user, password)
            }
            Self::Whole(whole) => {
                let pair = whole.text(scope)?;
                let Some((user, password)) = pair.split_once(':') else {
                    return Err(Failure::new(BAD_TEXT, "a credential without a colon"));
                };
                (user.to_owned(), password.to_owned())
            }
        };
        known.add(&user, &password).map_err(|unfit| Failure::new(BAD_TEXT, unfit.to_string()))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

fn code_of(unfit: Unfit) -> u32 {
    match unfit {
        Unfit::UserEmpty => code::MISSING,
        Unfit::UserTooLong | Unfit::PasswordTooLong => code::TOO_LONG,
        Unfit::PasswordTooShort => code::TOO_SHORT,
        Unfit::UserCharacters => BAD_USER,
        Unfit::PasswordCharacters => BAD_PASSWORD,
    }
}

fn compile(fields: &mut Fields<'_>, path: &[&str], text: &str) -> Option<Template> {
    match Template::compile(text, fields.phase) {
        Ok(template) => Some(template),
        Err(error) => {
            fields.error_in(path, code::TEMPLATE, error.to_string());
            None
        }
    }
}

/// Where colons are written out: those before which every `${` has its end. The text compiles.
fn colons(text: &str, phase: Phase) -> Vec<usize> {
    let is_whole = |i: &usize| Template::compile(&text[..*i], phase).is_ok();
    text.match_indices(':').map(|(i, _)| i).filter(is_whole).collect()
}

/// Whether one expression is all of a text that compiles.
fn is_lone(text: &str, phase: Phase) -> bool {
    let is_whole = |i: usize| Template::compile(&text[..=i], phase).is_ok();
    let first = text.match_indices('}').map(|(i, _)| i).find(|i| is_whole(*i));
    text.starts_with("${") && first == Some(text.len() - 1)
}
