//! Those that sign their URL, too, or with certificates.

use super::{Provider, Scheme, signed};
use crate::verify_webhook::{
    Signed, form,
    parts::{Part, Place, Signatures},
    signed::Algorithm,
    stamp::{Stamp, Unit},
    url,
};

/// Fact: headers, forms and tolerances are those of each provider's public documentation.
pub(super) const PROVIDERS: &[Provider] = &[
    signed("hubspot", &[HUBSPOT_3, HUBSPOT_OLDER]),
    // Its e-mail service signs; the webhooks of mailing lists are not signed.
    signed(
        "mailchimp",
        &[Signed::base64("x-mandrill-signature")
            .by(Algorithm::HmacSha1)
            .of(&[Part::Made(url::url), Part::Made(form::all_fields)])],
    ),
    signed("plivo", &[PLIVO_3, PLIVO_2]),
    Provider { scheme: Scheme::Certificate, ..signed("sns", &[]) },
    signed(
        "square",
        &[
            Signed::base64("x-square-hmacsha256-signature").of(SQUARE),
            Signed::base64("x-square-signature").by(Algorithm::HmacSha1).of(SQUARE),
        ],
    ),
    signed("twilio", &[TWILIO]),
];

const SQUARE: &[Part] = &[Part::Made(url::url), Part::Body];

const HUBSPOT_3: Signed = Signed::base64("x-hubspot-signature-v3")
    .at(Stamp::header("x-hubspot-request-timestamp").written_in(Unit::Millis).within(300))
    .of(&[Part::Made(url::method), Part::Made(url::unescaped), Part::Body, Part::Stamp]);
/// Versions 2 and 1, which workflows still use.
const HUBSPOT_OLDER: Signed = Signed::hex("x-hubspot-signature")
    .by(Algorithm::PrefixSha256)
    .of(&[Part::Made(url::method), Part::Made(url::url), Part::Body])
    .or(&[&[Part::Body]]);

const PLIVO_3: Signed = Signed::base64("")
    .found(Signatures::Lists(&["x-plivo-signature-v3", "x-plivo-signature-ma-v3"]))
    .of(&[
        Part::Made(form::url_and_fields),
        Part::Text("."),
        Part::At(Place::Header("x-plivo-signature-v3-nonce")),
    ]);
/// Of messages. Neither query nor body is signed.
const PLIVO_2: Signed = Signed::base64("")
    .found(Signatures::Lists(&["x-plivo-signature-v2", "x-plivo-signature-ma-v2"]))
    .of(&[Part::Made(url::without_query), Part::At(Place::Header("x-plivo-signature-v2-nonce"))]);

/// Whether the port is part of what is signed depends on who set the webhook up.
const TWILIO: Signed = Signed::base64("x-twilio-signature")
    .by(Algorithm::HmacSha1)
    .of(&[Part::Made(url::url), Part::Made(form::distinct_fields)])
    .or(&[
        &[Part::Made(url::with_port), Part::Made(form::distinct_fields)],
        &[Part::Made(url::without_port), Part::Made(form::distinct_fields)],
    ]);
