//! Laws of actions: applying twice is applying once, taking back what was applied gives the base, and taking back what
//! was not applied changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use assay_model::{
    decision::{Awaited, Ending, Notice},
    package::State,
    policy::PolicyAction,
    seam::action::{Applied, Ground, Standing},
};
use assay_policy::{ALL, find, normalise, parse_shorthand};
use proptest::prelude::*;
use serde_json::{Value, json};

fn states() -> impl Strategy<Value = State> {
    prop::sample::select(vec![State::Pending, State::Available, State::Quarantined, State::Hidden, State::Deleted])
}

fn standings() -> impl Strategy<Value = Standing> {
    let notice =
        ("[a-c]", "[pq]", any::<bool>()).prop_map(|(channel, policy, alone)| Notice { channel, policy, alone });
    let awaited = "[pq]".prop_map(|policy| Awaited { policy });
    let ending = (0_i64..3, "[pq]").prop_map(|(days, policy)| {
        let at = jiff::Timestamp::from_second(days * 86_400).unwrap();
        Ending { at, policy, state: "hidden".to_owned() }
    });
    let notices = prop::collection::btree_set(notice, 0..3);
    let awaited = prop::collection::btree_set(awaited, 0..2);
    let endings = prop::collection::btree_set(ending, 0..3);
    (states(), prop::collection::btree_set("[a-d]", 0..4), notices, awaited, endings)
        .prop_map(|(state, tags, notices, awaited, endings)| Standing { state, tags, notices, awaited, endings })
}

fn grounds() -> impl Strategy<Value = Ground> {
    (0_i64..5, prop::collection::btree_set("[pq]", 0..2)).prop_map(|(days, approved)| Ground {
        now: jiff::Timestamp::from_second(days * 86_400).unwrap(),
        arrived: jiff::Timestamp::UNIX_EPOCH,
        approved,
    })
}

fn params() -> impl Strategy<Value = (&'static str, Value)> {
    let state = prop::sample::select(vec!["available", "QUARANTINED", "hidden", "Deleted"]);
    let key = prop::sample::select(vec!["state", "package_state"]);
    let set = (key, state).prop_map(|(key, state)| ("set_state", json!({ key: state })));
    let tags = prop::collection::vec("[a-f]", 1..4);
    let tags = (prop::sample::select(vec!["add_tags", "remove_tags"]), tags)
        .prop_map(|(kind, tags)| (kind, json!({ "tags": tags })));
    let tell = (prop::sample::select(vec!["notify", "webhook"]), "[a-c]")
        .prop_map(|(kind, channel)| (kind, json!({ "channel": channel })));
    let approval = Just(("require_approval", json!({})));
    let state = prop::sample::select(vec!["hidden", "quarantined", "deleted"]);
    let expire = (1_u64..4, state).prop_map(|(days, state)| ("expire", json!({ "days": days, "state": state })));
    prop_oneof![set, tags, tell, approval, expire]
}

proptest! {
    #[test]
    fn applying_is_idempotent_and_can_be_taken_back(
        (kind, params) in params(), base in standings(), ground in grounds(), policy in "[pq]",
    ) {
        let on = Applied { policy: &policy, params: &params, ground: &ground };
        let action = find(kind).unwrap();
        prop_assert!(action.check(&params).is_ok());
        let mut once = base.clone();
        action.apply(on, &mut once);
        let mut twice = once.clone();
        action.apply(on, &mut twice);
        prop_assert_eq!(&twice, &once);
        action.revoke(on, &base, &mut twice);
        prop_assert_eq!(&twice, &base);
        action.revoke(on, &base, &mut twice);
        prop_assert_eq!(&twice, &base);
    }

    #[test]
    fn taking_back_leaves_what_later_actions_did(
        (kind, params) in params(), base in standings(), later in states(), ground in grounds(),
    ) {
        let on = Applied { policy: "p", params: &params, ground: &ground };
        let action = find(kind).unwrap();
        let mut standing = base.clone();
        action.apply(on, &mut standing);
        let before = standing.state;
        standing.state = later;
        action.revoke(on, &base, &mut standing);
        if later != before {
            prop_assert_eq!(standing.state, later);
        }
    }
}

#[test]
fn shorthands_give_checked_actions() {
    let cases = [
        ("quarantine", "set_state", json!({ "state": "quarantined" })),
        ("hide", "set_state", json!({ "state": "hidden" })),
        ("allow", "set_state", json!({ "state": "available" })),
        ("delete", "set_state", json!({ "state": "deleted" })),
        ("set-state=hidden", "set_state", json!({ "state": "hidden" })),
        ("add-tags=a, b", "add_tags", json!({ "tags": ["a", "b"] })),
        ("remove-tags=x", "remove_tags", json!({ "tags": ["x"] })),
        ("notify=security", "notify", json!({ "channel": "security" })),
        ("webhook=tickets", "webhook", json!({ "channel": "tickets" })),
        ("require-approval", "require_approval", json!({})),
        ("expire=90", "expire", json!({ "days": "90" })),
    ];
    for (text, kind, params) in cases {
        assert_eq!(parse_shorthand(text).unwrap(), PolicyAction { kind: kind.into(), params }, "{text}");
    }
    for wrong in ["", "explode", "add-tags", "add-tags=", "set-state=pending", "quarantine=x"] {
        assert!(parse_shorthand(wrong).is_err(), "{wrong}");
    }
    assert!(parse_shorthand("explode").unwrap_err().to_string().contains("use one of quarantine, hide"));
}

#[test]
fn every_shorthand_is_valid() {
    for (word, _) in ALL.iter().flat_map(|action| action.spec().shorthands) {
        let text = match *word {
            "set-state=" => "set-state=available".to_owned(),
            "expire=" => "expire=30".to_owned(),
            word if word.ends_with('=') => format!("{word}a"),
            word => word.to_owned(),
        };
        parse_shorthand(&text).unwrap();
    }
}

#[test]
fn aliases_become_ids_and_wrong_parameters_are_named() {
    let action = |kind: &str, params: Value| normalise(&PolicyAction { kind: kind.into(), params });
    assert_eq!(action("SetPackageState", json!({ "package_state": "QUARANTINED" })).unwrap().kind, "set_state");
    assert_eq!(action("AddPackageTags", json!({ "tags": ["a"] })).unwrap().kind, "add_tags");
    assert_eq!(action("RemovePackageTags", json!({ "tags": ["a"] })).unwrap().kind, "remove_tags");
    for (kind, params) in [
        ("notify", json!({})),
        ("webhook", json!({ "channel": "Not A Name" })),
        ("require_approval", json!({ "days": 1 })),
        ("expire", json!({ "days": 0 })),
        ("expire", json!({ "days": 3, "state": "available" })),
    ] {
        assert_eq!(action(kind, params.clone()).unwrap_err().code, "bad-action", "{kind} {params}");
    }
    for (kind, params) in [
        ("set_state", json!({})),
        ("set_state", json!({ "state": "pending" })),
        ("set_state", json!({ "state": "hidden", "package_state": "HIDDEN" })),
        ("add_tags", json!({ "tags": [] })),
        ("add_tags", json!({ "tags": ["x".repeat(101)] })),
        ("add_tags", json!({ "tags": [1] })),
        ("remove_tags", json!({ "tag": "a" })),
    ] {
        let problem = action(kind, params.clone()).unwrap_err();
        assert!(problem.to_string().contains("tag") || problem.to_string().contains("state"), "{params}: {problem}");
    }
    assert!(action("move", json!({})).is_err());
}
