//! Imports, and the names by which they go on.

use crate::world::{World, at, conformance};
use assay_model::{
    import::{Import, ImportId, ImportPlan, NameOutcome, NewImport, Progress},
    repository::RepositoryId,
    upstream::UpstreamSettings,
};

conformance!(
    an_import_moves_only_from_where_it_is,
    names_wait_until_they_were_looked_at,
    names_with_failures_wait_again_and_count_once,
);

async fn begun(world: &World) -> (RepositoryId, Import) {
    let repository = world.repository("main").await.id;
    let settings = UpstreamSettings { url: "https://registry.example".into(), ..UpstreamSettings::default() };
    let plan = ImportPlan { settings, as_cache: Some("far".into()), dry_run: false, given: None };
    let new =
        NewImport { repository, format: "npm".into(), plan, secrets: vec![1, 2], started_by: "me".into(), at: at(1) };
    let stored = world.write(move |tx| tx.add_import(&new)).await;
    (repository, stored)
}

async fn is_active(world: &World, id: ImportId) -> bool {
    world.read(|tx| tx.active_imports()).await.iter().any(|import| import.id == id)
}

async fn an_import_moves_only_from_where_it_is(world: World) {
    let (repository, import) = begun(&world).await;
    let id = import.id;
    assert_eq!(
        (import.progress, import.created_at, import.plan.as_cache.as_deref()),
        (Progress::Listing, at(1), Some("far"))
    );
    assert!(is_active(&world, id).await);
    let place = &world;
    let to = move |from: Progress, to: Progress, why: &'static str| {
        place.write(move |tx| tx.move_import(id, &[from], to, why, at(5)))
    };
    assert!(!to(Progress::Running, Progress::Done, "").await);
    assert!(to(Progress::Listing, Progress::Running, "").await);
    assert!(to(Progress::Running, Progress::Stopped, "no answer").await);
    assert!(!is_active(&world, id).await);
    let again = world.read(move |tx| tx.import(id)).await.unwrap();
    assert_eq!((again.progress, again.reason.as_str(), again.changed_at), (Progress::Stopped, "no answer", at(5)));
    assert_eq!(world.read(move |tx| tx.imports(repository, 10)).await, [again]);
    assert_eq!(world.write(move |tx| tx.import_secrets(id, None)).await, [1, 2]);
    assert!(world.write(move |tx| tx.import_secrets(id, Some(&[]))).await.is_empty());
}

fn outcome(versions: u64, failed: u64) -> NameOutcome {
    let mut outcome = NameOutcome::default();
    outcome.tally.versions = versions;
    outcome.tally.bytes = 3_000_000_000;
    (0..failed).for_each(|n| outcome.fail(&n.to_string(), "no"));
    outcome
}

async fn names_wait_until_they_were_looked_at(world: World) {
    let id = begun(&world).await.1.id;
    let names: Vec<String> = (0..250).map(|n| format!("n{n:03}")).collect();
    for _ in 0..2 {
        let names = names.clone();
        world.write(move |tx| tx.add_import_names(id, &names)).await;
    }
    assert_eq!(world.read(move |tx| tx.waiting_import_names(id, None, 1000)).await, names);
    world.write(move |tx| tx.note_import_name(id, "n001", &outcome(2, 0))).await;
    let next = world.read(move |tx| tx.waiting_import_names(id, Some("n000"), 2)).await;
    assert_eq!(next, ["n002", "n003"]);
    let again = names.clone();
    world.write(move |tx| tx.add_import_names(id, &again)).await;
    let counts = world.read(move |tx| tx.import_counts(id)).await;
    assert_eq!((counts.names, counts.names_done, counts.tally.versions), (250, 1, 2), "what was done stays done");
}

async fn names_with_failures_wait_again_and_count_once(world: World) {
    let id = begun(&world).await.1.id;
    world.write(move |tx| tx.add_import_names(id, &["a".into(), "b".into(), "c".into()])).await;
    for (name, versions, failed) in [("a", 1, 0), ("b", 1, 2), ("c", 0, 1)] {
        world.write(move |tx| tx.note_import_name(id, name, &outcome(versions, failed))).await;
    }
    let counts = world.read(move |tx| tx.import_counts(id)).await;
    assert_eq!((counts.tally.versions, counts.tally.failed, counts.tally.bytes), (2, 3, 9_000_000_000));
    let failed = world.read(move |tx| tx.import_failures(id, Some("a"), 10)).await;
    assert_eq!(failed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(failed[0].1, outcome(1, 2));
    assert_eq!(world.write(move |tx| tx.retry_import_names(id)).await, 2);
    let counts = world.read(move |tx| tx.import_counts(id)).await;
    assert_eq!((counts.names_done, counts.tally.failed, counts.tally.versions), (1, 0, 1));
    assert_eq!(world.read(move |tx| tx.waiting_import_names(id, None, 9)).await, ["b", "c"]);
}
