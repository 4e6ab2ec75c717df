//! Another chart repository: what is made of its index.

use super::{super::upstream::REMOTE, chart, provenance};
use crate::kit::testing::FakeOrigin;
use assay_model::seam::upstream::{Remote, RemoteVersion};
use std::io::Cursor;

const INDEX: &str = r#"apiVersion: v1
entries:
  web:
  - apiVersion: v2
    name: web
    version: 1.1.0
    appVersion: "2.0"
    created: 2025-03-04T05:06:07.123456789+01:00
    digest: AF2BDBE1AA9B6EC1E2ADE1D694F41FC71A831D0268E9891562113D8A62ADD1BF
    urls: [ 'web-1.1.0.tgz' ]
    keywords: [a]
  - {name: web, version: 1.1.0, urls: ['again.tgz']}
  - {name: web, version: 1.0, urls: ['https://files.example/d/web-one.tgz?x=1'], digest: 'sha256:nonsense'}
  - {name: web, version: 0.9.0, urls: ['oci://registry.example/web:0.9.0']}
  - {name: web, version: 0.8.0, urls: []}
  - {name: web, version: 0.7.0}
  - {name: web, version: newest, urls: ['n.tgz']}
  - {name: web, version: 0.6.0, urls: ['r.tgz'], removed: true}
  - {name: other, version: 0.5.0, urls: ['o.tgz']}
  - nonsense
  "../bad":
  - {name: "../bad", version: 1.0.0, urls: ['b.tgz']}
  empty:
  api:
  - {name: api, version: 3.0.0, urls: ['../elsewhere/api-3.0.0.tgz']}
generated: 2025-03-04T05:06:07Z
"#;

fn origin(base: &str, index: &str) -> FakeOrigin {
    FakeOrigin::new(base).with("index.yaml", "text/yaml", index)
}

async fn versions(origin: &FakeOrigin, name: &str) -> Vec<RemoteVersion> {
    REMOTE.index(origin, name).await.unwrap().unwrap().versions
}

#[tokio::test]
async fn an_index_becomes_charts_with_digests_times_and_addresses() {
    let origin = origin("https://registry.example/charts/stable", INDEX);
    assert_eq!(REMOTE.names(&origin).await.unwrap().unwrap(), ["api", "empty", "web"]);
    let web = versions(&origin, "web").await;
    assert_eq!(web.iter().map(|v| v.version.as_str()).collect::<Vec<_>>(), ["1.1.0", "1.0"]);
    assert_eq!(web[0].published_at, Some("2025-03-04T04:06:07.123456789Z".parse().unwrap()));
    let file = &web[0].files[0];
    assert_eq!(file.address, "https://registry.example/charts/stable/web-1.1.0.tgz");
    assert!(file.digest.as_ref().unwrap().hex().starts_with("af2bdbe1"));
    assert_eq!((&web[0].metadata["appVersion"], &web[0].metadata["keywords"][0]), (&"2.0".into(), &"a".into()));
    assert!(web[0].metadata.get("urls").is_none() && web[0].metadata.get("digest").is_none());
    let odd = &web[1].files[0];
    assert_eq!((odd.path.as_str(), &odd.digest), ("web-1.0.tgz", &None));
    assert_eq!(odd.address, "https://files.example/d/web-one.tgz?x=1");
    let api = versions(&origin, "api").await;
    assert_eq!(api[0].files[0].address, "https://registry.example/charts/elsewhere/api-3.0.0.tgz");
    assert_eq!(REMOTE.index(&origin, "none").await.unwrap(), None);
    let (version, signature) = REMOTE.locate(&origin, "web", "web-1.1.0.tgz.prov").await.unwrap().unwrap();
    assert_eq!(version.version, "1.1.0");
    assert_eq!(signature.address, "https://registry.example/charts/stable/web-1.1.0.tgz.prov");
    assert_eq!(REMOTE.locate(&origin, "web", "web-9.tgz").await.unwrap(), None);
}

#[tokio::test]
async fn a_new_index_takes_the_place_of_the_old_and_json_is_read_too() {
    let base = "https://registry.example/charts/changing";
    let json =
        |version: &str| format!(r#"{{"entries":{{"a":[{{"name":"a","version":"{version}","urls":["a.tgz"]}}]}}}}"#);
    for version in ["1.0.0", "2.0.0", "1.0.0"] {
        assert_eq!(versions(&origin(base, &json(version)), "a").await[0].version, version);
    }
    let nothing = FakeOrigin::new("https://registry.example/charts/none");
    assert_eq!(REMOTE.names(&nothing).await.unwrap(), None);
    for broken in ["<html>", "entries: [1", "{", "\u{0}"] {
        let origin = origin("https://registry.example/charts/broken", broken);
        let problem = REMOTE.names(&origin).await.unwrap_err();
        assert_eq!(problem.code, "bad-upstream", "{broken}");
    }
}

#[tokio::test]
async fn a_large_index_is_read_in_time() {
    let mut text = String::from("apiVersion: v1\nentries:\n");
    for chart in 0..200 {
        text.push_str(&format!("  chart-{chart}:\n"));
        for version in 0..50 {
            text.push_str(&format!(
                "  - apiVersion: v2\n    name: chart-{chart}\n    version: 1.{version}.0\n    description: some words\n    \
                 created: '2025-03-04T05:06:07Z'\n    maintainers:\n    - {{name: a, email: b}}\n    urls:\n    - c.tgz\n"
            ));
        }
    }
    let origin = origin("https://registry.example/charts/large", &text);
    let start = std::time::Instant::now();
    for chart in 0..200 {
        assert_eq!(versions(&origin, &format!("chart-{chart}")).await.len(), 50);
    }
    assert!(start.elapsed().as_secs() < 20, "{:?} for {} bytes", start.elapsed(), text.len());
}

#[test]
fn what_is_fetched_is_checked_like_an_upload() {
    let version = |version: &str, path: &str| {
        let file =
            assay_model::seam::upstream::RemoteFile { path: path.to_owned(), ..super::super::upstream::remote_file() };
        let version = RemoteVersion {
            version: version.to_owned(),
            metadata: serde_json::json!({ "name": "web" }),
            published_at: None,
            files: vec![file.clone()],
            whole: false,
        };
        (version, file)
    };
    let inspect = |of: &str, path: &str, bytes: Vec<u8>| {
        let (version, file) = version(of, path);
        let mut claim = version.claim("web", &[]);
        REMOTE.inspect(&mut claim, &file, &mut Cursor::new(bytes)).map(|()| claim)
    };
    let claim = inspect("1.0.0", "web-1.0.0.tgz", chart("web", "1.0.0")).unwrap();
    assert_eq!(claim.metadata["keywords"][0], "web");
    assert!(inspect("v1.0.0", "web-v1.0.0.tgz", chart("web", "1.0.0")).is_ok(), "one version, spelled otherwise");
    for (bytes, code) in
        [(chart("web", "1.0.1"), "chart-mismatch"), (chart("wob", "1.0.0"), "chart-mismatch"), (vec![], "bad-chart")]
    {
        assert_eq!(inspect("1.0.0", "web-1.0.0.tgz", bytes).unwrap_err().code, code);
    }
    let signed = provenance("web-1.0.0.tgz", b"x");
    assert!(inspect("1.0.0", "web-1.0.0.tgz.prov", signed.into_bytes()).is_ok());
    assert!(inspect("1.0.0", "web-1.0.0.tgz.prov", b"<html>".to_vec()).is_err());
}
