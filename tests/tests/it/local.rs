//! Services that need no port: directories and Unix sockets.

use adit_agent::EndpointSpec;
use adit_tests::{Upstream, World, service};
use http::Method;

#[tokio::test]
async fn a_directory_is_listed_and_its_files_are_served() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("note.txt"), "read me").unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(dir.path().join("sub/in <it>.html"), "<p>inside").unwrap();
    let spec = EndpointSpec::http(&format!("file://{}", dir.path().display()));
    let world = World::new().agent(spec).up().await;

    let listing = world.get("/").await;
    assert_eq!(listing.header("content-type"), "text/html; charset=utf-8");
    assert!(listing.text().contains("<a href=\"./note.txt\">note.txt</a>"), "{}", listing.text());
    assert!(listing.text().contains("<a href=\"./sub/\">sub/</a>"), "{}", listing.text());
    let file = world.get("/note.txt").await;
    assert_eq!(
        (file.header("content-type"), file.text().as_str()),
        ("text/plain; charset=utf-8", "read me")
    );
    assert_eq!(world.get("/sub/in%20%3Cit%3E.html").await.text(), "<p>inside");
    let moved = world.get("/sub").await;
    assert_eq!((moved.status().is_redirection(), moved.header("location")), (true, "/sub/"));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn nothing_outside_of_a_directory_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("public");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(dir.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret"), inside.join("link")).unwrap();
    let spec = EndpointSpec::http(&format!("file://{}", inside.display()));
    let world = World::new().agent(spec).up().await;
    for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/link", "/a/../../secret", "/%00"]
    {
        let reply = world.get(path).await;
        assert!(reply.status().is_client_error(), "{path}: {}", reply.status());
        assert_ne!(reply.text(), "secret");
    }
    world.down().await.assert_clean();
}

#[tokio::test]
async fn part_of_a_file_and_an_unchanged_file_are_not_sent_whole() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("f"), "0123456789").unwrap();
    let spec = EndpointSpec::http(&format!("file://{}", dir.path().display()));
    let world = World::new().agent(spec).up().await;
    let part = world.get("/f").header("range", "bytes=2-4").await;
    assert_eq!((part.status().as_u16(), part.text().as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let whole = world.get("/f").await;
    let unchanged =
        world.get("/f").header("if-modified-since", whole.header("last-modified")).await;
    assert_eq!((unchanged.status().as_u16(), unchanged.text().as_str()), (304, ""));
    let head = world.get("/f").method(Method::HEAD).await;
    assert_eq!((head.header("content-length"), head.text().as_str()), ("10", ""));
    assert_eq!(world.post("/f", "x").await.status(), 405);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_http_service_may_listen_on_a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let upstream = Upstream::unix(&path, service::counting("from a path"));
    let spec = EndpointSpec::http(&format!("unix:{}", path.display()));
    let world = World::new().agent(spec).up().await;
    assert_eq!(world.get("/").await.text(), "from a path");
    assert_eq!(upstream.hits(), 1);
    world.down().await.assert_clean();
}
