#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{self, Shelf, parse};
use std::collections::BTreeMap;

const ONE: &str = r#"{"date":"2026-01-02T03:04:05Z","repo":{"name":"github.com/Owner/Name","commit":"c"},"scorecard":{"version":"5"},"score":6.5,
    "checks":[{"name":"Code-Review","score":8,"reason":"r"},{"name":"Fuzzing","score":-1},{"name":"Odd","score":"x"}]}"#;

#[test]
fn a_result_is_a_card() {
    assert!(Scorecards.recognizes("x", ONE.as_bytes()));
    for text in [ONE.to_owned(), format!("[{ONE}]"), format!("{ONE}\n{ONE}")] {
        let kept = parse(&Scorecards, "x", text.as_bytes()).unwrap();
        let card = &kept.cards[0];
        assert_eq!(
            (card.repository.as_str(), card.score, card.date.as_str()),
            ("github.com/owner/name", 6.5, "2026-01-02")
        );
        assert_eq!(card.checks, BTreeMap::from([("Code-Review".to_owned(), 8.0), ("Fuzzing".to_owned(), -1.0)]));
    }
}

#[test]
fn a_history_gives_the_newest() {
    let json = r#"{"github.com":{"O":{"n":{"previous":[{"score":3,"date":"2024-03-18","commit":"a"},{"score":7,"date":"2025-01-01T00:00:00Z","commit":"b"}],
        "current":{"score":8.5,"date":"2026-01-01","commit":"c"}},"m":{"previous":[],"current":{}}}}}"#;
    assert!(Scorecards.recognizes("x", json.as_bytes()));
    let kept = parse(&Scorecards, "x", json.as_bytes()).unwrap();
    let said: Vec<_> = kept.cards.iter().map(|c| (c.repository.as_str(), c.score, c.date.as_str())).collect();
    assert_eq!(said, [("github.com/o/n", 8.5, "2026-01-01")]);
}

#[test]
fn what_is_no_result_is_set_aside() {
    let kept = parse(&Scorecards, "x", format!("[{ONE},{{\"repo\":1}},{{\"score\":11}}]").as_bytes()).unwrap();
    assert_eq!((kept.cards.len(), kept.bad.len()), (1, 2));
    assert_eq!(parse(&Scorecards, "x", b"{").unwrap_err().code, "bad-feed");
}

#[tokio::test]
async fn the_api_is_asked_about_what_is_stored_and_not_again_soon() {
    let mut shelf = Shelf::new();
    shelf.put("https://api.example/projects/github.com/owner/name", ONE.as_bytes());
    let about = ["github.com/owner/name".to_owned(), "github.com/owner/unknown".to_owned()];
    let now = "2026-01-10T00:00:00Z".parse().unwrap();
    let first = fetch::fetch(&shelf, "https://api.example/", None, &about, now).await.unwrap();
    let Fetched::Batch { files, cursor } = first else { return assert_eq!("nothing", "a card") };
    assert_eq!(files.len(), 1);
    assert_eq!(std::fs::read(&files[0].1).unwrap(), ONE.as_bytes());
    let asked = shelf.asked.lock().unwrap().len();
    fetch::fetch(&shelf, "https://api.example", Some(&cursor), &about[..1], now).await.unwrap();
    assert_eq!(shelf.asked.lock().unwrap().len(), asked, "an answer is good for days");
    let later = now + jiff::SignedDuration::from_secs(fetch::AGAIN);
    let again = fetch::fetch(&shelf, "https://api.example", Some(&cursor), &about[..1], later).await.unwrap();
    let Fetched::Batch { files, .. } = again else { return assert_eq!("nothing", "a batch") };
    assert!(files.is_empty(), "unchanged by its entity tag");
}

#[test]
fn the_real_files() {
    let Some(folder) = testing::corpus("feeds/scorecard") else { return };
    let read = |file: &str| parse(&Scorecards, file, &std::fs::read(folder.join(file)).unwrap()).unwrap();
    assert_eq!(read("results.json").cards.len(), 27);
    let history = read("history-nodejs-security-wg.json");
    assert!(history.cards.iter().any(|card| card.repository == "github.com/nodejs/node-gyp"));
    assert!(read("history-expressjs-security-wg.json").cards.len() > 20);
}
