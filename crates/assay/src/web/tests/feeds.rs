//! The page of sources.

use super::{super::feeds, rendered, signed_in};
use crate::web::frame::Frame;
use assay_engine::SourceHealth;
use jiff::Timestamp;

fn health(source: &'static str) -> SourceHealth {
    SourceHealth {
        source,
        summary: "Things that are known, JSON",
        data_license: "CC0-1.0",
        every_seconds: 6 * 3600,
        records: 12,
        synced_at: None,
        age_seconds: None,
        attempted_at: None,
        next_at: None,
        failures: 0,
        error: None,
        stale: false,
    }
}

#[test]
fn each_source_says_how_it_stands() {
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let now: Timestamp = "2026-02-01T12:00:00Z".parse().unwrap();
    let all = vec![
        SourceHealth {
            synced_at: at("2026-02-01T10:00:00Z"),
            attempted_at: at("2026-02-01T10:00:00Z"),
            next_at: at("2026-02-01T16:00:00Z"),
            ..health("osv")
        },
        SourceHealth {
            synced_at: at("2026-01-01T10:00:00Z"),
            attempted_at: at("2026-02-01T11:00:00Z"),
            next_at: at("2026-02-01T11:59:00Z"),
            failures: 3,
            error: Some("it answers <500>".into()),
            stale: true,
            ..health("kev")
        },
        health("eol"),
    ];
    let html = rendered(&feeds::view(Frame::of(&signed_in("/feeds"), "Feeds", "feeds"), all, now));
    for wanted in
        ["<strong>Stale:</strong> kev.", "3 failures in a row", "it answers &#60;500&#62;", "every 6 hours", ">due<"]
    {
        assert!(html.contains(wanted), "{wanted}: {html}");
    }
    for state in ["fresh", "stale", "never heard of"] {
        assert!(html.contains(&format!(">{state}</span>")), "{state}");
    }
    assert!(html.contains("2026-02-01 16:00"), "the next fetch: {html}");
    assert!(html.contains("<a href=\"/ui/feeds\" aria-current=\"page\">Feeds</a>"));
}
