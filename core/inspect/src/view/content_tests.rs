use async_compression::tokio::bufread::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use proptest::prelude::*;

use super::*;

fn encoded(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    let (encoded, result) = match encoding {
        "br" => read(BrotliEncoder::new(bytes), usize::MAX),
        "raw" => read(DeflateEncoder::new(bytes), usize::MAX),
        "deflate" => read(ZlibEncoder::new(bytes), usize::MAX),
        "zstd" => read(ZstdEncoder::new(bytes), usize::MAX),
        _ => read(GzipEncoder::new(bytes), usize::MAX),
    };
    result.unwrap();
    encoded
}

fn headers(encoding: &str) -> Headers {
    Headers::collect([("content-encoding", encoding.as_bytes())])
}

fn decoded(encoding: &str, bytes: impl Into<Bytes>) -> Decoded {
    decode(&headers(encoding), &Body::whole(bytes), MAX_DECODED)
}

#[test]
fn each_encoding_is_undone() {
    let text = "hello ".repeat(1000);
    for encoding in ["br", "deflate", "gzip", "x-gzip", "zstd", "GZIP"] {
        let got = decoded(encoding, encoded(&encoding.to_lowercase(), text.as_bytes()));
        assert_eq!(got.bytes, text, "{encoding}");
        assert_eq!((got.is_cut, got.error), (false, None), "{encoding}");
    }
    assert_eq!(decoded("deflate", encoded("raw", text.as_bytes())).bytes, text);
    assert_eq!(decoded("identity", "plain").bytes, "plain");
    assert_eq!(decode(&Headers::default(), &Body::whole("plain"), 99).bytes, "plain");
}

#[test]
fn several_encodings_are_undone_in_reverse() {
    let twice = encoded("br", &encoded("gzip", b"hello"));
    let got = decoded("gzip, br", twice);
    assert_eq!((got.bytes, got.encodings), ("hello".into(), vec!["gzip".into(), "br".into()]));
}

#[test]
fn a_bomb_is_cut() {
    let bomb = encoded("gzip", &vec![0; 64 * 1024 * 1024]);
    assert!(bomb.len() < 128 * 1024);
    let got = decode(&headers("gzip"), &Body::whole(bomb), 1000);
    assert_eq!((got.bytes.len(), got.is_cut, got.error), (1000, true, None));
}

#[test]
fn a_zstd_frame_cannot_ask_for_all_memory() {
    // Magic, a frame without content size, a window of 2 GiB; one empty last block.
    let got = decoded("zstd", vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00]);
    assert!(got.error.is_some());
}

#[test]
fn a_body_that_was_cut_shows_its_beginning() {
    let text = (0..5000).map(|i| format!("{i} ")).collect::<String>();
    let mut bytes = encoded("gzip", text.as_bytes());
    let total = bytes.len() as u64;
    bytes.truncate(bytes.len() / 2);
    let got = decode(&headers("gzip"), &Body { bytes: bytes.into(), total }, MAX_DECODED);
    assert!(got.is_cut && got.error.is_none());
    assert!(text.as_bytes().starts_with(&got.bytes) && got.bytes.len() > 1000);
}

#[test]
fn what_is_not_encoded_as_it_says_is_shown_as_it_is() {
    let got = decoded("gzip", "plain text");
    assert_eq!(got.bytes, "plain text");
    assert!(got.error.unwrap().starts_with("gzip: "));
    let got = decoded("rot13", "uryyb");
    assert_eq!(got.bytes, "uryyb");
    assert_eq!(got.error.unwrap(), "\"rot13\" is no encoding that is known here");
    let got = decoded("gzip,gzip,gzip,gzip,gzip", "x");
    assert_eq!(got.error.unwrap(), "more than 4 encodings");
}

proptest! {
    #[test]
    fn no_bytes_panic_and_no_limit_is_passed(bytes: Vec<u8>, encoding in "br|deflate|gzip|zstd|[a-z,]*") {
        let got = decode(&headers(&encoding), &Body::whole(bytes), 100);
        prop_assert!(got.bytes.len() <= 100);
    }
}
