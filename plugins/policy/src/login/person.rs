//! Who a visitor is, by what providers say.

use serde_json::Value as Json;

use super::ask::printable;

/// Who a visitor is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    /// The provider's name for the visitor, which never changes.
    pub(crate) id: String,
    /// An address that the provider has verified, or nothing.
    pub(crate) email: String,
    /// Whether the provider knows an address and says that it is not verified.
    pub(crate) is_disowned: bool,
    /// For people to read.
    pub(crate) name: String,
}

impl Person {
    /// What a provider tells that tells of addresses only if they are verified.
    pub(crate) const fn new(id: String, email: String, name: String) -> Self {
        Self { id, email, name, is_disowned: false }
    }

    /// From the standard claims of OpenID Connect.
    pub(crate) fn from_claims(claims: &Json) -> Self {
        // Policies decide by the address: one that anybody may have typed in is none.
        let is_disowned = match claims.get("email_verified") {
            Some(Json::Bool(is_verified)) => !is_verified,
            Some(Json::String(text)) => text != "true",
            _ => false,
        };
        let name = ["name", "preferred_username", "nickname"];
        let name = name.iter().map(|key| text(claims, &format!("/{key}")));
        Self {
            id: text(claims, "/sub"),
            email: if is_disowned { String::new() } else { text(claims, "/email") },
            is_disowned,
            name: name.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
        }
    }

    /// What is missing, from somewhere else. An address that is disowned is not missing.
    pub(crate) fn or(self, other: Self) -> Self {
        let or = |a: String, b: String| if a.is_empty() { b } else { a };
        Self {
            id: or(self.id, other.id),
            email: if self.is_disowned { self.email } else { or(self.email, other.email) },
            is_disowned: self.is_disowned,
            name: or(self.name, other.name),
        }
    }
}

/// A text or a number, by its place in a document.
pub(crate) fn text(json: &Json, pointer: &str) -> String {
    match json.pointer(pointer) {
        Some(Json::String(text)) => printable(text),
        Some(Json::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_that_is_disowned_is_not_taken_from_elsewhere() {
        let before = Person { email: "a@b.example".to_owned(), ..Person::default() };
        let email = |claims: Json| Person::from_claims(&claims).or(before.clone()).email;
        assert_eq!(email(json!({"sub": "1"})), "a@b.example");
        assert_eq!(email(json!({"sub": "1", "email": "a@b.example", "email_verified": false})), "");
    }

    #[test]
    fn an_address_that_the_provider_disowns_is_none() {
        let email = |verified: Json| {
            let claims = json!({"sub": "1", "email": "a@b.example", "email_verified": verified});
            Person::from_claims(&claims).email
        };
        assert_eq!(email(json!(true)), "a@b.example");
        assert_eq!(email(json!("true")), "a@b.example");
        assert_eq!(email(Json::Null), "a@b.example");
        assert_eq!(email(json!(false)), "");
        assert_eq!(email(json!("false")), "");
    }
}
