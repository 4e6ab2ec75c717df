#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{self, gzip, parse};

#[test]
fn rows_are_ranked_by_downloads_and_names_normalised() {
    let json = br#"{"last_update":"x","rows":[{"download_count":5,"project":"b"},{"download_count":9,"project":"A_a"},{"download_count":1,"project":"a-a"}]}"#;
    assert!(PopularPackages.recognizes("x", &gzip(json)));
    let kept = parse(&PopularPackages, "top.json.gz", &gzip(json)).unwrap();
    let said: Vec<_> = kept.popular.iter().map(|p| (p.name.as_str(), p.rank, p.downloads)).collect();
    assert_eq!(said, [("a-a", 1, Some(9)), ("b", 2, Some(5))], "a name counts once");
    assert_eq!(kept.whole, ["popularity pypi"]);
}

#[test]
fn what_is_depended_upon_follows_what_is_downloaded() {
    let json = br#"{"top_download":["semver","@types/node"],"top_dependent":["semver","left-pad"]}"#;
    let kept = parse(&PopularPackages, "npm.json", json).unwrap();
    let said: Vec<_> = kept.popular.iter().map(|p| (p.name.as_str(), p.rank)).collect();
    assert_eq!(said, [("semver", 1), ("@types/node", 2), ("left-pad", 3)]);
}

#[test]
fn an_empty_catalogue_takes_nothing_back_and_another_document_is_refused() {
    assert!(parse(&PopularPackages, "x", br#"{"rows":[]}"#).unwrap().whole.is_empty());
    assert_eq!(parse(&PopularPackages, "x", br#"{"names":[]}"#).unwrap_err().code, "bad-feed");
}

#[test]
fn the_real_catalogues() {
    let Some(folder) = testing::corpus("feeds/popularity") else { return };
    for (file, kind, first, least) in [
        ("top-pypi-packages.min.json.gz", "pypi", "boto3", 14_000),
        ("npm-high-impact-1.13.0.json.gz", "npm", "semver", 15_916),
    ] {
        let kept = parse(&PopularPackages, file, &std::fs::read(folder.join(file)).unwrap()).unwrap();
        assert_eq!((kept.popular[0].purl_type.as_str(), kept.popular[0].name.as_str()), (kind, first));
        assert!(kept.popular.len() >= least, "{}", kept.popular.len());
    }
}
