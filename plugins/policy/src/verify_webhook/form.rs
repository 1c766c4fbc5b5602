//! Forms, as senders sign them: their fields in order, without anything between.

use ::url::form_urlencoded;
use aws_lc_rs::digest;

use super::{Incoming, Rejected, encoding, url};

/// The media type of forms.
pub(super) const TYPE: &str = "application/x-www-form-urlencoded";
/// Fields of a form or of a query.
///
/// Reason: providers send some dozens; a body within the limit could hold millions.
const MAX_FIELDS: usize = 1000;

/// Names and values.
type Fields = Vec<(String, String)>;

/// The fields of a form or of a query, decoded, in their order.
///
/// # Errors
/// They are too many. None may be left out: what is not signed must not be believed.
pub(super) fn fields(text: &[u8]) -> Result<Fields, Rejected> {
    let fields = form_urlencoded::parse(text).take(MAX_FIELDS + 1);
    let fields: Fields =
        fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    if fields.len() > MAX_FIELDS { Err(Rejected::Malformed("the form")) } else { Ok(fields) }
}

fn sorted(text: &[u8]) -> Result<Fields, Rejected> {
    let mut fields = fields(text)?;
    fields.sort();
    Ok(fields)
}

/// The fields of the body; none if it has no bytes.
///
/// # Errors
/// The body is something else: what is not signed must not be believed.
fn body_fields(incoming: &Incoming<'_>) -> Result<Fields, Rejected> {
    if incoming.body.is_empty() {
        return Ok(Vec::new());
    }
    if incoming.content_type() != TYPE {
        return Err(Rejected::Malformed("the body"));
    }
    sorted(incoming.body)
}

fn joined(fields: impl IntoIterator<Item = (String, String)>) -> String {
    fields.into_iter().fold(String::new(), |text, (name, value)| text + &name + &value)
}

/// All fields, sorted: `name1value1name2value2`.
pub(super) fn all_fields(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    Ok(joined(body_fields(incoming)?))
}

/// As [`all_fields`], but a field that is there twice with the same value counts once. Of a body
/// that is no form, a digest is in the URL, which is signed.
pub(super) fn distinct_fields(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    const DIGEST: &str = "bodySHA256";
    let (_, query) = incoming.path_and_query();
    let query = fields(query.unwrap_or_default().as_bytes())?;
    let Some((_, expected)) = query.into_iter().find(|(name, _)| name == DIGEST) else {
        let mut fields = body_fields(incoming)?;
        fields.dedup();
        return Ok(joined(fields));
    };
    // Both are public, and the expected one is vouched for by the signature.
    let digest = digest::digest(&digest::SHA256, incoming.body);
    if encoding::to_hex(digest.as_ref()).eq_ignore_ascii_case(&expected) {
        Ok(String::new())
    } else {
        Err(Rejected::Mismatch)
    }
}

/// URL, query and form as `https://host/path?a=1&b=2.c3d4`, sorted and decoded.
pub(super) fn url_and_fields(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    let mut text = url::without_query(incoming)?;
    let (_, query) = incoming.path_and_query();
    let query = sorted(query.unwrap_or_default().as_bytes())?;
    let fields = body_fields(incoming)?;
    if !query.is_empty() || !fields.is_empty() {
        text.push('?');
    }
    for (i, (name, value)) in query.iter().enumerate() {
        if i > 0 {
            text.push('&');
        }
        text = text + name + "=" + value;
    }
    if !query.is_empty() && !fields.is_empty() {
        text.push('.');
    }
    Ok(text + &joined(fields))
}
