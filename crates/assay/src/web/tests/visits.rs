//! Visits to the pages of a real engine over an empty data directory: who sees what, and how one signs in.

use super::{
    super::{WebReply, WebRequest, handle},
    request,
};
use crate::{
    config::{Config, Flags},
    wiring,
};
use assay_engine::Engine;
use assay_model::{
    access::{Caller, Permission},
    repository::Settings,
};
use http::Method;
use std::sync::Arc;

struct World {
    engine: Arc<Engine>,
    _data: tempfile::TempDir,
}

impl World {
    /// Repositories `open` (anyone may read) and `closed`.
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let flags = Flags { data: Some(data.path().to_owned()), ..Flags::default() };
        let engine = wiring::engine(&Config::load(&flags).unwrap()).await.unwrap();
        let open = Settings { anonymous_read: true, ..Settings::default() };
        engine.create_repository(&Caller::System, "open", open).await.unwrap();
        engine.create_repository(&Caller::System, "closed", Settings::default()).await.unwrap();
        Self { engine, _data: data }
    }

    async fn token(&self, permission: Permission, repositories: &[&str]) -> (Caller, String) {
        let places = repositories.iter().map(|r| (*r).to_owned()).collect();
        let issued = self.engine.issue_token(&Caller::System, "t", permission, places, None).await.unwrap();
        (self.engine.identify(&issued.secret).await.unwrap(), issued.secret)
    }

    async fn visit(&self, caller: &Caller, address: &str) -> WebReply {
        let (path, query) = address.split_once('?').map_or((address, None), |(p, q)| (p, Some(q.to_owned())));
        handle(&self.engine, WebRequest { caller: caller.clone(), query, ..request(path) }).await
    }

    async fn send(&self, path: &str, form: &str, origin: &'static str) -> WebReply {
        let mut sent = WebRequest { method: Method::POST, body: form.to_owned().into(), ..request(path) };
        sent.headers.insert("origin", http::HeaderValue::from_static(origin));
        handle(&self.engine, sent).await
    }
}

fn header<'a>(reply: &'a WebReply, name: &str) -> Option<&'a str> {
    reply.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
}

fn text(reply: &WebReply) -> String {
    String::from_utf8(reply.body.to_vec()).unwrap()
}

#[tokio::test]
async fn everyone_sees_what_they_may_and_no_more() {
    let world = World::new().await;
    let anonymous = Caller::Anonymous;
    let front = world.visit(&anonymous, "/").await;
    assert_eq!(front.status, 200);
    assert!(text(&front).contains("/ui/repositories/open") && !text(&front).contains("closed"));
    assert!(!text(&front).contains("Jobs"), "the state of the server is not for everyone");
    for page in ["/repositories/open", "/repositories/open/retention"] {
        let reply = world.visit(&anonymous, page).await;
        assert_eq!(reply.status, 200, "{page}");
        super::sound(&text(&reply));
        assert!(!text(&reply).contains("id=\"upstreams\""), "upstreams are for administrators");
    }
    for hidden in [
        "/repositories/closed",
        "/repositories/closed/retention",
        "/repositories/none",
        "/packages/1",
        "/policies",
        "/library",
        "/vex",
        "/vex/1",
        "/channels",
        "/log",
        "/log/verify",
    ] {
        let reply = world.visit(&anonymous, hidden).await;
        assert_eq!(reply.status, 303, "{hidden}");
        assert!(header(&reply, "location").unwrap().starts_with("/ui/login?next=%2Fui%2F"), "{hidden}");
    }

    let (reader, _) = world.token(Permission::Read, &["closed"]).await;
    assert_eq!(world.visit(&reader, "/repositories/closed").await.status, 200);
    assert_eq!(world.visit(&reader, "/policies").await.status, 403);
    assert_eq!(world.visit(&reader, "/log").await.status, 403);
    assert_eq!(world.visit(&reader, "/packages?repository=none").await.status, 404);
    assert_eq!(world.visit(&reader, "/packages?state=odd").await.status, 400);
    for page in ["/packages", "/repositories/closed"] {
        let bad = world.visit(&reader, &format!("{page}?q=nothing:x")).await;
        assert_eq!((bad.status, text(&bad).contains("there is no field `nothing`")), (400, true), "{page}");
        let good = world.visit(&reader, &format!("{page}?q=severity%3Ahigh+NOT+%28a+OR+b%29")).await;
        assert_eq!(good.status, 200, "{page}");
    }

    let (admin, _) = world.token(Permission::Admin, &[]).await;
    let vex = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://vex.example/1", "author": "Example",
        "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [{"vulnerability": {"name": "CVE-2026-1"},
        "products": [{"@id": "pkg:oci/app", "subcomponents": [{"@id": "pkg:apk/alpine/curl"}]}], "status": "fixed"}]}"#;
    world.engine.add_vex(&admin, "one", vex.as_bytes()).await.unwrap();
    for open in [
        "/",
        "/repositories/open",
        "/packages",
        "/packages?repository=closed&q=x",
        "/policies",
        "/library",
        "/waivers",
        "/vex",
        "/vex?vulnerability=CVE-2026-1",
        "/vex/1",
        "/channels",
        "/log",
        "/log?subject=open",
        "/log?before=2",
    ] {
        let reply = world.visit(&admin, open).await;
        assert_eq!(reply.status, 200, "{open}");
        super::sound(&text(&reply));
    }
    assert!(text(&world.visit(&admin, "/log/verify").await).contains("<strong>Whole.</strong>"));
    assert_eq!(world.visit(&admin, "/packages/1").await.status, 404);
    assert_eq!(world.visit(&admin, "/decisions/none").await.status, 404);
    assert_eq!(world.visit(&admin, "/policies/none").await.status, 404);
    for missing in ["/vex/2", "/vex/none", "/waivers/W1"] {
        assert_eq!(world.visit(&admin, missing).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn signing_in_takes_a_good_token_from_this_site() {
    let world = World::new().await;
    let (_, secret) = world.token(Permission::Read, &[]).await;
    let here = "http://assay.test:8080";
    let good = world.send("/login", &format!("token={secret}&next=/ui/packages"), here).await;
    assert_eq!((good.status, header(&good, "location")), (303, Some("/ui/packages")));
    assert!(header(&good, "set-cookie").unwrap().starts_with(&format!("assay_session={secret}; ")));
    let away = world.send("/login", &format!("token={secret}&next=https://elsewhere.example/"), here).await;
    assert_eq!(header(&away, "location"), Some("/ui/"));
    for (form, status) in [("token=assay_0_0", 401), ("token=", 400), ("token=a%3Bb", 400)] {
        let bad = world.send("/login", form, here).await;
        assert_eq!((bad.status, header(&bad, "set-cookie")), (status, None), "{form}");
        assert!(text(&bad).contains("role=\"alert\"") && !text(&bad).contains("assay_0_0"));
    }
    let foreign = world.send("/login", &format!("token={secret}"), "http://elsewhere.example").await;
    assert_eq!((foreign.status, header(&foreign, "set-cookie")), (403, None));
    assert_eq!(world.send("/logout", "", "http://elsewhere.example").await.status, 403);
    assert_eq!(world.send("/logout", "", here).await.status, 303);
    assert_eq!(world.send("/packages", "", here).await.status, 404);
    let put = handle(&world.engine, WebRequest { method: Method::PUT, ..request("/") }).await;
    assert_eq!((put.status, header(&put, "allow")), (405, Some("GET, HEAD, POST")));
}
