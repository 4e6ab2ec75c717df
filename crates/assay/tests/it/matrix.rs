//! Every format with its real client, in one story: a first pull through a repository that takes from elsewhere, through one
//! that composes others, of what policy refuses, hides and allows, without permission, and without the place it came from.
//! What is special to a format is in the tours.

mod content;
mod libraries;
mod walk;

use crate::proxied::upstream;
use crate::support::{
    advisories, import, open_to_everyone, refuse_dangerous, refuse_named, server, settled, token, unwrapped,
};
use anyhow::{Context, Result, bail};
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::feeds;
use assay_testkit::{Ran, TestServer};
use serde_json::{Value, json};

const CVE: &str = "CVE-2026-70001";

/// The version that may be had, and the one that an advisory names.
const CLEAN: &str = "1.0.0";
const DANGEROUS: &str = "1.1.0";

/// Where packages are published or had, and by whom.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) repository: &'a str,
    /// Nothing for clients that send no credentials to a server like this one.
    pub(crate) token: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn at(self, repository: &'a str) -> Self {
        Self { repository, ..self }
    }
}

/// One format and one client of it.
pub(crate) trait Trade {
    fn format(&self) -> &'static str;
    fn client(&self) -> &'static str;
    /// The ecosystem and the name by which advisories know a package, or what lies in it.
    fn advised(&self, name: &str) -> (&'static str, String);
    /// What an upstream's address is after that of the server, of its repository `main`.
    fn address(&self) -> &'static str;
    /// Whether the client sends a token over plain HTTP.
    fn logs_in(&self) -> bool {
        true
    }
    /// Whether the client prints more of a refusal than its status.
    fn shows_reasons(&self) -> bool {
        true
    }
    /// Publishes as the protocol has it.
    async fn publish(&self, to: Place<'_>, name: &str, version: &str) -> Result<()>;
    /// The client, as on a machine that never had anything, pulls a version; a success is checked for what it brought.
    async fn pull(&self, from: Place<'_>, name: &str, version: &str) -> Result<Ran>;
}

/// Says that versions from [`DANGEROUS`] on are dangerous.
fn warning(ecosystem: &str, name: &str) -> Value {
    let modified = "2026-01-01T00:00:00Z";
    let mut record = feeds::osv_record(&format!("T-{name}"), ecosystem, name, None, feeds::CRITICAL, modified);
    record["aliases"] = json!([CVE]);
    let kind = if matches!(ecosystem, "PyPI" | "Maven") { "ECOSYSTEM" } else { "SEMVER" };
    let events = json!([{ "introduced": DANGEROUS }, { "fixed": "1.2.0" }]);
    record["affected"][0]["ranges"][0] = json!({ "type": kind, "events": events });
    record
}

/// Another server with everything, and one that knows nothing yet but what is dangerous.
struct World {
    far: TestServer,
    near: TestServer,
}

impl World {
    async fn of(trade: &impl Trade) -> Result<Self> {
        let (far, near) = (server().await?, server().await?);
        let origin = Place { server: &far, repository: "main", token: Some(far.token()) };
        for name in ["risk", "peril"] {
            for version in [CLEAN, DANGEROUS] {
                trade.publish(origin, name, version).await?;
            }
        }
        trade.publish(origin, "secret", CLEAN).await?;
        settled(&far).await?;
        open_to_everyone(&far).await?;

        let open = !trade.logs_in();
        for draft in [
            json!({ "name": "own", "settings": { "anonymous_read": open } }),
            json!({ "name": "cache", "settings": { "anonymous_read": open } }),
            json!({ "name": "all", "settings": { "members": ["own", "cache"], "push_to": "own" } }),
        ] {
            near.http().post_json("/api/v1/repositories", &draft).await?.expect_status(201)?;
        }
        let url = format!("{}{}", far.url(), trade.address());
        upstream(&near, "cache", "far", trade.format(), &url, json!({ "mode": "hold" })).await?;
        let records: Vec<Value> = ["risk", "peril"]
            .map(|name| trade.advised(name))
            .map(|(ecosystem, name)| warning(ecosystem, &name))
            .to_vec();
        import(&near, &[&advisories(&near, "feed", &records)?]).await?;
        refuse_dangerous(&near).await?;
        refuse_named(&near, "hide", "secret").await?;
        Ok(Self { far, near })
    }

    /// What is stored of a name: its states, sorted.
    async fn states(&self, trade: &impl Trade, name: &str) -> Result<Vec<String>> {
        let path = format!("/api/v1/packages?format={}", trade.format());
        let listed = self.near.http().get(&path).await?.expect_status(200)?.json()?;
        let all = listed["packages"].as_array().context("a list")?;
        let ours = all.iter().filter(|one| one["name"].as_str().is_some_and(|has| has.contains(name)));
        let mut states: Vec<String> =
            ours.map(|one| format!("{} from {}", one["state"], one["origin"]).replace('"', "")).collect();
        states.sort();
        Ok(states)
    }
}

/// The output of a client that had to fail.
fn refused(ran: &Ran) -> Result<String> {
    if ran.status.success() {
        bail!("this was expected to fail: {ran}");
    }
    Ok(unwrapped(ran))
}

fn had(ran: &Ran) -> Result<()> {
    if !ran.status.success() {
        bail!("this was expected to succeed: {ran}");
    }
    Ok(())
}

/// The first pulls of one name through a repository: what is dangerous says why it does not come, what is not comes.
async fn first_pulls(world: &World, trade: &impl Trade, from: Place<'_>, name: &str) -> Result<()> {
    assert!(world.states(trade, name).await?.is_empty(), "nothing of it is here yet");
    let said = refused(&trade.pull(from, name, DANGEROUS).await?)?;
    let parts: &[&str] =
        if trade.shows_reasons() { &["is quarantined by policy too-dangerous", CVE] } else { &["403"] };
    for part in parts {
        assert!(said.contains(part), "{} through {}: `{part}` is not in: {said}", trade.client(), from.repository);
    }
    settled(&world.near).await?;
    assert_eq!(world.states(trade, name).await?, ["quarantined from far"]);
    had(&trade.pull(from, name, CLEAN).await?)?;
    assert_eq!(world.states(trade, name).await?, ["available from far", "quarantined from far"]);
    Ok(())
}

/// The whole story.
pub(crate) async fn story(trade: &impl Trade) -> Result<()> {
    let mut world = World::of(trade).await?;
    let reader = token(&world.near, "read", &["own"]).await?;
    let admin = world.near.token().to_owned();
    let (format, client) = (trade.format(), trade.client());
    {
        let near = Place { server: &world.near, repository: "cache", token: trade.logs_in().then_some(admin.as_str()) };
        first_pulls(&world, trade, near, "risk").await?;
        saw(format, client, Case::Proxied);
        first_pulls(&world, trade, near.at("all"), "peril").await?;
        if trade.shows_reasons() {
            saw(format, client, Case::Quarantined);
        }

        trade.publish(Place { token: Some(&admin), ..near.at("all") }, "ours", CLEAN).await?;
        settled(&world.near).await?;
        had(&trade.pull(near.at("all"), "ours", CLEAN).await?)?;
        had(&trade.pull(near.at("own"), "ours", CLEAN).await?)?;
        saw(format, client, Case::Virtual);

        // The second time it is known to be hidden before anybody asks for its bytes.
        for repository in ["cache", "all"] {
            let said = refused(&trade.pull(near.at(repository), "secret", CLEAN).await?)?;
            assert!(!said.contains("polic") && !said.contains("hidden") && !said.contains("quarantin"), "{said}");
        }
        assert_eq!(world.states(trade, "secret").await?, ["hidden from far"]);
        saw(format, client, Case::Hidden);

        let stranger = if trade.logs_in() {
            Place { token: Some(&reader), ..near }
        } else {
            let change = world.near.http().request(reqwest::Method::PATCH, "/api/v1/repositories/cache");
            let change = change.json(&json!({ "anonymous_read": false }));
            world.near.http().send(change).await?.expect_status(200)?;
            near
        };
        had(&trade.pull(stranger.at("all"), "ours", CLEAN).await?)?;
        for name in ["risk", "peril"] {
            refused(&trade.pull(stranger.at("all"), name, CLEAN).await?)?;
        }
        let said = refused(&trade.pull(stranger, "risk", CLEAN).await?)?;
        let words = ["lacks `read` on cache", "authentication required", "401", "403"];
        let told = words.iter().any(|word| said.contains(word));
        if !trade.logs_in() {
            let change = world.near.http().request(reqwest::Method::PATCH, "/api/v1/repositories/cache");
            let change = change.json(&json!({ "anonymous_read": true }));
            world.near.http().send(change).await?.expect_status(200)?;
        }
        // Some clients print nothing of a refused index.
        if told {
            saw(format, client, Case::NoPermission);
        }
    }
    world.far.kill()?;
    let near = Place { server: &world.near, repository: "cache", token: trade.logs_in().then_some(admin.as_str()) };
    for (repository, name) in [("cache", "risk"), ("all", "risk"), ("all", "peril")] {
        had(&trade.pull(near.at(repository), name, CLEAN).await?)?;
    }
    // By now most indexes do without it, so that not every client gets as far as to the reason.
    refused(&trade.pull(near, "risk", DANGEROUS).await?)?;
    Ok(())
}
