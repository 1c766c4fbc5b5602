//! What a token claims, and whether that is what was expected.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value as Json};

use super::clock::seconds;

/// How far the clocks of a provider and of this machine may be apart.
///
/// Reason: a minute is what token libraries allow; machines that keep time are closer.
const LEEWAY: Duration = Duration::from_secs(60);

/// Whether now is within the times that a token claims. Times that are not there are not looked at.
pub(crate) fn check_times(claims: &Map<String, Json>, now: SystemTime) -> Result<(), &'static str> {
    let (now, leeway) = (seconds(now) as f64, LEEWAY.as_secs_f64());
    let time = |name: &str, wrong| match claims.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(wrong),
    };
    if time("exp", "its exp is not a time")?.is_some_and(|exp| exp + leeway <= now) {
        return Err("it has expired");
    }
    if time("nbf", "its nbf is not a time")?.is_some_and(|nbf| nbf - leeway > now) {
        return Err("it is not valid yet");
    }
    Ok(())
}

/// Whom a token is for: one name or a list of them.
pub(crate) fn audience(claims: &Map<String, Json>) -> Vec<&str> {
    match claims.get("aud") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Who issued a token.
pub(crate) fn issuer(claims: &Map<String, Json>) -> Option<&str> {
    claims.get("iss")?.as_str()
}

/// What a token about a visitor must claim (OpenID Connect Core 1.0, 3.1.3.7).
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client: &'a str,
    pub(crate) nonce: Option<&'a str>,
}

impl Expected<'_> {
    /// Says what is wrong with it.
    pub(crate) fn check(
        &self,
        claims: &Map<String, Json>,
        now: SystemTime,
    ) -> Result<(), &'static str> {
        if issuer(claims) != Some(self.issuer) {
            return Err("it is from another issuer");
        }
        let audience = audience(claims);
        if !audience.contains(&self.client) {
            return Err("it is for another client");
        }
        let party = claims.get("azp").map(|azp| azp.as_str().unwrap_or_default());
        if party.is_some_and(|party| party != self.client) || audience.len() > 1 && party.is_none()
        {
            return Err("it was made for another client");
        }
        if claims.get("exp").is_none_or(Json::is_null) {
            return Err("it does not say when it expires");
        }
        check_times(claims, now)?;
        let nonce = claims.get("nonce").and_then(Json::as_str);
        match self.nonce {
            Some(expected) if nonce != Some(expected) => Err("it is from another login"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::json;

    use super::*;

    fn check(change: impl FnOnce(&mut Json)) -> Result<(), &'static str> {
        let mut claims = json!({"iss": "i", "aud": "c", "exp": 1_000, "nonce": "n", "sub": "s"});
        change(&mut claims);
        let expected = Expected { issuer: "i", client: "c", nonce: Some("n") };
        let now = UNIX_EPOCH + Duration::from_secs(900);
        expected.check(claims.as_object().unwrap(), now)
    }

    #[test]
    fn a_token_is_for_this_client_from_this_issuer_and_of_this_login() {
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|c| c["iss"] = json!("i/")), Err("it is from another issuer"));
        assert_eq!(check(|c| c["aud"] = json!("d")), Err("it is for another client"));
        assert_eq!(check(|c| c["aud"] = json!({"c": 1})), Err("it is for another client"));
        assert_eq!(check(|c| c["aud"] = json!(["c"])), Ok(()));
        assert_eq!(check(|c| c["aud"] = json!(["c", "d"])), Err("it was made for another client"));
        assert_eq!(check(|c| c["azp"] = json!("d")), Err("it was made for another client"));
        assert_eq!(check(|c| c["azp"] = json!("c")), Ok(()));
        assert_eq!(check(|c| c["nonce"] = json!("m")), Err("it is from another login"));
        assert_eq!(check(|c| c["nonce"] = Json::Null), Err("it is from another login"));
    }

    #[test]
    fn a_token_has_its_time() {
        assert_eq!(check(|c| c["exp"] = json!(840)), Err("it has expired"));
        assert_eq!(check(|c| c["exp"] = json!(841)), Ok(()));
        assert_eq!(check(|c| c["exp"] = json!("1000")), Err("its exp is not a time"));
        assert_eq!(check(|c| c["exp"] = Json::Null), Err("it does not say when it expires"));
        assert_eq!(check(|c| c["nbf"] = json!(960)), Ok(()));
        assert_eq!(check(|c| c["nbf"] = json!(961)), Err("it is not valid yet"));
        assert_eq!(check(|c| c["exp"] = json!(-1e300)), Err("it has expired"));
    }
}
