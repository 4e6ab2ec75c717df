//! EPSS files: what is read, what is set aside, what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use crate::testing::{self, Shelf, gzip};
use proptest::prelude::*;

const DAY: &str = "#model_version:v2025.03.14,score_date:2026-01-30T12:55:00Z\ncve,epss,percentile\n\
    CVE-1999-0001,0.01151,0.78086\nCVE-1999-0002,1.5,0.9\nnonsense\nCVE-1999-0003,0.5,0.99\r\n";

#[test]
fn a_day_is_read_and_bad_lines_are_set_aside() {
    for bytes in [DAY.as_bytes().to_vec(), gzip(DAY.as_bytes())] {
        assert!(Epss.recognizes("whatever", &bytes));
        let kept = testing::parse(&Epss, "epss.csv", &bytes).unwrap();
        let read: Vec<_> = kept.epss.iter().map(|e| (e.cve.as_str(), e.score, e.percentile, e.date.as_str())).collect();
        assert_eq!(
            read,
            [("CVE-1999-0001", 0.01151, 0.78086, "2026-01-30"), ("CVE-1999-0003", 0.5, 0.99, "2026-01-30")]
        );
        let bad: Vec<_> = kept.bad.iter().map(|(name, why)| format!("{name}: {why}")).collect();
        assert_eq!(bad, ["epss.csv row 2: a score is no number from 0 to 1", "epss.csv row 3: the id is no CVE id"]);
    }
}

#[test]
fn old_days_go_by_their_name_and_others_are_refused() {
    let old = b"cve,epss,percentile\nCVE-2020-5902,0.65117,1.0\n";
    let kept = testing::parse(&Epss, "dir/epss_scores-2021-04-14.csv.gz", old).unwrap();
    assert_eq!(kept.epss[0].date, "2021-04-14");
    assert!(testing::parse(&Epss, "scores.csv", old).is_err());
    assert!(testing::parse(&Epss, "x", b"#score_date:2026-01-30\nid,score\n").is_err());
    assert!(testing::parse(&Epss, "x", b"").is_err());
    let cut = gzip(DAY.as_bytes());
    assert!(testing::parse(&Epss, "x", &cut[..cut.len() - 9]).is_err());
}

#[tokio::test]
async fn a_day_is_fetched_once() {
    let mut net = Shelf::new();
    let base = "https://epss.example/epss_scores-current.csv.gz?x=1";
    net.put(base, DAY);
    let Fetched::Batch { files, cursor } = Epss.fetch(&net, base, None).await.unwrap() else { panic!("a batch") };
    assert_eq!(files[0].0, "epss_scores-current.csv.gz");
    assert!(matches!(Epss.fetch(&net, base, Some(&cursor)).await.unwrap(), Fetched::Unchanged));
    net.put(base, format!("{DAY}CVE-2026-0001,0,0\n"));
    assert!(matches!(Epss.fetch(&net, base, Some(&cursor)).await.unwrap(), Fetched::Batch { .. }));
    assert!(Epss.fetch(&net, "https://epss.example/gone", None).await.is_err());
}

#[test]
fn real_days_are_read_whole() {
    let Some(folder) = testing::corpus("feeds/epss") else { return };
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(Epss.recognizes(&name, &bytes[..512]), "{name}");
        let kept = testing::parse(&Epss, &name, &bytes).unwrap();
        eprintln!("{name}: {} scores, {} set aside", kept.epss.len(), kept.bad.len());
        assert!(kept.epss.len() > 300_000 && kept.bad.is_empty());
        assert!(name.contains(&kept.epss[0].date));
        files += 1;
    }
    assert!(files > 0);
}

proptest! {
    #[test]
    fn any_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), tail in "[CVE0-9,.\n-]{0,200}") {
        let _ = Epss.recognizes("x", &bytes);
        let _ = testing::parse(&Epss, "x", &bytes);
        let day = format!("#score_date:2026-01-30\ncve,epss,percentile\n{tail}");
        let kept = testing::parse(&Epss, "x", day.as_bytes()).unwrap();
        prop_assert!(kept.epss.iter().all(|e| (0.0..=1.0).contains(&e.score)));
    }
}
