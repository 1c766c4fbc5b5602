//! What strangers try: ways out, names that are none, files that are none, and odd headers.

use std::{os::unix::fs::symlink, process::Command, time::Duration};

use tokio::time::timeout;

use super::*;

#[tokio::test]
async fn no_spelling_of_a_path_leads_out() {
    let (_tmp, files) = tree();
    let long = "a".repeat(300);
    for path in [
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/.%2e/secret.txt",
        "/docs/%2e%2e/%2e%2e/secret.txt",
        // Two bytes for a dot or a slash, which no decoder may take for one.
        "/%c0%ae%c0%ae/secret.txt",
        "/%c0%ae%c0%ae%c0%afsecret.txt",
        "/%e0%80%ae%e0%80%ae/secret.txt",
        "/%252e%252e/secret.txt",
        "/..\\secret.txt",
        "/%5c..%5csecret.txt",
        "/..;/secret.txt",
        "/hello.txt%00.html",
        "/%00",
        "/hello.txt/",
        "/hello.txt/..",
        "/hello.txt/deeper",
        "/www-other/secret.txt",
        "/../www-other/secret.txt",
        "/~root",
        &format!("/{long}"),
        &format!("/{}", "a/".repeat(4000)),
    ] {
        let answer = get(&files, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains("secret"), "{path}");
    }
}

#[tokio::test]
async fn links_to_the_outside_are_neither_served_nor_listed() {
    let (tmp, files) = tree();
    let root = tmp.path().join("www");
    symlink("../secret.txt", root.join("relative")).unwrap();
    symlink(tmp.path().join("secret.txt"), root.join("absolute")).unwrap();
    symlink(tmp.path(), root.join("up")).unwrap();
    symlink("relative", root.join("twice")).unwrap();
    symlink("circle", root.join("circle")).unwrap();
    symlink("/proc/self/environ", root.join("environ")).unwrap();
    symlink("/dev/zero", root.join("zero")).unwrap();
    symlink("../www-other", root.join("site/other")).unwrap();
    fs::remove_file(root.join("site/index.html")).unwrap();
    symlink("../../secret.txt", root.join("site/index.html")).unwrap();
    for path in [
        "/relative",
        "/absolute",
        "/up",
        "/up/",
        "/up/secret.txt",
        "/twice",
        "/circle",
        "/environ",
        "/zero",
        "/site/other/",
        "/site/other/secret.txt",
        "/site/index.html",
    ] {
        let answer = timeout(Duration::from_secs(5), get(&files, path)).await.unwrap();
        assert_eq!(answer.status, 404, "{path}");
    }
    let listed = get(&files, "/").await.text() + &get(&files, "/site/").await.text();
    for name in ["relative", "absolute", "up", "twice", "circle", "environ", "zero", "other"] {
        assert!(!listed.contains(&format!("./{name}")), "{name}");
    }
}

#[tokio::test]
async fn a_pipe_is_refused_without_waiting_for_its_writer() {
    let (tmp, files) = tree();
    let pipe = tmp.path().join("www/pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let answer = timeout(Duration::from_secs(5), get(&files, "/pipe")).await.unwrap();
    assert_eq!(answer.status, 404);
    fs::rename(pipe, tmp.path().join("www/docs/index.html")).unwrap();
    let answer = timeout(Duration::from_secs(5), get(&files, "/docs/")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(!answer.text().contains("index.html"));
}

#[tokio::test]
async fn names_that_begin_with_a_dot_are_files_like_others() {
    let (tmp, files) = tree();
    fs::create_dir(tmp.path().join("www/.well-known")).unwrap();
    fs::write(tmp.path().join("www/.well-known/token"), "abc").unwrap();
    assert_eq!(get(&files, "/.well-known/token").await.text(), "abc");
    assert!(get(&files, "/").await.text().contains("./.well-known/"));
}

#[tokio::test]
async fn a_huge_directory_is_cut_and_says_so() {
    let (tmp, files) = tree();
    let dir = tmp.path().join("www/huge");
    fs::create_dir(&dir).unwrap();
    for i in 0..open::MAX_ENTRIES + 7 {
        fs::write(dir.join(i.to_string()), "").unwrap();
    }
    let answer = get_large(&files, "/huge/").await;
    assert_eq!(answer.matches("<td class=\"n\">0 B</td>").count(), open::MAX_ENTRIES);
    assert!(answer.contains("Only the first 10000 are shown."));
}

async fn get_large(files: &Files, path: &str) -> String {
    let response = files.respond(&Method::GET, path, None, &HeaderMap::new()).await;
    let body = response.into_body().into_whole(16 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn every_kind_of_range_gets_what_the_rfc_says() {
    let (_tmp, files) = tree();
    for (range, status, body, content_range) in [
        ("bytes=0-0", 206, "h", "bytes 0-0/11"),
        ("bytes=6-", 206, "world", "bytes 6-10/11"),
        ("bytes=-5", 206, "world", "bytes 6-10/11"),
        ("bytes=-99", 206, "hello world", "bytes 0-10/11"),
        ("bytes=0-99", 206, "hello world", "bytes 0-10/11"),
        ("BYTES=1-2", 206, "el", "bytes 1-2/11"),
        ("bytes=11-", 416, "", "bytes */11"),
        ("bytes=99-100", 416, "", "bytes */11"),
        ("bytes=-0", 416, "", "bytes */11"),
        // What a server may ignore: several, backwards, other units, nonsense, too many digits.
        ("bytes=0-1,3-4", 200, "hello world", ""),
        ("bytes=5-1", 200, "hello world", ""),
        ("lines=1-2", 200, "hello world", ""),
        ("bytes=", 200, "hello world", ""),
        ("bytes=-", 200, "hello world", ""),
        ("bytes=a-b", 200, "hello world", ""),
        ("bytes=--5", 200, "hello world", ""),
        ("bytes 0-1", 200, "hello world", ""),
    ] {
        let answer = ask(&files, Method::GET, "/hello.txt", &[("range", range)]).await;
        let got = (answer.status, answer.text(), answer.header("content-range"));
        assert_eq!(got, (status, body.to_owned(), content_range), "{range}");
        assert_eq!(answer.header("content-length"), body.len().to_string(), "{range}");
    }
    let huge = format!("bytes=0-{}", "9".repeat(40));
    let answer = ask(&files, Method::GET, "/hello.txt", &[("range", &huge)]).await;
    assert!(matches!(answer.status, 200 | 206), "{}", answer.status);
    assert_eq!(answer.text(), "hello world");
    let answer = ask(&files, Method::GET, "/empty.bin", &[("range", "bytes=0-0")]).await;
    assert_eq!(answer.status, 416);
    let answer = ask(&files, Method::HEAD, "/hello.txt", &[("range", "bytes=0-0")]).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, "11"));
}

#[tokio::test]
async fn a_range_is_for_the_version_that_if_range_names() {
    let (_tmp, files) = tree();
    let first = get(&files, "/hello.txt").await;
    let (etag, date) = (first.header("etag"), first.header("last-modified"));
    let weak = format!("W/{etag}");
    let old = "Thu, 01 Jan 1970 00:00:00 GMT";
    for (if_range, status) in
        [(etag, 206), (date, 206), (weak.as_str(), 200), ("\"other\"", 200), (old, 200), ("x", 200)]
    {
        let headers = [("range", "bytes=0-0"), ("if-range", if_range)];
        let answer = ask(&files, Method::GET, "/hello.txt", &headers).await;
        assert_eq!(answer.status, status, "{if_range}");
    }
}

#[tokio::test]
async fn preconditions_are_looked_at_in_their_order() {
    let (_tmp, files) = tree();
    let first = get(&files, "/hello.txt").await;
    let (etag, date) = (first.header("etag"), first.header("last-modified"));
    let list = format!("\"a\", W/{etag}, \"b\"");
    let (old, new) = ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT");
    for (headers, status) in [
        (vec![("if-none-match", etag)], 304),
        (vec![("if-none-match", list.as_str())], 304),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-none-match", "\"a\"")], 200),
        (vec![("if-none-match", "\"a\""), ("if-modified-since", new)], 200),
        (vec![("if-modified-since", date)], 304),
        (vec![("if-modified-since", old)], 200),
        (vec![("if-modified-since", "yesterday")], 200),
        (vec![("if-match", etag)], 200),
        (vec![("if-match", "*")], 200),
        (vec![("if-match", "\"a\"")], 412),
        (vec![("if-match", "\"a\""), ("if-none-match", etag)], 412),
        (vec![("if-unmodified-since", old)], 412),
        (vec![("if-unmodified-since", new)], 200),
    ] {
        let answer = ask(&files, Method::GET, "/hello.txt", &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.header("etag"), etag, "{headers:?}");
        assert_eq!(answer.text(), if status == 200 { "hello world" } else { "" }, "{headers:?}");
    }
}

#[tokio::test]
async fn types_follow_names_and_head_has_what_get_has() {
    let (tmp, files) = tree();
    for (name, mime) in [
        ("a.html", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.wasm", "application/wasm"),
        ("a.tar.gz", "application/gzip"),
        ("A.HTML", "text/html; charset=utf-8"),
        ("noext", "application/octet-stream"),
        ("a.unknown-kind", "application/octet-stream"),
    ] {
        fs::write(tmp.path().join("www").join(name), "x").unwrap();
        let path = format!("/{name}");
        let answer = get(&files, &path).await;
        assert_eq!(answer.header("content-type"), mime, "{name}");
        let head = ask(&files, Method::HEAD, &path, &[]).await;
        assert_eq!((head.headers, head.body), (answer.headers, Vec::new()), "{name}");
    }
    for path in ["/", "/site/", "/docs", "/missing"] {
        let (get, head) = (get(&files, path).await, ask(&files, Method::HEAD, path, &[]).await);
        assert_eq!((head.status, head.headers), (get.status, get.headers), "{path}");
        assert_eq!(head.body, b"", "{path}");
    }
}
