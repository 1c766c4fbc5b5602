//! Proxy headers of a strange edge.
#![no_main]

use adit_proto::proxy::ProxyHeader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = ProxyHeader::parse(data);

    // With a length that fits, so that the JSON is reached.
    let Ok(len) = i64::try_from(data.len()) else { return };
    let bytes = [&len.to_le_bytes()[..], data].concat();
    let Ok(Some((header, n_used))) = ProxyHeader::parse(&bytes) else { return };
    assert_eq!(n_used, bytes.len());
    let Ok(first) = header.to_first_bytes() else { return };
    let again = ProxyHeader::parse(&first[4..]).expect("our own header parses");
    let (again, n_used) = again.expect("our own header is complete");
    assert_eq!(n_used, first.len() - 4);
    assert_eq!(again.to_first_bytes(), header.to_first_bytes());
});
