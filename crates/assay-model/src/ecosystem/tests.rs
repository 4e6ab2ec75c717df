//! Properties that every scheme must have: it is a total order on what it accepts, and nothing makes it panic.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use proptest::sample::select;

/// Versions built from pieces that mean something in some scheme, so that ties and near-ties are common.
fn version() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "0",
        "1",
        "2",
        "10",
        "00",
        "01",
        "007",
        "99999999999999999999999",
        ".",
        ".",
        ".",
        "-",
        "_",
        "+",
        "~",
        "^",
        ":",
        "!",
        "a",
        "b",
        "m",
        "c",
        "z",
        "A",
        "rc",
        "RC",
        "alpha",
        "Beta",
        "dev",
        "post",
        "pre",
        "p",
        "pl",
        "sp",
        "ga",
        "final",
        "release",
        "snapshot",
        "milestone",
        "cr",
        "r1",
        "-r2",
        "_p1",
        "_alpha",
        "_git",
        "v",
        "go",
        "x",
        ".0",
        ".1",
        "-1",
        "-0",
        "~rc",
        "+1",
        "1:",
        "1!",
        "é",
        " ",
    ]);
    (select(vec!["", "1", "1", "1.0", "0", "2", "v1.2.3", "1:1"]), proptest::collection::vec(piece, 0..7))
        .prop_map(|(start, pieces)| format!("{start}{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn comparing_is_a_total_order(a in version(), b in version(), c in version()) {
        for scheme in Scheme::ALL {
            let accepted = |v: &str| scheme.compare(v, v);
            if let Ok(order) = accepted(&a) {
                prop_assert_eq!(order, Ordering::Equal, "{} {:?} is not itself", scheme, a);
            }
            let (Ok(ab), Ok(bc), Ok(ac)) = (scheme.order(&a, &b), scheme.order(&b, &c), scheme.order(&a, &c)) else {
                continue;
            };
            prop_assert_eq!(scheme.order(&b, &a), Ok(ab.reverse()), "{} {:?} {:?}", scheme, a, b);
            if ab == bc || bc.is_eq() {
                prop_assert_eq!(ac, ab, "{} {:?} {:?} {:?}", scheme, a, b, c);
            } else if ab.is_eq() {
                prop_assert_eq!(ac, bc, "{} {:?} {:?} {:?}", scheme, a, b, c);
            }
        }
    }

    #[test]
    fn nothing_makes_a_scheme_panic(a in "\\PC{0,40}", b in any::<String>()) {
        for scheme in Scheme::ALL {
            let _ = scheme.compare(&a, &b);
            let _ = scheme.is_canonical(&b);
        }
        let _ = rpm::Nevra::parse(&a).compare(&rpm::Nevra::parse(&b));
    }

    #[test]
    fn a_range_agrees_with_the_order(low in version(), high in version(), at in version()) {
        for scheme in Scheme::ALL {
            let events = [Event::Introduced(low.clone()), Event::Fixed(high.clone())];
            let Ok(affected) = affects(scheme, &events, &at) else { continue };
            let from = low == "0" || scheme.compare(&low, &at).unwrap().is_le();
            let until = scheme.compare(&at, &high).unwrap().is_lt();
            let forwards = low == "0" || scheme.compare(&low, &high).unwrap().is_lt();
            if forwards {
                prop_assert_eq!(affected, from && until, "{} {:?} {:?} {:?}", scheme, low, high, at);
            }
            if let Some(next) = next_fixed(scheme, &events, &at) {
                prop_assert!(scheme.compare(next, &at).unwrap().is_gt());
            }
        }
    }

    #[test]
    fn normalizing_a_name_twice_changes_nothing(name in "[A-Za-z0-9._/@-]{0,20}") {
        for law in laws() {
            let once = law.normalize_name(&name).into_owned();
            prop_assert_eq!(law.normalize_name(&once).into_owned(), once.clone(), "{}", law.osv);
        }
    }
}

/// The longest version that is accepted must not take noticeably longer than it has bytes.
#[test]
fn the_longest_versions_are_quick() {
    let shapes = ["1.", "1-", "a1", "1~", "_p1", "0.", "1.a.", "-", ".", "1-0.", "ga-", "final."];
    let begun = std::time::Instant::now();
    for shape in shapes {
        let long: String = shape.chars().cycle().take(MAX_VERSION).collect();
        for scheme in Scheme::ALL {
            let _ = scheme.compare(&long, &long);
        }
    }
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}
