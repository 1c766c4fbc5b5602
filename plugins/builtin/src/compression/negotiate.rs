//! Which coding a visitor gets: the quality values of `Accept-Encoding`, as RFC 9110 has them.

use http::{HeaderMap, header::ACCEPT_ENCODING};

use super::Algorithm;

/// Thousandths: `q=0.5` is 500.
type Quality = u16;

/// The most welcome of the offered codings; ties go to the order of the offer. `None`: the response
/// stays as it is.
pub(super) fn negotiate(headers: &HeaderMap, offered: &[Algorithm]) -> Option<Algorithm> {
    let accepted: Vec<(&str, Quality)> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(preference)
        .collect();
    let named = |coding: &str| {
        let same = |name: &str| name.eq_ignore_ascii_case(coding);
        accepted.iter().find(|(name, _)| same(name)).map(|(_, quality)| *quality)
    };
    let gzip_alias = |algorithm| if algorithm == Algorithm::Gzip { named("x-gzip") } else { None };
    let quality = |algorithm: Algorithm| {
        named(algorithm.as_str())
            .or_else(|| gzip_alias(algorithm))
            .or_else(|| named("*"))
            .unwrap_or(0)
    };
    let mut best: Option<(Algorithm, Quality)> = None;
    for algorithm in offered.iter().filter(|algorithm| **algorithm != Algorithm::Compress) {
        let quality = quality(*algorithm);
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((*algorithm, quality));
        }
    }
    let (algorithm, quality) = best?;
    (quality >= named("identity").unwrap_or(0)).then_some(algorithm)
}

/// One item of the list: `gzip;q=0.5`. What cannot be read is not there.
fn preference(item: &str) -> Option<(&str, Quality)> {
    let mut parts = item.split(';').map(str::trim);
    let coding = parts.next().filter(|coding| !coding.is_empty())?;
    let mut quality = 1000;
    for parameter in parts {
        let (name, value) = parameter.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("q") {
            quality = parse_quality(value.trim())?;
        }
    }
    Some((coding, quality))
}

/// `0`, `1`, and up to three digits after the point.
fn parse_quality(text: &str) -> Option<Quality> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction: Quality = format!("{fraction:0<3}").parse().ok().filter(|_| digits)?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::{Algorithm::*, *};
    use crate::compression::DEFAULT;

    fn chosen(accept: &str) -> Option<Algorithm> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap());
        negotiate(&headers, &DEFAULT)
    }

    #[test]
    fn the_highest_quality_wins_and_ties_go_to_the_order_of_the_offer() {
        assert_eq!(chosen("zstd, br, deflate, gzip"), Some(Gzip));
        assert_eq!(chosen("gzip;q=0.8, br;q=0.9"), Some(Br));
        assert_eq!(chosen("gzip;q=0.123, zstd;q=0.124"), Some(Zstd));
    }

    #[test]
    fn a_quality_of_zero_excludes() {
        assert_eq!(chosen("gzip;q=0, deflate;q=0.001"), Some(Deflate));
        assert_eq!(chosen("gzip;q=0"), None);
        assert_eq!(chosen("gzip;q=0.000, *;q=0"), None);
    }

    #[test]
    fn a_star_stands_for_what_is_not_named() {
        assert_eq!(chosen("*"), Some(Gzip));
        assert_eq!(chosen("gzip;q=0, *;q=0.5"), Some(Deflate));
        assert_eq!(chosen("gzip;q=0.1, *;q=0.5"), Some(Deflate));
    }

    #[test]
    fn names_are_read_in_any_case_and_x_gzip_is_gzip() {
        assert_eq!(chosen("GZip ; Q=1.000"), Some(Gzip));
        assert_eq!(chosen("x-gzip"), Some(Gzip));
    }

    #[test]
    fn identity_wins_where_it_is_more_welcome() {
        assert_eq!(chosen("identity, gzip;q=0.5"), None);
        assert_eq!(chosen("identity;q=0.5, gzip;q=0.5"), Some(Gzip));
    }

    #[test]
    fn nothing_acceptable_or_readable_leaves_the_response_alone() {
        for accept in [
            "",
            "identity",
            "compress",
            "gzip;q=2",
            "gzip;q=1.5",
            "gzip;q=",
            "gzip;q=0.1234",
            ";q=1",
        ] {
            assert_eq!(chosen(accept), None, "{accept}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_not_chosen_even_where_it_is_offered() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("compress, gzip;q=0.1"));
        assert_eq!(negotiate(&headers, &[Compress, Gzip]), Some(Gzip));
    }

    #[test]
    fn several_lines_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0.1"));
        headers.append(ACCEPT_ENCODING, HeaderValue::from_static("br"));
        assert_eq!(negotiate(&headers, &DEFAULT), Some(Br));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(accept in "[ -~]{0,60}|((gzip|br|\\*)(;q=[0-9.]{0,6})?,?){0,6}") {
            let _ = chosen(&accept);
        }

        #[test]
        fn every_written_quality_is_read_back(thousandths in 0_u16..1000) {
            prop_assert_eq!(parse_quality(&format!("0.{thousandths:03}")), Some(thousandths));
        }
    }
}
