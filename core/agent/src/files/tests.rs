//! Behaviour as a visitor sees it.

#![allow(clippy::unwrap_used)]

mod strangers;

use std::fs;

use tempfile::TempDir;

use super::*;

/// A tree with a file beside the served directory that nobody may get.
fn tree() -> (TempDir, Files) {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path().join("www");
    fs::create_dir_all(root.join("docs/deep dir")).unwrap();
    fs::create_dir_all(root.join("site")).unwrap();
    fs::write(root.join("hello.txt"), "hello world").unwrap();
    fs::write(root.join("empty.bin"), "").unwrap();
    fs::write(root.join("docs/a&b <1>.md"), "# hi").unwrap();
    fs::write(root.join("docs/back\\slash"), "x").unwrap();
    fs::write(root.join("site/index.html"), "<p>index</p>").unwrap();
    fs::write(tmp.path().join("secret.txt"), "secret").unwrap();
    fs::create_dir(tmp.path().join("www-other")).unwrap();
    fs::write(tmp.path().join("www-other/secret.txt"), "secret").unwrap();
    let files = Files::new(root);
    (tmp, files)
}

async fn ask(files: &Files, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = headers
        .iter()
        .map(|(n, v)| (n.parse::<http::HeaderName>().unwrap(), v.parse().unwrap()))
        .collect();
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let (head, body) = files.respond(&method, path, query, &headers).await.into_parts();
    let body = body.into_whole(1 << 20).await.unwrap();
    Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_vec() }
}

async fn get(files: &Files, path: &str) -> Answer {
    ask(files, Method::GET, path, &[]).await
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

#[tokio::test]
async fn a_file_comes_with_its_type_length_and_validators() {
    let (_tmp, files) = tree();
    let answer = get(&files, "/hello.txt").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello world"));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("content-length"), "11");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert!(answer.header("etag").starts_with('"'));
    assert!(answer.header("last-modified").ends_with("GMT"));
    let empty = get(&files, "/empty.bin").await;
    assert_eq!((empty.status, empty.header("content-length")), (200, "0"));
}

#[tokio::test]
async fn head_says_the_same_without_the_bytes() {
    let (_tmp, files) = tree();
    let answer = ask(&files, Method::HEAD, "/hello.txt", &[("range", "bytes=0-1")]).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, "11"));
    assert_eq!(answer.text(), "");
}

#[tokio::test]
async fn other_methods_are_refused_with_the_allowed_ones() {
    let (_tmp, files) = tree();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = ask(&files, method, "/hello.txt", &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
    }
}

#[tokio::test]
async fn a_directory_is_listed_sorted_escaped_and_with_its_parent() {
    let (_tmp, files) = tree();
    let root = get(&files, "/").await.text();
    let order = ["./docs/", "./site/", "./empty.bin", "./hello.txt"].map(|name| root.find(name));
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
    assert!(!root.contains("../"));
    let docs = get(&files, "/docs/").await.text();
    assert!(docs.contains("href=\"../\""));
    assert!(docs.contains("href=\"./a%26b%20%3C1%3E.md\">a&amp;b &lt;1&gt;.md<"));
    assert!(docs.contains("href=\"./deep%20dir/\">deep dir/<"));
    assert_eq!(get(&files, "/docs/a%26b%20%3C1%3E.md").await.text(), "# hi");
}

#[tokio::test]
async fn an_index_stands_for_its_directory() {
    let (_tmp, files) = tree();
    let answer = get(&files, "/site/").await;
    assert_eq!(answer.text(), "<p>index</p>");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
}

#[tokio::test]
async fn a_directory_without_its_slash_is_redirected_on_the_same_host() {
    let (_tmp, files) = tree();
    let answer = get(&files, "//docs/deep%20dir?q=1").await;
    assert_eq!((answer.status, answer.header("location")), (301, "/docs/deep%20dir/?q=1"));
    assert_eq!(get(&files, "/hello.txt/").await.status, 404);
}

#[tokio::test]
async fn there_is_no_way_out_of_the_directory() {
    let (_tmp, files) = tree();
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/.%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/docs/../../secret.txt",
        "/docs/%2e%2e/%2e%2e/secret.txt",
        "/..\\secret.txt",
        "/..%5csecret.txt",
        "/hello.txt%00",
        "/%00/../secret.txt",
        "/../www-other/secret.txt",
        "/docs/back%5cslash",
        "/nothing",
        "/hello.txt/more",
    ] {
        let answer = get(&files, path).await;
        assert_eq!((answer.status, answer.text().as_str()), (404, "404 Not Found\n"), "{path}");
    }
    for path in ["/".to_owned() + &"a".repeat(300), "/a".repeat(200), "/a".repeat(3000)] {
        assert_eq!(get(&files, &path).await.status, 404);
    }
    let double = get(&files, "/%252e%252e/secret.txt").await;
    assert_eq!(double.status, 404);
    let absolute = get(&files, "//etc/passwd").await;
    assert_eq!(absolute.status, 404);
}

#[cfg(unix)]
#[tokio::test]
async fn links_work_inside_and_lead_nowhere_outside() {
    use std::os::unix::fs::symlink;

    let (tmp, files) = tree();
    let root = tmp.path().join("www");
    symlink("hello.txt", root.join("inside.txt")).unwrap();
    symlink("../secret.txt", root.join("outside.txt")).unwrap();
    symlink(tmp.path(), root.join("up")).unwrap();
    symlink(tmp.path().join("www-other"), root.join("other")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    symlink("gone", root.join("dangling")).unwrap();
    assert_eq!(get(&files, "/inside.txt").await.text(), "hello world");
    for path in
        ["/outside.txt", "/up/secret.txt", "/up/", "/other/secret.txt", "/loop", "/dangling"]
    {
        assert_eq!(get(&files, path).await.status, 404, "{path}");
    }
    let listing = get(&files, "/").await.text();
    assert!(listing.contains("inside.txt"));
    for name in ["outside.txt", "./up", "./other", "./loop", "./dangling"] {
        assert!(!listing.contains(name), "{name}");
    }
    symlink("../secret.txt", root.join("docs/index.html")).unwrap();
    let docs = get(&files, "/docs/").await;
    assert!(docs.text().contains("Index of /docs/"), "a leaking index is no index");
}

#[cfg(unix)]
#[tokio::test]
async fn the_directory_itself_may_be_a_link_that_changes() {
    use std::os::unix::fs::symlink;

    let (tmp, _) = tree();
    let link = tmp.path().join("current");
    symlink("www", &link).unwrap();
    let files = Files::new(link.clone());
    assert_eq!(get(&files, "/hello.txt").await.status, 200);
    fs::remove_file(&link).unwrap();
    symlink("www-other", &link).unwrap();
    assert_eq!(get(&files, "/secret.txt").await.text(), "secret");
}

#[cfg(unix)]
#[tokio::test]
async fn a_socket_is_not_a_file() {
    let (tmp, files) = tree();
    let socket = tmp.path().join("www/sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert_eq!(get(&files, "/sock").await.status, 404);
    assert!(!get(&files, "/").await.text().contains("./sock"));
}

#[tokio::test]
async fn a_range_is_cut_out() {
    let (_tmp, files) = tree();
    let answer = ask(&files, Method::GET, "/hello.txt", &[("range", "bytes=6-99")]).await;
    assert_eq!((answer.status, answer.text().as_str()), (206, "world"));
    assert_eq!(answer.header("content-range"), "bytes 6-10/11");
    assert_eq!(answer.header("content-length"), "5");
    let beyond = ask(&files, Method::GET, "/hello.txt", &[("range", "bytes=11-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */11"));
    let changed = [("range", "bytes=6-"), ("if-range", "\"old\"")];
    assert_eq!(ask(&files, Method::GET, "/hello.txt", &changed).await.text(), "hello world");
}

#[tokio::test]
async fn what_the_visitor_has_is_not_sent_again() {
    let (_tmp, files) = tree();
    let etag = get(&files, "/hello.txt").await.header("etag").to_owned();
    let answer = ask(&files, Method::GET, "/hello.txt", &[("if-none-match", &etag)]).await;
    assert_eq!((answer.status, answer.text().as_str()), (304, ""));
    assert_eq!(answer.header("etag"), etag);
    let answer = ask(&files, Method::GET, "/hello.txt", &[("if-match", "\"x\"")]).await;
    assert_eq!(answer.status, 412);
}

#[tokio::test]
async fn a_large_file_arrives_whole_in_bounded_chunks() {
    use http_body_util::BodyExt;

    let (tmp, files) = tree();
    let content: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    fs::write(tmp.path().join("www/large"), &content).unwrap();
    let mut response = files.respond(&Method::GET, "/large", None, &HeaderMap::new()).await;
    let mut all = Vec::new();
    while let Some(frame) = response.body_mut().frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert!(data.len() <= 64 * 1024);
        all.extend_from_slice(&data);
    }
    assert!(all == content);
}

#[tokio::test]
async fn a_file_that_shrinks_breaks_the_body() {
    let (tmp, files) = tree();
    let path = tmp.path().join("www/shrinks");
    fs::write(&path, vec![1; 200_000]).unwrap();
    let response = files.respond(&Method::GET, "/shrinks", None, &HeaderMap::new()).await;
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap();
    let error = response.into_body().into_whole(1 << 20).await.unwrap_err();
    assert_eq!(error.to_string(), "the file became shorter");
}
