//! The overview, and the pages of one repository.

use super::{
    super::{
        dashboard,
        frame::Frame,
        packages::{Found, List, Wanted},
        repository::{self, Guide},
    },
    formats, found, read, rendered, request, signed_in, world,
};

#[test]
fn the_overview_counts_and_warns() {
    let frame = Frame::of(&signed_in("/"), "Overview", "dashboard");
    let page = dashboard::view(
        frame,
        vec![(world::summary(), world::holding())],
        vec![],
        Some(world::events()),
        Some(world::system()),
    );
    let html = rendered(&page);
    insta::assert_snapshot!("overview", read(&html));
    assert!(
        html.contains(
            "<title id=\"bars-title\">5 findings by severity: 1 critical, 2 high, 0 medium, 2 low, 0 unknown"
        )
    );
    assert!(html.contains("href=\"/ui/repositories/main?state=quarantined\""));
}

#[test]
fn the_overview_of_a_new_server_says_what_to_do() {
    let mut system = world::system();
    system.advisories.clear();
    let page = dashboard::view(Frame::of(&signed_in("/"), "Overview", "dashboard"), vec![], vec![], None, Some(system));
    let text = read(&rendered(&page));
    assert!(text.contains("No advisories yet") && text.contains("No repository that this token may read"), "{text}");
}

#[test]
fn a_repository_tells_clients_where_it_is() {
    let guide =
        Guide::fill("Images", &[("copy", "copy docker://{host}/{repository}/x {url}/v2")], "https://a.test", "main");
    let list = List::new("/ui/repositories/main", &Wanted::default(), found(vec![world::row(7)]), None, formats());
    let frame = Frame::of(&signed_in("/repositories/main"), "Repository main", "repositories");
    let html = rendered(&repository::view(frame, world::gathered(), list, vec![guide]));
    assert!(html.contains("copy docker://a.test/main/x https://a.test/v2"));
    insta::assert_snapshot!("repository", read(&html));
}

#[test]
fn what_needs_care_comes_first_on_the_overview() {
    let mut gathered = world::gathered();
    let set = &mut gathered.summary.repository.settings;
    (set.quota_bytes, set.quota_packages) = (1 << 20, 0);
    let line = |row| repository::UpstreamLine::of(row, gathered.now);
    let ill = gathered.upstreams.into_iter().flatten().map(line).filter(|line| line.ill);
    let ill = ill.map(|line| dashboard::Ill { repository: "main".into(), line }).collect();
    let frame = Frame::of(&signed_in("/"), "Overview", "dashboard");
    let page = dashboard::view(frame, vec![(gathered.summary, world::holding())], ill, None, None);
    let text = read(&rendered(&page));
    for part in [
        "Upstream corp of main (pypi) is paused until 2026-11-22 02:03:34 UTC: the connection was refused",
        "Repository main is nearly full: 900.0 KiB of 1.0 MiB, 87 %",
        "87 % of the quota",
        "12 downloads of all these packages",
    ] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    assert!(text.find("To look at") < text.find("Repositories"));
}

#[test]
fn a_composed_repository_names_its_members() {
    let mut gathered = world::gathered();
    let set = &mut gathered.summary.repository.settings;
    (set.members, set.push_to) = (vec!["team".into(), "secret".into()], "team".into());
    (gathered.upstreams, gathered.permission) = (None, assay_model::access::Permission::Read);
    let list =
        List::new("/ui/repositories/all", &Wanted::default(), Found::default(), Some(&["team".into()]), formats());
    let html = rendered(&repository::view(Frame::of(&request("/"), "x", "repositories"), gathered, list, vec![]));
    let text = read(&html);
    assert!(text.contains("team takes what is published") && html.contains("href=\"/ui/repositories/team\""));
    assert!(text.contains("secret (this token may not read it)") && !html.contains("href=\"/ui/repositories/secret"));
    assert!(!text.contains("Upstreams") && !text.contains("assay trash restore"), "for who may change it: {text}");
}

#[test]
fn the_preview_of_retention_says_what_and_why() {
    let frame = || Frame::of(&signed_in("/"), "Retention in main", "repositories");
    let page = repository::PreviewPage::of(frame(), "main", vec![world::doomed()], true);
    insta::assert_snapshot!("retention", read(&rendered(&page)));
    let none = repository::PreviewPage::of(frame(), "main", vec![], false);
    let text = read(&rendered(&none));
    assert!(text.contains("no package has passed a limit") && !text.contains("assay retention run"), "{text}");
}
