//! Blobs, by every way in.

use super::{Ask, Digest, FORMAT, FakeRepo, World, ask, error_code, push_blob, push_image, repo};

async fn open(repo: &FakeRepo) -> String {
    let answer = ask(repo, "POST", "app/blobs/uploads/").await;
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-0")));
    let location = answer.header("location").unwrap();
    assert!(location.ends_with(answer.header("docker-upload-uuid").unwrap()));
    location.strip_prefix("/v2/main/").unwrap().to_owned()
}

#[tokio::test]
async fn a_blob_is_pushed_in_one_request() {
    let repo = repo();
    push_blob(&repo, "app", b"hello").await;
    let digest = Digest::of(b"hello");
    let back = ask(&repo, "GET", &format!("app/blobs/{digest}")).await;
    assert_eq!((back.text(), back.header("docker-content-digest")), ("hello", Some(digest.as_str())));
    let target = format!("app/blobs/uploads/?digest={digest}");
    let wrong = Ask::new("POST", &target).body("other").send(&FORMAT, &repo).await;
    assert_eq!((wrong.status, error_code(&wrong).as_str()), (400, "DIGEST_INVALID"));
    let short = Ask::new("POST", &target).header("content-length", "9").body("hello").send(&FORMAT, &repo).await;
    assert_eq!(error_code(&short), "SIZE_INVALID");
}

#[tokio::test]
async fn a_blob_is_pushed_in_two_requests() {
    let repo = repo();
    let place = open(&repo).await;
    let digest = Digest::of(b"hello");
    let done = Ask::new("PUT", &format!("{place}?digest={digest}")).body("hello").send(&FORMAT, &repo).await;
    insta::assert_snapshot!("blob_created", done.shown());
    assert_eq!(repo.sessions(), 0);
    let place = open(&repo).await;
    assert_eq!(error_code(&Ask::new("PUT", &place).body("hello").send(&FORMAT, &repo).await), "DIGEST_INVALID");
}

#[tokio::test]
async fn chunks_come_in_order_and_an_upload_can_be_resumed() {
    let repo = repo();
    let place = open(&repo).await;
    let first = Ask::new("PATCH", &place).header("content-range", "0-3").header("content-length", "4").body("abcd");
    let first = first.send(&FORMAT, &repo).await;
    assert_eq!((first.status, first.header("range")), (202, Some("0-3")));
    let gap = Ask::new("PATCH", &place).header("content-range", "6-7").body("gh").send(&FORMAT, &repo).await;
    assert_eq!((gap.status, gap.header("range"), error_code(&gap).as_str()), (416, Some("0-3"), "BLOB_UPLOAD_INVALID"));
    assert!(gap.header("location").unwrap().ends_with(&place));
    let status = ask(&repo, "GET", &place).await;
    insta::assert_snapshot!("upload_status", status.shown());
    let second = Ask::new("PATCH", &place).header("content-range", "bytes 4-5/8").body("ef").send(&FORMAT, &repo).await;
    assert_eq!(second.header("range"), Some("0-5"));
    let digest = Digest::of(b"abcdefgh");
    let done = Ask::new("PUT", &format!("{place}?digest={digest}")).header("content-range", "6-7").body("gh");
    assert_eq!(done.send(&FORMAT, &repo).await.status, 201);
    assert_eq!(ask(&repo, "GET", &format!("app/blobs/{digest}")).await.text(), "abcdefgh");
}

#[tokio::test]
async fn chunk_ranges_that_lie_are_refused() {
    let repo = repo();
    let place = open(&repo).await;
    for range in ["x", "3", "5-2", "0-9", "0-18446744073709551615", "-1-3"] {
        let ask = Ask::new("PATCH", &place).header("content-range", range).header("content-length", "4").body("abcd");
        let answer = ask.send(&FORMAT, &repo).await;
        assert_eq!((answer.status, error_code(&answer).as_str()), (400, "BLOB_UPLOAD_INVALID"), "{range}");
    }
    assert_eq!(ask(&repo, "GET", &place).await.header("range"), Some("0-0"));
}

#[tokio::test]
async fn an_upload_can_be_cancelled() {
    let repo = repo();
    let place = open(&repo).await;
    assert_eq!(ask(&repo, "DELETE", &place).await.status, 204);
    assert_eq!(error_code(&ask(&repo, "GET", &place).await), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(repo.sessions(), 0);
}

#[tokio::test]
async fn a_blob_is_mounted_or_else_pushed() {
    let world = World::default();
    let (main, other) = (world.repository("main", &FORMAT), world.repository("other", &FORMAT));
    push_image(&other, "base/os", "1", "x").await;
    let digest = Digest::of(b"base layer");
    let mounted = ask(&main, "POST", &format!("app/blobs/uploads/?mount={digest}&from=other%2Fbase%2Fos")).await;
    assert_eq!((mounted.status, mounted.header("docker-content-digest")), (201, Some(digest.as_str())));
    assert_eq!(ask(&main, "GET", &format!("app/blobs/{digest}")).await.text(), "base layer");
    for from in ["from=other/nothing", "from=single"] {
        let answer = ask(&main, "POST", &format!("new/blobs/uploads/?mount={digest}&{from}")).await;
        assert_eq!(answer.status, 202, "{from}");
    }
    // Nobody needs to know where it is, as long as it is somewhere.
    let found = ask(&main, "POST", &format!("new/blobs/uploads/?mount={digest}")).await;
    assert_eq!((found.status, found.header("docker-content-digest")), (201, Some(digest.as_str())));
    let nowhere = Digest::of(b"nowhere");
    assert_eq!(ask(&main, "POST", &format!("new/blobs/uploads/?mount={nowhere}")).await.status, 202);
}

#[tokio::test]
async fn only_blobs_that_no_image_needs_are_deleted() {
    let repo = repo();
    push_image(&repo, "app", "1", "x").await;
    push_blob(&repo, "app", b"loose").await;
    let loose = format!("app/blobs/{}", Digest::of(b"loose"));
    assert_eq!(ask(&repo, "DELETE", &loose).await.status, 202);
    assert_eq!(error_code(&ask(&repo, "DELETE", &loose).await), "BLOB_UNKNOWN");
    let needed = ask(&repo, "DELETE", &format!("app/blobs/{}", Digest::of(b"base layer"))).await;
    assert_eq!((needed.status, error_code(&needed).as_str()), (405, "UNSUPPORTED"));
}

#[tokio::test]
async fn a_reader_sees_no_staged_bytes_and_cannot_push() {
    let mut repo = repo();
    push_blob(&repo, "app", b"loose").await;
    repo.may_write = false;
    assert_eq!(ask(&repo, "GET", &format!("app/blobs/{}", Digest::of(b"loose"))).await.status, 404);
    let denied = ask(&repo, "POST", "app/blobs/uploads/").await;
    assert_eq!((denied.status, error_code(&denied).as_str()), (403, "DENIED"));
}
