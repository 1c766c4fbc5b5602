//! Nothing of one exchange is left for the next one on the same instance.

use adit_chain::OnError;
use http::Request;

use crate::{
    guest::{FIRST, Guest, data},
    rig::{Rig, request},
};

/// The first call keeps a value, edits the head, and remembers its handle. The third one, on the same
/// instance and with the same number for its handle, leaves in `x-seen` how many of these it finds:
/// what is kept, the header `x-secret` behind the first call's handle, and the first call's edit.
fn remembers() -> Guest {
    let names = data(0, "x-secret") + &data(16, "x-edit") + &data(32, "x-seen") + &data(48, "0123");
    Guest::new()
        .with(&names)
        .with(
            "(global $n (mut i32) (i32.const 0)) (global $old (mut i32) (i32.const 0)) \
             (global $seen (mut i32) (i32.const 0))",
        )
        .import("http", "[method]request.header", "$header (param i32 i32 i32 i32)")
        .import("http", "[method]request.kept", "$kept (param i32 i32)")
        .import("http", "[method]request.keep", "$keep (param i32 i32 i32 i32)")
        .import("http", "[method]request.set-header", "$set (param i32 i32 i32 i32 i32 i32)")
        .on_request(&format!(
            "(if (i32.eqz (global.get $n)) (then \
               (global.set $old (local.get $req)) \
               (call $keep (local.get $req) (i32.const 0) (i32.const 8) (i32.const 8192)) \
               (call $set (local.get $req) (i32.const 16) (i32.const 6) (i32.const 48) \
                 (i32.const 1) (i32.const 8192)))) \
             (global.set $n (i32.add (global.get $n) (i32.const 1))) \
             (if (i32.eq (global.get $n) (i32.const 3)) (then \
               (call $kept (local.get $req) (i32.const 8192)) \
               (global.set $seen (i32.load8_u (i32.const 8192))) \
               (call $header (global.get $old) (i32.const 0) (i32.const 8) (i32.const 8192)) \
               (global.set $seen (i32.add (global.get $seen) (i32.load8_u (i32.const 8192)))) \
               (call $header (local.get $req) (i32.const 16) (i32.const 6) (i32.const 8192)) \
               (global.set $seen (i32.add (global.get $seen) (i32.load8_u (i32.const 8192)))) \
               (call $set (local.get $req) (i32.const 32) (i32.const 6) \
                 (i32.add (i32.const 48) (global.get $seen)) (i32.const 1) (i32.const 8192)))) \
             {FIRST}"
        ))
}

#[tokio::test]
async fn an_exchange_sees_nothing_of_the_one_before_on_its_instance() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&remembers()), OnError::Deny);
    let with_secret = Request::get("/").header("x-secret", "s").body("".into()).unwrap();
    let first = request(&chain, with_secret).await;
    assert_eq!((first.header("x-edit"), first.header("x-seen")), (Some("0"), None));
    let next = async || request(&chain, Request::get("/").body("".into()).unwrap()).await;
    let second = next().await;
    assert!(second.is_next());
    assert_eq!((second.header("x-edit"), second.header("x-seen")), (None, None));
    // It has counted to three: it is the same instance.
    let third = next().await;
    assert!(third.is_next());
    assert_eq!((third.header("x-edit"), third.header("x-seen")), (None, Some("0")));
    assert_eq!(rig.host.stats().instances, 1);
}
