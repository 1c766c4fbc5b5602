//! The providers that are known by name: their public addresses, and what they answer.
//!
//! Fact: addresses, scopes and answers are those of each provider's public documentation.

use serde_json::Value as Json;

use super::person::{Person, text};

/// A provider.
#[derive(Debug)]
pub(crate) struct Known {
    /// In policies.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// Where visitors log in.
    pub(crate) authorize: &'static str,
    /// Where codes become tokens.
    pub(crate) token: &'static str,
    /// Where it tells who a visitor is.
    pub(crate) userinfo: &'static str,
    /// Where it tells the visitor's address, if the other place does not.
    pub(crate) email: Option<Email>,
    /// What has to be asked for at least.
    pub(crate) scopes: &'static [&'static str],
    /// What else is sent along with each login.
    pub(crate) always: &'static [(&'static str, &'static str)],
    /// What makes it ask the visitor again.
    pub(crate) again: &'static [(&'static str, &'static str)],
    /// Whether it takes a proof of who began (RFC 7636). Some of those that know none refuse
    /// parameters that they do not know.
    pub(crate) takes_proof: bool,
    /// Whether it wants to hear the client's name when it is asked about a visitor.
    pub(crate) wants_client: bool,
    /// Reads what it tells.
    pub(crate) person: fn(&Json) -> Person,
}

/// A second place that tells the visitor's address.
#[derive(Debug)]
pub(crate) struct Email {
    pub(crate) url: &'static str,
    pub(crate) read: fn(&Json) -> String,
}

/// All of them.
pub(crate) const ALL: [&Known; 8] =
    [&AMAZON, &FACEBOOK, &GITHUB, &GITLAB, &GOOGLE, &LINKEDIN, &MICROSOFT, &TWITCH];

const AMAZON: Known = Known {
    name: "amazon",
    title: "Amazon",
    authorize: "https://www.amazon.com/ap/oa",
    token: "https://api.amazon.com/auth/o2/token",
    userinfo: "https://api.amazon.com/user/profile",
    scopes: &["profile"],
    takes_proof: true,
    person: |json| Person::new(text(json, "/user_id"), text(json, "/email"), text(json, "/name")),
    ..PLAIN
};

const FACEBOOK: Known = Known {
    name: "facebook",
    title: "Facebook",
    authorize: "https://www.facebook.com/dialog/oauth",
    token: "https://graph.facebook.com/oauth/access_token",
    userinfo: "https://graph.facebook.com/me?fields=id,name,email",
    scopes: &["email"],
    again: &[("auth_type", "reauthenticate")],
    person: |json| Person::new(text(json, "/id"), text(json, "/email"), text(json, "/name")),
    ..PLAIN
};

const GITHUB: Known = Known {
    name: "github",
    title: "GitHub",
    authorize: "https://github.com/login/oauth/authorize",
    token: "https://github.com/login/oauth/access_token",
    userinfo: "https://api.github.com/user",
    email: Some(Email { url: "https://api.github.com/user/emails", read: github_email }),
    // The last one is ours: without it most visitors would have no address, as theirs is private.
    scopes: &["read:org", "read:user", "user:email"],
    again: &[("prompt", "select_account")],
    takes_proof: true,
    person: |json| {
        let names = [text(json, "/name"), text(json, "/login")];
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        Person::new(text(json, "/id"), text(json, "/email"), name)
    },
    ..PLAIN
};

const GITLAB: Known = Known {
    name: "gitlab",
    title: "GitLab",
    authorize: "https://gitlab.com/oauth/authorize",
    token: "https://gitlab.com/oauth/token",
    userinfo: "https://gitlab.com/oauth/userinfo",
    scopes: &["email", "openid", "profile"],
    takes_proof: true,
    ..PLAIN
};

const GOOGLE: Known = Known {
    name: "google",
    title: "Google",
    authorize: "https://accounts.google.com/o/oauth2/v2/auth",
    token: "https://oauth2.googleapis.com/token",
    userinfo: "https://www.googleapis.com/oauth2/v3/userinfo",
    scopes: &[
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/userinfo.profile",
    ],
    // Without it there is never a refresh token.
    always: &[("access_type", "offline")],
    again: &[("prompt", "select_account")],
    takes_proof: true,
    ..PLAIN
};

const LINKEDIN: Known = Known {
    name: "linkedin",
    title: "LinkedIn",
    authorize: "https://www.linkedin.com/oauth/v2/authorization",
    token: "https://www.linkedin.com/oauth/v2/accessToken",
    userinfo: "https://api.linkedin.com/v2/me",
    email: Some(Email {
        url: "https://api.linkedin.com/v2/emailAddress?q=members&projection=(elements*(handle~))",
        read: |json| text(json, "/elements/0/handle~/emailAddress"),
    }),
    scopes: &["r_emailaddress", "r_liteprofile"],
    person: |json| {
        let name = [text(json, "/localizedFirstName"), text(json, "/localizedLastName")].join(" ");
        Person::new(text(json, "/id"), String::new(), name.trim().to_owned())
    },
    ..PLAIN
};

/// What LinkedIn has for applications that may ask for `openid`; new ones get nothing else.
pub(crate) const LINKEDIN_OPENID: Known = Known {
    userinfo: "https://api.linkedin.com/v2/userinfo",
    email: None,
    scopes: &["email", "openid", "profile"],
    person: Person::from_claims,
    ..LINKEDIN
};

const MICROSOFT: Known = Known {
    name: "microsoft",
    title: "Microsoft",
    authorize: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    token: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    userinfo: "https://graph.microsoft.com/v1.0/me",
    scopes: &["User.Read"],
    again: &[("prompt", "login")],
    takes_proof: true,
    person: |json| {
        Person::new(text(json, "/id"), microsoft_email(json), text(json, "/displayName"))
    },
    ..PLAIN
};

const TWITCH: Known = Known {
    name: "twitch",
    title: "Twitch",
    authorize: "https://id.twitch.tv/oauth2/authorize",
    token: "https://id.twitch.tv/oauth2/token",
    userinfo: "https://api.twitch.tv/helix/users",
    scopes: &["user:read:email"],
    again: &[("force_verify", "true")],
    wants_client: true,
    person: |json| {
        Person::new(
            text(json, "/data/0/id"),
            text(json, "/data/0/email"),
            text(json, "/data/0/display_name"),
        )
    },
    ..PLAIN
};

/// What most of them have in common.
const PLAIN: Known = Known {
    name: "",
    title: "",
    authorize: "",
    token: "",
    userinfo: "",
    email: None,
    scopes: &[],
    always: &[],
    again: &[],
    takes_proof: false,
    wants_client: false,
    person: Person::from_claims,
};

/// The one that the visitor uses, if it is verified.
fn github_email(json: &Json) -> String {
    let all = json.as_array().map(Vec::as_slice).unwrap_or_default();
    let is = |entry: &Json, what: &str| entry.get(what).and_then(Json::as_bool) == Some(true);
    let own = all.iter().find(|entry| is(entry, "primary") && is(entry, "verified"));
    own.map(|entry| text(entry, "/email")).unwrap_or_default()
}

/// The name that the visitor logs in with: its domain belongs to the visitor's organisation. The
/// administrators of any organisation may write what they like into `mail`, so that it proves
/// nothing to policies that decide by it. Guests' names are made up and no addresses.
fn microsoft_email(json: &Json) -> String {
    let name = text(json, "/userPrincipalName");
    if name.contains('@') && !name.to_ascii_uppercase().contains("#EXT#") {
        return name;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_addresses_are_urls_and_the_names_are_in_order() {
        for known in ALL.into_iter().chain([&LINKEDIN_OPENID]) {
            for url in [known.authorize, known.token, known.userinfo] {
                assert_eq!(url::Url::parse(url).unwrap().scheme(), "https", "{}", known.name);
            }
            assert!(!known.scopes.is_empty(), "{}", known.name);
        }
        assert!(ALL.is_sorted_by_key(|known| known.name));
    }

    #[test]
    fn an_address_counts_only_if_it_is_verified() {
        let emails = json!([
            {"email": "other@b.example", "primary": false, "verified": true},
            {"email": "own@b.example", "primary": true, "verified": true},
        ]);
        assert_eq!(github_email(&emails), "own@b.example");
        assert_eq!(
            github_email(&json!([{"email": "a@b", "primary": true, "verified": false}])),
            ""
        );
        assert_eq!(github_email(&json!({"message": "Not Found"})), "");
        let claimed = json!({"userPrincipalName": "a@own.example", "mail": "boss@victim.example"});
        assert_eq!(microsoft_email(&claimed), "a@own.example");
        let guest = json!({"userPrincipalName": "boss_victim.example#EXT#@own.example"});
        assert_eq!(microsoft_email(&guest), "");
    }

    #[test]
    fn what_providers_tell_is_read() {
        let read = |name: &str, json: Json| {
            let known = ALL.into_iter().find(|known| known.name == name).unwrap();
            (known.person)(&json)
        };
        let person = |id: &str, email: &str, name: &str| {
            Person::new(id.to_owned(), email.to_owned(), name.to_owned())
        };
        assert_eq!(
            read("github", json!({"id": 583231, "login": "octocat", "name": null, "email": null})),
            person("583231", "", "octocat")
        );
        assert_eq!(
            read(
                "twitch",
                json!({"data": [{"id": "7", "display_name": "T", "email": "t@e.example"}]})
            ),
            person("7", "t@e.example", "T")
        );
        assert_eq!(
            read(
                "google",
                json!({"sub": "1", "email": "g@e.example", "email_verified": true, "name": "G"})
            ),
            person("1", "g@e.example", "G")
        );
        assert_eq!(
            read(
                "linkedin",
                json!({"id": "l", "localizedFirstName": "L", "localizedLastName": "I"})
            ),
            person("l", "", "L I")
        );
    }
}
