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
    /// For people to read.
    pub(crate) name: String,
}

impl Person {
    /// From the standard claims of OpenID Connect.
    pub(crate) fn from_claims(claims: &Json) -> Self {
        // Policies decide by the address: one that anybody may have typed in is none.
        let is_disowned =
            matches!(claims.get("email_verified"), Some(Json::Bool(false)) | Some(Json::String(_)))
                && claims.get("email_verified") != Some(&Json::from("true"));
        let name = ["name", "preferred_username", "nickname"];
        Self {
            id: text(claims, "/sub"),
            email: if is_disowned { String::new() } else { text(claims, "/email") },
            name: name
                .iter()
                .map(|key| text(claims, &format!("/{key}")))
                .find(|s| !s.is_empty())
                .unwrap_or_default(),
        }
    }

    /// What is missing, from somewhere else.
    pub(crate) fn or(self, other: Self) -> Self {
        let or = |a: String, b: String| if a.is_empty() { b } else { a };
        Self {
            id: or(self.id, other.id),
            email: or(self.email, other.email),
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
