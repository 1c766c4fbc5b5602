//! The other names of a certificate's subject.

use std::net::IpAddr;

use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
};

use crate::{expr::Type, facts::fact::Fact};

/// All of them in one text, and each kind by itself.
pub(super) fn san<'v>(ty: Type, certificate: &X509Certificate<'_>) -> Fact<'v> {
    let names: Vec<(Kind, String)> = certificate
        .extensions()
        .iter()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => Some(names),
            _ => None,
        })
        .flat_map(|names| &names.general_names)
        .filter_map(named)
        .collect();
    let written: Vec<_> =
        names.iter().map(|(kind, name)| format!("{}:{name}", kind.label())).collect();
    Fact::with_text(ty, written.join(", "), move |field, _| {
        let wanted = match field {
            "dns_names" => Kind::Dns,
            "email_addresses" => Kind::Email,
            "ip_addresses" => Kind::Ip,
            "uris" => Kind::Uri,
            _ => return Fact::Unknown,
        };
        let of_kind = names.iter().filter(|(kind, _)| *kind == wanted);
        Fact::texts(of_kind.map(|(_, name)| name.clone()))
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Dns,
    Email,
    Ip,
    Uri,
}

impl Kind {
    const fn label(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Email => "email",
            Self::Ip => "IP Address",
            Self::Uri => "URI",
        }
    }
}

fn named(name: &GeneralName<'_>) -> Option<(Kind, String)> {
    Some(match name {
        GeneralName::DNSName(name) => (Kind::Dns, (*name).to_owned()),
        GeneralName::RFC822Name(address) => (Kind::Email, (*address).to_owned()),
        GeneralName::URI(uri) => (Kind::Uri, (*uri).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let ip = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok()?;
            (Kind::Ip, ip.to_string())
        }
        _ => return None,
    })
}
