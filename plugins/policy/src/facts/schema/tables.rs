//! The names of connections, endpoints, requests and responses.

use crate::expr::{
    Field,
    Type::{self, Bool, Bytes, Duration, Int, List, Map, Multi, Object, String, Text, Timestamp},
};

pub(super) const CONN: Type = Object(&[
    Field::new("bytes_in", Int),
    Field::new("bytes_out", Int),
    Field::new("client_ip", ADDRESS),
    Field::new("client_port", Int),
    Field::new("geo", GEO),
    Field::new("k8s", Object(&[Field::new("pod", POD)])),
    Field::new("server_ip", ADDRESS),
    Field::new("server_port", Int),
    Field::new("server_region", String),
    Field::new("tls", TLS),
    Field::new("ts", Object(&[Field::new("start", Timestamp)])),
]);

/// An address, and what is known about it.
const ADDRESS: Type = Text(&[
    Field::new("as", Object(&[Field::new("number", Int), Field::new("organization", String)])),
    Field::new("categories", List(&String)),
    Field::new(
        "geo",
        Object(&[
            Field::new("location", LOCATION),
            Field::new("registered_location", REGISTERED_LOCATION),
        ]),
    ),
    Field::new("is_on_blocklist", Bool),
    Field::new("is_tor_node", Bool),
]);

const LOCATION: Type = Object(&[
    Field::new("city", String),
    Field::new("continent", String),
    Field::new("country", String),
    Field::new("country_code", String),
    Field::new("is_eu", Bool),
    Field::new("latitude", String),
    Field::new("longitude", String),
    Field::new("metro_code", String),
    Field::new("postal_code", String),
    Field::new("radius", String),
    Field::new("subdivision", String),
    Field::new("timezone", String),
]);

const REGISTERED_LOCATION: Type = Object(&[
    Field::new("city", String),
    Field::new("continent", String),
    Field::new("country", String),
    Field::new("country_code", String),
    Field::new("is_eu", Bool),
    Field::new("metro_code", String),
    Field::new("subdivision", String),
    Field::new("timezone", String),
]);

/// The short form of a visitor's place. Numbers are texts, too.
const GEO: Type = Object(&[
    Field::new("city", String),
    Field::new("country", String),
    Field::new("country_code", String),
    Field::new("latitude", String),
    Field::new("longitude", String),
    Field::new("radius", String),
    Field::new("subdivision", String),
]);

const POD: Type = Object(&[
    Field::new("id", String),
    Field::new(
        "metadata",
        Object(&[
            Field::new("annotations", Map(&String)),
            Field::new("error_code", String),
            Field::new("error_message", String),
            Field::new("name", String),
            Field::new("namespace", String),
        ]),
    ),
]);

const TLS: Type = Object(&[
    Field::new("cipher_suite", String),
    Field::new("client", CLIENT_CERTIFICATE),
    Field::new("ja4_fingerprint", String),
    Field::new("negotiated_alpn", String),
    Field::new("server", CERTIFICATE),
    Field::new("session_resumed", Bool),
    Field::new("sni", String),
    Field::new("version", String),
]);

const EXTENSIONS: Type = List(&Object(&[
    Field::new("critical", Bool),
    Field::new("id", String),
    Field::new("value", Bytes),
]));

const VALIDITY: Type =
    Object(&[Field::new("not_after", Timestamp), Field::new("not_before", Timestamp)]);

/// A certificate, without its text.
pub(super) const CERTIFICATE: Type = Object(&[
    Field::new("extensions", EXTENSIONS),
    Field::new("issuer", NAME),
    Field::new("san", ALTERNATIVE_NAMES),
    Field::new("serial_number", String),
    Field::new("signature_algorithm", String),
    Field::new("subject", NAME),
    Field::new("validity", VALIDITY),
]);

const CLIENT_CERTIFICATE: Type = Object(&[
    Field::new("extensions", EXTENSIONS),
    Field::new("issuer", NAME),
    Field::new("pem", String),
    Field::new("san", ALTERNATIVE_NAMES),
    Field::new("serial_number", String),
    Field::new("signature_algorithm", String),
    Field::new("subject", NAME),
    Field::new("validity", VALIDITY),
]);

/// A distinguished name.
const NAME: Type = Text(&[
    Field::new("common_name", String),
    Field::new("country", List(&String)),
    Field::new("locality", List(&String)),
    Field::new("organization", List(&String)),
    Field::new("organizational_unit", List(&String)),
    Field::new("postal_code", List(&String)),
    Field::new("province", List(&String)),
    Field::new("street_address", List(&String)),
]);

const ALTERNATIVE_NAMES: Type = Text(&[
    Field::new("dns_names", List(&String)),
    Field::new("email_addresses", List(&String)),
    Field::new("ip_addresses", List(&String)),
    Field::new("uris", List(&String)),
]);

pub(super) const ENDPOINT: Type = Object(&[
    Field::new("addr", String),
    Field::new("host", String),
    Field::new("id", String),
    Field::new("port", Int),
    Field::new("protocol", String),
    Field::new("url", String),
]);

pub(super) const TIME: Type = Object(&[Field::new("now", String)]);

pub(super) const REQ: Type = Object(&[
    Field::new("content_encoding", List(&String)),
    Field::new("content_length", Int),
    Field::new("content_type", CONTENT_TYPE),
    Field::new("cookies", Multi(&REQ_COOKIE)),
    Field::new("headers", Multi(&String)),
    Field::new("host", String),
    Field::new("location", String),
    Field::new("method", String),
    Field::new("trailers", Multi(&String)),
    Field::new(
        "ts",
        Object(&[Field::new("body_received", Timestamp), Field::new("header_received", Timestamp)]),
    ),
    Field::new("url", URL),
    Field::new("user_agent", USER_AGENT),
    Field::new("version", String),
]);

const URL: Type = Text(&[
    Field::new("authority", String),
    Field::new("host", String),
    Field::new("path", String),
    Field::new("port", Int),
    Field::new("query", String),
    Field::new("query_params", Multi(&String)),
    Field::new("raw", String),
    Field::new("raw_path", String),
    Field::new("scheme", String),
    Field::new("uri", String),
    Field::new("user_password", String),
]);

const USER_AGENT: Type = Text(&[
    Field::new("device", String),
    Field::new("is_bot", Bool),
    Field::new("is_desktop", Bool),
    Field::new("is_mobile", Bool),
    Field::new("is_tablet", Bool),
    Field::new("name", String),
    Field::new("os", String),
    Field::new("os_version", String),
    Field::new("url", String),
    Field::new("version", String),
]);

const CONTENT_TYPE: Type =
    Text(&[Field::new("parameters", Map(&String)), Field::new("raw", String)]);

const REQ_COOKIE: Type = Object(&[Field::new("name", String), Field::new("value", String)]);

pub(super) const RES: Type = Object(&[
    Field::new("content_encoding", List(&String)),
    Field::new("content_length", Int),
    Field::new("content_type", CONTENT_TYPE),
    Field::new("cookies", Multi(&RES_COOKIE)),
    Field::new("headers", Multi(&String)),
    Field::new("location", String),
    Field::new("status_code", Int),
    Field::new("trailers", Multi(&String)),
]);

pub(super) const RES_COOKIE: Type = Object(&[
    Field::new("domain", String),
    Field::new("expires", Timestamp),
    Field::new("http_only", Bool),
    Field::new("max_age", Duration),
    Field::new("name", String),
    Field::new("path", String),
    Field::new("same_site", String),
    Field::new("secure", Bool),
    Field::new("unparsed_attributes", Map(&String)),
    Field::new("value", String),
]);
