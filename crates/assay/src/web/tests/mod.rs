//! Every page, rendered from constructed data: what a person reads (snapshots), and that each page is sound HTML that a
//! keyboard and a screen reader can use. [`world`] makes the data, [`sound`] reads the pages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod feeds;
mod repositories;
mod sound;
mod visits;
mod world;

use super::{
    WebRequest, assets,
    frame::Frame,
    log, package,
    packages::{self, Found, List, Wanted},
    policies, reply, session,
};
use askama::Template;
use assay_model::{access::Caller, package::State, problem::Problem};
use bytes::Bytes;
use http::{HeaderMap, Method};
use sound::{read, sound};

/// A request without credentials for a page.
pub(super) fn request(path: &str) -> WebRequest {
    WebRequest {
        method: Method::GET,
        path: path.to_owned(),
        query: None,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        caller: Caller::Anonymous,
        base_url: "http://assay.test:8080".to_owned(),
    }
}

fn signed_in(path: &str) -> WebRequest {
    WebRequest { caller: world::admin(), ..request(path) }
}

fn rendered(page: &impl Template) -> String {
    let html = page.render().unwrap();
    sound(&html);
    html
}

fn found(rows: Vec<assay_engine::PackageRow>) -> Found {
    Found { rows, wrong: None }
}

fn formats() -> packages::Formats {
    vec![("pypi".into(), "Python packages".into()), ("oci".into(), "Container images".into())]
}

#[test]
fn a_list_can_be_filtered_and_turned() {
    let wanted = Wanted { text: Some("req".into()), state: Some(State::Quarantined), ..Wanted::default() };
    let rows = found((0..51).map(|n| world::row(100 - n)).collect());
    let names = ["main".to_owned(), "team".to_owned()];
    let list = List::new("/ui/packages", &wanted, rows, Some(&names), formats());
    let html = rendered(&packages::view(Frame::of(&signed_in("/packages"), "Packages", "packages"), list));
    assert_eq!(html.matches("<th scope=\"row\"").count(), 50);
    assert!(html.contains("href=\"/ui/packages?state=quarantined&#38;q=req&#38;before=51\" rel=\"next\""), "{html}");
    assert!(html.contains("<option value=\"quarantined\" selected>") && html.contains("value=\"req\""));
    assert!(!html.contains("data-refresh"));
}

#[test]
fn a_list_with_pending_packages_follows_them() {
    let mut row = world::row(1);
    row.package.state = State::Pending;
    let list = List::new("/ui/packages", &Wanted::default(), found(vec![row]), Some(&[]), formats());
    let html = rendered(&packages::view(Frame::of(&signed_in("/packages"), "Packages", "packages"), list));
    assert!(html.contains("data-refresh=\"3\"") && html.contains("<noscript><meta http-equiv=\"refresh\""));
}

#[test]
fn a_search_that_cannot_be_read_says_where_and_keeps_its_text() {
    let wanted = Wanted { text: Some("severity:dreadful \"x".into()), ..Wanted::default() };
    let problem = wanted.query(jiff::Timestamp::UNIX_EPOCH).unwrap_err();
    let found = Found { rows: vec![], wrong: Some(problem.message) };
    assert_eq!(found.status(), 400);
    let list = List::new("/ui/packages", &wanted, found, Some(&[]), formats());
    let html = rendered(&packages::view(Frame::of(&signed_in("/packages"), "Packages", "packages"), list));
    assert!(html.contains("value=\"severity:dreadful &#34;x\"") && html.contains("aria-invalid=\"true\""), "{html}");
    assert!(html.contains("aria-describedby=\"q-help q-wrong\"") && html.contains("id=\"q-wrong\""));
    let text = read(&html);
    assert!(text.contains("the query cannot be read at character") && !text.contains("No package"), "{text}");
}

#[test]
fn the_examples_of_the_search_are_searches() {
    let list = List::new("/ui/packages", &Wanted::default(), Found::default(), Some(&[]), formats());
    let html = rendered(&packages::view(Frame::of(&signed_in("/packages"), "Packages", "packages"), list));
    let links: Vec<&str> =
        html.split("<li><a href=\"/ui/packages?").skip(1).filter_map(|l| l.split('"').next()).collect();
    assert!(links.len() > 4, "{html}");
    for link in links {
        let wanted = Wanted::parse(Some(link)).unwrap();
        assert!(wanted.query(jiff::Timestamp::UNIX_EPOCH).unwrap().is_some(), "{link}");
    }
}

#[test]
fn an_unknown_state_is_an_error_not_a_longer_list() {
    assert!(Wanted::parse(Some("state=good")).is_err());
    assert!(Wanted::parse(Some("before=x")).is_err());
    assert_eq!(Wanted::parse(Some("state=Pending&q=+")).unwrap().state, Some(State::Pending));
}

#[test]
fn who_may_change_a_package_is_told_how() {
    let page = |may_write, state| {
        let mut detail = world::detail();
        detail.row.package.state = state;
        let around = package::Around { may_write, ..world::around() };
        read(&rendered(&package::view(Frame::of(&signed_in("/packages/7"), "x", "packages"), detail, around)))
    };
    let commands = ["assay promote 7 release", "assay delete 7", "assay trash restore 7"];
    let shown = |text: &str| commands.map(|command| text.contains(command));
    assert_eq!(shown(&page(true, State::Available)), [true, true, false]);
    assert_eq!(shown(&page(true, State::Deleted)), [false, false, true]);
    assert_eq!(shown(&page(false, State::Available)), [false; 3]);
}

#[test]
fn days_without_downloads_stand_in_the_chart_too() {
    let frame = || Frame::of(&signed_in("/packages/7"), "x", "packages");
    let html = rendered(&package::view(frame(), world::detail(), world::around()));
    assert_eq!((html.matches("class=\"chart-bar\"").count(), html.matches("class=\"chart-none\"").count()), (2, 28));
    assert!(html.contains("x=\"290\" y=\"0\" width=\"8\" height=\"100\""), "the fullest day is as high as the chart");
    assert!(html.contains("x=\"0\" y=\"75\" width=\"8\" height=\"25\""), "29 days ago");
    let mut never = world::detail();
    never.pulls = assay_engine::Pulls::default();
    assert!(!rendered(&package::view(frame(), never, world::around())).contains("chart"));
}

#[test]
fn a_refused_package_explains_itself() {
    let frame = Frame::of(&signed_in("/packages/7"), "requests 2.6.0", "packages");
    let html = rendered(&package::view(frame, world::detail(), world::around()));
    insta::assert_snapshot!("package", read(&html));
    assert!(html.contains("href=\"#decision-0192-d1\"") && html.contains("id=\"decision-0192-d1\" open"));
    assert!(html.contains("/ui/packages/find?what=main%2Fpypi%2Frequests%402.20.0"));
    assert!(html.contains("href=\"/api/v1/packages/7/sbom\""));
}

#[test]
fn long_tables_have_a_page_of_their_own() {
    let mut detail = world::detail();
    let one = detail.findings[0].clone();
    detail.findings = vec![one; 60];
    let frame = || Frame::of(&signed_in("/packages/7"), "requests 2.6.0", "packages");
    let whole = rendered(&package::view(frame(), detail.clone(), world::around()));
    assert!(whole.contains("The worst 50 of 60") && whole.contains("href=\"/ui/packages/7/findings\""));
    let all = rendered(&package::part_view(frame(), detail.clone(), package::Part::Findings));
    assert_eq!(all.matches("CVE-2018-18074").count(), 60);
    let inventory = rendered(&package::part_view(frame(), detail, package::Part::Inventory));
    assert!(inventory.contains("Inventory of requests 2.6.0") && inventory.contains("pkg:pypi/requests@2.6.0"));
}

#[test]
fn what_is_inside_is_told_section_by_section() {
    let frame = || Frame::of(&signed_in("/packages/7"), "requests 2.6.0", "packages");
    let mut detail = world::detail();
    detail.findings = world::other_findings();
    let html = rendered(&package::view(frame(), detail.clone(), world::around()));
    let text = read(&html);
    for part in [
        "Example key | example-key | high | requests/.env, lines 3 to 4 | 2d711642b726 | KEY=********",
        "AGPL-3.0-only | forbidden | header, 90 % sure | vendor/x.c",
        "Apache-2.0 | notice | declared by 1 component | requests",
        "Incomplete: 1 thing not read.",
        "a/b.zip | encrypted | the entry has a password",
        "wheel | 1 | 1",
        "chardet indirect development only vendored copy",
        "Brought by urllib3 1.0",
        "A copy inside pkg:pypi/requests@2.6.0",
        "MAL-2026-1 malware",
        "nothing to fix: not to be used",
        "EOL-demo end of life",
        "will not be fixed",
        "fix deferred",
        "under investigation",
    ] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    assert!(text.find("AGPL-3.0-only") < text.find("Apache-2.0 | notice"), "the strictest comes first");
    for (id, count) in [("secrets", 1), ("licenses", 3)] {
        assert!(html.contains(&format!("<a href=\"#{id}\">")) && html.contains(&format!("({count})</a>")), "{id}");
    }
    detail.inventory = assay_model::inventory::Inventory { files_seen: 2, ..Default::default() };
    let empty = read(&rendered(&package::view(frame(), detail.clone(), world::around())));
    assert!(empty.contains("No file in it names components") && empty.contains("None were found in what was read"));
    detail.inventoried = false;
    let early = read(&rendered(&package::view(frame(), detail, world::around())));
    assert!(
        early.contains("Not every file was looked into yet") && !early.contains("None were found in what was read")
    );
}

#[test]
fn foreign_text_stays_text() {
    let evil = "<script>alert(1)</script>\"'";
    let mut detail = world::detail();
    detail.row.display = evil.into();
    detail.row.package.at.name = evil.into();
    detail.row.package.tags.insert(evil.into());
    detail.row.references = vec![evil.into()];
    detail.files[0].path = evil.into();
    detail.findings[0].finding.title = evil.into();
    detail.inventory.components[0].path = evil.into();
    detail.inventory.components[0].licenses = vec![evil.into()];
    let inventory = &mut detail.inventory;
    inventory.components[1].component.name = evil.into();
    inventory.components[2].vendored_in = Some(evil.into());
    (inventory.secrets[0].path, inventory.secrets[0].matched) = (evil.into(), evil.into());
    (inventory.secrets[0].title, inventory.secrets[0].layer) = (evil.into(), Some(evil.into()));
    (inventory.licenses[0].path, inventory.licenses[1].expression) = (evil.into(), evil.into());
    (inventory.read[0].path, inventory.skipped[0].detail) = (evil.into(), evil.into());
    detail.decisions[0].trigger = evil.into();
    detail.decisions[0].verdicts[0].reasons = vec![evil.into()];
    detail.events[0].body = serde_json::json!({ "x": evil });
    detail.events[1].body = serde_json::json!({ "to": evil, "why": evil, "references": [evil] });
    detail.events[1].kind = "package.promotion-refused".into();
    detail.row.package.origin = Some(evil.into());
    detail.pulls.callers.insert(evil.into(), 1);
    let mut around = world::around();
    around.names[1].name = evil.into();
    let html = rendered(&package::view(Frame::of(&signed_in("/packages/7"), evil, "packages"), detail, around));
    assert!(!html.contains("<script>alert") && html.contains("&#60;script&#62;alert"));
    let mut policy = world::policy();
    policy.rego = format!("# {evil}");
    policy.name = evil.into();
    let page = policies::PolicyPage {
        frame: Frame::of(&signed_in("/policies/x"), evil, "policies"),
        policy: policies::PolicyView::of(policy, &std::collections::BTreeMap::new()),
    };
    assert!(!rendered(&page).contains("<script>alert"));
}

#[test]
fn policies_say_what_they_do() {
    let frame = || Frame::of(&signed_in("/policies"), "Policies", "policies");
    let view = || policies::PolicyView::of(world::policy(), &[(world::policy().slug, 3)].into());
    let list = rendered(&policies::PoliciesPage { frame: frame(), policies: vec![view()] });
    insta::assert_snapshot!("policies", read(&list));
    insta::assert_snapshot!("policy", read(&rendered(&policies::PolicyPage { frame: frame(), policy: view() })));
    let none = policies::PoliciesPage { frame: frame(), policies: vec![] };
    assert!(read(&rendered(&none)).contains("No policies"));
}

#[test]
fn the_log_links_subjects_and_pages() {
    let frame = || Frame::of(&signed_in("/log"), "Log", "log");
    let html = rendered(&log::view(frame(), None, None, world::events()));
    assert!(html.contains("/ui/packages/find?what=main%2Fpypi%2Frequests%402.6.0"));
    assert!(html.contains("/ui/log?subject=max-cvss"));
    insta::assert_snapshot!("log", read(&html));
    let many = (1..=101).rev().map(world::event).collect();
    let html = rendered(&log::view(frame(), Some("max-cvss".into()), Some(102), many));
    assert!(html.contains("href=\"/ui/log?subject=max-cvss&#38;before=2\" rel=\"next\""), "{html}");
    assert!(html.contains("href=\"/ui/log?subject=max-cvss\">Newest"));
}

#[test]
fn a_broken_log_is_said_aloud() {
    let frame = || Frame::of(&signed_in("/log/verify"), "Check of the log", "log");
    let check =
        assay_engine::LogCheck { entries: 4, head: "sha256:00".into(), broken: Some((5, "entry 5 is missing".into())) };
    let broken = rendered(&log::VerifyPage { frame: frame(), check: check.clone() });
    assert!(broken.contains("role=\"alert\"") && read(&broken).contains("Broken at entry 5: entry 5 is missing"));
    let whole = rendered(&log::VerifyPage { frame: frame(), check: assay_engine::LogCheck { broken: None, ..check } });
    assert!(read(&whole).contains("All 4 entries are as they were written"));
}

#[test]
fn problems_are_pages_and_keep_secrets() {
    let missing = super::failed(&signed_in("/packages/9"), &Problem::not_found("there is no package 9"));
    assert_eq!(missing.status, 404);
    let html = String::from_utf8(missing.body.to_vec()).unwrap();
    sound(&html);
    assert!(read(&html).contains("there is no package 9"));
    let inside = reply::problem(&signed_in("/"), &Problem::internal("password=hunter2", "cause"));
    assert_eq!(inside.status, 500);
    assert!(!String::from_utf8(inside.body.to_vec()).unwrap().contains("hunter2"));
    for reply in [&missing.headers, &inside.headers] {
        let value = |name: &str| reply.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        assert!(value("content-security-policy").unwrap().starts_with("default-src 'self'"));
        assert_eq!(value("cache-control"), Some("no-store"));
    }
}

#[test]
fn without_a_token_hidden_and_missing_look_the_same() {
    let ask = |problem| {
        let mut request = request("/packages/9");
        request.query = Some("a=b".into());
        let reply = super::failed(&request, &problem);
        (reply.status, reply.headers.into_iter().find(|(n, _)| *n == "location").unwrap().1)
    };
    let there = (303, "/ui/login?next=%2Fui%2Fpackages%2F9%3Fa%3Db".to_owned());
    assert_eq!(ask(Problem::not_found("x")), there);
    assert_eq!(ask(Caller::Anonymous.require_everywhere(assay_model::access::Permission::Read).unwrap_err()), there);
    assert_eq!(super::failed(&request("/nowhere"), &Problem::not_found("x")).status, 404);
}

#[test]
fn the_form_to_sign_in_works_without_script() {
    let reply = session::form(&WebRequest { query: Some("next=/ui/log".into()), ..request("/login") }).unwrap();
    let html = String::from_utf8(reply.body.to_vec()).unwrap();
    sound(&html);
    assert!(html.contains("name=\"next\" value=\"/ui/log\"") && html.contains("method=\"post\""));
    let gone = session::sign_out(&request("/logout"));
    assert!(gone.headers.iter().any(|(n, v)| *n == "set-cookie" && v.contains("Max-Age=0")));
}

#[test]
fn files_are_kept_by_browsers() {
    let name = assets::ALL.style.href.strip_prefix("/ui/static/").unwrap();
    let mut ask = request("/static/x");
    let fresh = assets::serve(&ask, name);
    let header = |name: &str| fresh.headers.iter().find(|(n, _)| *n == name).unwrap().1.clone();
    assert_eq!((fresh.status, header("content-type").as_str()), (200, "text/css; charset=utf-8"));
    assert!(header("cache-control").contains("immutable") && !fresh.body.is_empty());
    ask.headers.insert("if-none-match", header("etag").parse().unwrap());
    let known = assets::serve(&ask, name);
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(assets::serve(&ask, "assay-0000000000000000.css").status, 404);
}
