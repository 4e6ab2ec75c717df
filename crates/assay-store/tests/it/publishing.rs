//! Repositories, tokens, blobs, uploads, packages, files, references.

use crate::{
    keeping::collect,
    world::{World, at, conformance, digest, new_file, new_package, publish},
};
use assay_model::{
    access::{Permission, Token},
    decision::DecisionId,
    package::{Override, Role, State},
    problem::Kind,
    repository::{RepositoryId, Settings},
    seam::meta::{PackageFilter, Upload},
};
use std::collections::BTreeSet;

conformance!(
    repositories_have_unique_names,
    tokens_are_kept_and_end,
    stages_keep_blobs_alive,
    blobs_have_other_digests_and_holders,
    blobs_of_files_are_never_collected,
    uploads_go_stale,
    a_package_is_new_once,
    a_deleted_package_comes_back_as_new,
    standing_is_set_and_kept,
    names_are_listed_in_order,
    lists_are_filtered_and_paged,
    ten_thousand_packages_are_paged_through,
    files_are_immutable,
    files_are_found_by_path_and_digest,
    references_move,
);

async fn repositories_have_unique_names(world: World) {
    let main = world.repository("main").await;
    let other = world.repository("a-first").await;
    let again = world.fails(|tx| tx.create_repository("main", &Settings::default(), at(0))).await;
    assert_eq!(again.kind, Kind::Conflict);
    assert!(world.fails(|tx| tx.create_repository("../x", &Settings::default(), at(0))).await.kind == Kind::Invalid);
    let settings = Settings { description: "ü".into(), hold_seconds: 3, ..Settings::default() };
    let (id, kept) = (main.id, settings.clone());
    world.write(move |tx| tx.update_repository(id, &settings)).await;
    let found = world.read(move |tx| Ok((tx.repository("main")?, tx.repository_by_id(id)?, tx.repositories()?))).await;
    assert_eq!(found.0.as_ref().unwrap().settings, kept);
    assert_eq!(found.0, found.1);
    assert_eq!(found.2.iter().map(|r| r.id).collect::<Vec<_>>(), [other.id, main.id], "by name");
    assert!(world.read(|tx| tx.repository("none")).await.is_none());
    let nobody = world.fails(|tx| tx.update_repository(RepositoryId(999), &Settings::default())).await;
    assert_eq!(nobody.kind, Kind::NotFound);
}

async fn tokens_are_kept_and_end(world: World) {
    let token = Token {
        id: "t1".into(),
        name: "ci".into(),
        hash: "abc".into(),
        permission: Permission::Write,
        repositories: vec!["main".into()],
        created_at: at(5),
        expires_at: Some(at(50)),
    };
    let earlier = Token { id: "t2".into(), created_at: at(1), expires_at: None, ..token.clone() };
    let (a, b) = (token.clone(), earlier.clone());
    world.write(move |tx| tx.add_token(&a).and_then(|()| tx.add_token(&b))).await;
    let twice = token.clone();
    assert_eq!(world.fails(move |tx| tx.add_token(&twice)).await.kind, Kind::Conflict);
    assert_eq!(world.read(|tx| tx.token("t1")).await.unwrap(), token, "with its hash");
    assert_eq!(world.read(|tx| tx.tokens()).await, [earlier, token]);
    assert!(world.write(|tx| tx.revoke_token("t1")).await);
    assert!(!world.write(|tx| tx.revoke_token("t1")).await);
    assert!(world.read(|tx| tx.token("t1")).await.is_none());
}

async fn stages_keep_blobs_alive(world: World) {
    let r = world.repository("main").await.id;
    let d = digest("x");
    world.write(move |tx| tx.stage_blob(r, "oci", "app", &digest("x"), 1, at(10))).await;
    let seen = world
        .read(move |tx| {
            let d = digest("x");
            Ok((tx.staged_blob(r, "oci", "app", &d)?, tx.staged_blob(r, "oci", "other", &d)?, tx.blob_size(&d)?))
        })
        .await;
    assert_eq!(seen, (Some(1), None, Some(1)), "a stage is good for its name only");
    assert!(collect(&world, at(10)).await.is_empty(), "not older than that");
    world.write(move |tx| tx.stage_blob(r, "oci", "app", &digest("x"), 1, at(20))).await;
    assert!(collect(&world, at(15)).await.is_empty(), "renewed");
    assert!(world.write(move |tx| tx.unstage_blob(r, "oci", "app", &digest("x"))).await);
    assert!(!world.write(move |tx| tx.unstage_blob(r, "oci", "app", &digest("x"))).await);
    assert_eq!(collect(&world, at(21)).await, [d]);
    assert_eq!(world.read(|tx| tx.blob_size(&digest("x"))).await, None);
}

async fn blobs_have_other_digests_and_holders(world: World) {
    let (main, other) = (world.repository("main").await.id, world.repository("other").await.id);
    let alias: assay_model::Digest = format!("sha512:{}", "a".repeat(128)).parse().unwrap();
    let wanted = alias.clone();
    world
        .write(move |tx| {
            publish(tx, main, "p", "1", "x")?;
            publish(tx, main, "p", "2", "x")?;
            tx.stage_blob(other, "pypi", "q", &digest("x"), 1, at(9))?;
            tx.stage_blob(other, "npm", "r", &digest("x"), 1, at(9))?;
            tx.note_alias(&wanted, &digest("x"))?;
            tx.note_alias(&wanted, &digest("x"))
        })
        .await;
    let wanted = alias.clone();
    assert_eq!(world.read(move |tx| tx.alias(&wanted)).await, Some(digest("x")));
    let mut holders = world.read(|tx| tx.holders("pypi", &digest("x"), 9)).await;
    holders.sort();
    assert_eq!(holders, [(main, "p".to_owned()), (other, "q".to_owned())]);
    assert_eq!(world.read(|tx| tx.holders("pypi", &digest("x"), 1)).await.len(), 1);
    // Gone with the blob.
    let gone = alias.clone();
    let left = world
        .write(move |tx| {
            for package in tx.packages_named(main, "pypi", "p", None)? {
                tx.delete_package(package.id)?;
            }
            tx.end_stages(at(99_999), 9)?;
            let orphans = tx.walk_blobs(None, at(99_999), 9)?.orphans;
            let orphans: Vec<_> = orphans.into_iter().map(|(digest, _)| digest).collect();
            tx.bury(&orphans, at(99_999), "c", at(999_999))?;
            Ok((tx.alias(&gone)?, tx.holders("pypi", &digest("x"), 9)?))
        })
        .await;
    assert_eq!(left, (None, Vec::new()));
}

async fn blobs_of_files_are_never_collected(world: World) {
    let r = world.repository("main").await.id;
    let id = world
        .write(move |tx| {
            tx.stage_blob(r, "pypi", "orphan", &digest("a"), 1, at(1))?;
            tx.stage_blob(r, "pypi", "orphan", &digest("b"), 1, at(2))?;
            publish(tx, r, "kept", "1", "content")
        })
        .await;
    assert_eq!(collect(&world, at(99)).await, [digest("a"), digest("b")], "oldest first");
    world.write(move |tx| tx.delete_package(id)).await;
    assert_eq!(collect(&world, at(99)).await, [digest("content")]);
}

async fn uploads_go_stale(world: World) {
    let r = world.repository("main").await.id;
    let upload = Upload { id: "u".into(), repository: r, format: "oci".into(), name: "app".into(), touched_at: at(1) };
    let opened = upload.clone();
    world.write(move |tx| tx.open_upload(&opened)).await;
    let twice = upload.clone();
    assert_eq!(world.fails(move |tx| tx.open_upload(&twice)).await.kind, Kind::Conflict);
    assert_eq!(world.read(|tx| tx.upload("u")).await.unwrap(), upload);
    world.write(|tx| tx.touch_upload("u", at(5))).await;
    assert!(world.read(|tx| tx.stale_uploads(at(5))).await.is_empty());
    assert_eq!(world.read(|tx| tx.stale_uploads(at(6))).await, ["u"]);
    assert!(world.write(|tx| tx.close_upload("u")).await);
    assert!(!world.write(|tx| tx.close_upload("u")).await);
    assert_eq!(world.fails(|tx| tx.touch_upload("u", at(7))).await.kind, Kind::NotFound);
}

async fn a_package_is_new_once(world: World) {
    let r = world.repository("main").await.id;
    let (id, new) = world.write(move |tx| tx.put_package(&new_package(r, "p", "1"))).await;
    assert!(new);
    let again = world
        .write(move |tx| {
            let mut package = new_package(r, "p", "1");
            package.metadata = serde_json::json!({"yanked": true});
            package.published_at = Some(at(-5));
            package.uploader = "eve".into();
            tx.put_package(&package)
        })
        .await;
    assert_eq!(again, (id, false));
    let package = world.read(move |tx| tx.packages(&[id])).await.remove(0);
    assert_eq!(package.metadata, serde_json::json!({"yanked": true}));
    assert_eq!((package.state, package.published_at), (State::Pending, Some(at(-5))));
    assert_eq!((package.uploader.as_str(), package.uploaded_at), ("ann", at(1)), "who came first stays");
    let nul = world.fails(move |tx| tx.put_package(&new_package(r, "p\0", "1"))).await;
    assert_eq!(nul.kind, Kind::Invalid);
}

async fn a_deleted_package_comes_back_as_new(world: World) {
    let r = world.repository("main").await.id;
    let (old, new) = world
        .write(move |tx| {
            let old = publish(tx, r, "p", "1", "one")?;
            tx.set_standing(old, State::Available, &["t".to_owned()].into(), None, None)?;
            tx.set_reference(r, "pypi", "p", "latest", old, at(1))?;
            tx.delete_package(old)?;
            assert!(tx.packages_named(r, "pypi", "p", None)?.is_empty());
            assert!(tx.files_of(&[old])?.is_empty());
            assert!(tx.references(r, "pypi", "p")?.is_empty());
            Ok((old, tx.put_package(&new_package(r, "p", "1"))?))
        })
        .await;
    assert!(new.1, "new again");
    let package = world.read(move |tx| tx.packages(&[new.0])).await.remove(0);
    assert_eq!((package.state, package.tags.len(), package.decision), (State::Pending, 0, None), "{old:?}");
}

async fn standing_is_set_and_kept(world: World) {
    let r = world.repository("main").await.id;
    let id = world.write(move |tx| publish(tx, r, "p", "1", "one")).await;
    let word =
        Override { state: State::Available, reason: "checked".into(), author: "ann".into(), expires_at: Some(at(9)) };
    let tags: BTreeSet<String> = ["b".to_owned(), "a".to_owned()].into();
    let (w, t, d) = (word.clone(), tags.clone(), DecisionId("d1".into()));
    world.write(move |tx| tx.set_standing(id, State::Quarantined, &t, Some(&d), Some(Some(&w)))).await;
    let get = || world.read(move |tx| Ok(tx.packages(&[id])?.remove(0)));
    let package = get().await;
    assert_eq!((package.state, &package.tags, &package.held), (State::Quarantined, &tags, &Some(word.clone())));
    world.write(move |tx| tx.set_standing(id, State::Hidden, &BTreeSet::new(), None, None)).await;
    let package = get().await;
    assert_eq!((package.decision.unwrap().0.as_str(), package.held), ("d1", Some(word)), "kept");
    world.write(move |tx| tx.set_standing(id, State::Available, &BTreeSet::new(), None, Some(None))).await;
    assert_eq!(get().await.held, None);
}

async fn names_are_listed_in_order(world: World) {
    let r = world.repository("main").await.id;
    let names = world
        .write(move |tx| {
            for (name, version) in [("b", "1"), ("b", "2"), ("a", "1"), ("B", "1"), ("hidden", "1"), ("c", "1")] {
                let (id, _) = tx.put_package(&new_package(r, name, version))?;
                if name == "hidden" {
                    tx.set_standing(id, State::Hidden, &BTreeSet::new(), None, None)?;
                }
            }
            Ok((
                tx.package_names(r, "pypi", None, 99)?,
                tx.package_names(r, "pypi", Some("a"), 1)?,
                tx.package_names(r, "npm", None, 99)?,
                tx.packages_named(r, "pypi", "b", None)?,
                tx.packages_named(r, "pypi", "b", Some("2"))?,
            ))
        })
        .await;
    assert_eq!(names.0, ["B", "a", "b", "c"]);
    assert_eq!(names.1, ["b"]);
    assert!(names.2.is_empty());
    assert_eq!(names.3.iter().map(|p| p.at.version.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(names.4.len(), 1);
}

async fn lists_are_filtered_and_paged(world: World) {
    let r = world.repository("main").await.id;
    let s = world.repository("second").await.id;
    let ids = world
        .write(move |tx| {
            let mut ids = Vec::new();
            for (repository, name) in [(r, "Flask"), (r, "fla%sk"), (s, "django"), (r, "gone")] {
                ids.push(tx.put_package(&new_package(repository, name, "1"))?.0);
            }
            tx.set_standing(ids[2], State::Available, &BTreeSet::new(), None, None)?;
            tx.delete_package(ids[3])?;
            Ok(ids)
        })
        .await;
    let list = |filter: PackageFilter| {
        let world = &world;
        async move {
            let filter = PackageFilter { limit: 10, ..filter };
            let found = world.read(move |tx| tx.list_packages(&filter)).await;
            found.into_iter().map(|p| p.id).collect::<Vec<_>>()
        }
    };
    let any = PackageFilter::default;
    assert_eq!(list(any()).await, [ids[2], ids[1], ids[0]], "newest first, without the deleted");
    assert_eq!(list(PackageFilter { repositories: Some(vec![r]), ..any() }).await, [ids[1], ids[0]]);
    assert!(list(PackageFilter { repositories: Some(vec![]), ..any() }).await.is_empty());
    assert_eq!(list(PackageFilter { text: Some("FLAS".into()), ..any() }).await, [ids[0]]);
    assert_eq!(list(PackageFilter { text: Some("a%s".into()), ..any() }).await, [ids[1]], "no wildcards");
    assert_eq!(list(PackageFilter { state: Some(State::Available), ..any() }).await, [ids[2]]);
    assert_eq!(list(PackageFilter { before: Some(ids[1]), ..any() }).await, [ids[0]]);
    assert!(list(PackageFilter { format: Some("npm".into()), ..any() }).await.is_empty());
    let order = [ids[1], ids[0], ids[2]];
    let found = world.read(move |tx| tx.packages(&order)).await;
    assert_eq!(found.iter().map(|p| p.id).collect::<Vec<_>>(), order, "as asked for");
    let left = world.read(|tx| tx.package_ids(None, 99)).await;
    assert_eq!(left, ids[..3]);
    let first = ids[0];
    assert_eq!(world.read(move |tx| tx.package_ids(Some(first), 1)).await, [ids[1]]);
}

async fn ten_thousand_packages_are_paged_through(world: World) {
    let r = world.repository("main").await.id;
    world
        .write(move |tx| {
            for i in 0..10_000 {
                tx.put_package(&new_package(r, &format!("package-{}", i / 4), &format!("{}", i % 4)))?;
            }
            Ok(())
        })
        .await;
    let (listed, names, ids) = world
        .read(move |tx| {
            let mut listed = Vec::new();
            let mut before = None;
            loop {
                let page = tx.list_packages(&PackageFilter { before, limit: 1000, ..PackageFilter::default() })?;
                let Some(last) = page.last() else { break };
                before = Some(last.id);
                listed.extend(page.into_iter().map(|p| p.id));
            }
            let mut names: Vec<String> = Vec::new();
            loop {
                let page = tx.package_names(r, "pypi", names.last().map(String::as_str), 700)?;
                if page.is_empty() {
                    break;
                }
                names.extend(page);
            }
            let ids = tx.package_ids(None, 20_000)?;
            assert_eq!(tx.packages(&ids)?.len(), 10_000);
            Ok((listed, names, ids))
        })
        .await;
    assert_eq!((listed.len(), names.len()), (10_000, 2_500));
    assert!(listed.iter().rev().eq(ids.iter()));
    assert!(names.is_sorted());
}

async fn files_are_immutable(world: World) {
    let r = world.repository("main").await.id;
    let id = world.write(move |tx| publish(tx, r, "p", "1", "one")).await;
    let count = world
        .write(move |tx| {
            tx.stage_blob(r, "pypi", "p", &digest("two"), 3, at(1))?;
            tx.put_files(id, &[new_file("z.whl", "two"), new_file("p-1.whl", "one"), new_file("a", "two")], at(2))
        })
        .await;
    assert_eq!(count, 2, "one was there");
    let other = world.fails(move |tx| tx.put_files(id, &[new_file("z.whl", "one")], at(3))).await;
    assert_eq!((other.kind, other.code), (Kind::Conflict, "file-exists"));
    let inside = [new_file("q", "one"), new_file("q", "two")];
    let other = world.fails(move |tx| tx.put_files(id, &inside, at(3))).await;
    assert_eq!(other.code, "file-exists", "also within one call");
    let lost = world.fails(move |tx| tx.put_files(id, &[new_file("lost", "never stored")], at(3))).await;
    assert_eq!(lost.code, "blob-missing");
    let files = world.read(move |tx| tx.files_of(&[id])).await;
    assert_eq!(files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["a", "p-1.whl", "z.whl"]);
    let (file, expected) = (&files[0], new_file("a", "two"));
    assert_eq!((&file.digest, file.size, file.role), (&expected.digest, 3, Some(Role::File)));
    assert_eq!((&file.hashes, &file.metadata, file.uploaded_at), (&expected.hashes, &expected.metadata, at(2)));
}

async fn files_are_found_by_path_and_digest(world: World) {
    let r = world.repository("main").await.id;
    let (a, b) =
        world.write(move |tx| Ok((publish(tx, r, "p", "1", "same")?, publish(tx, r, "p", "2", "same")?))).await;
    let (by_path, by_digest, elsewhere) = world
        .read(move |tx| {
            Ok((
                tx.file_at(r, "pypi", "p", "p-1.whl")?,
                tx.files_with_digest(r, "pypi", "p", &digest("same"))?,
                tx.files_with_digest(r, "pypi", "q", &digest("same"))?,
            ))
        })
        .await;
    let (file, package) = by_path.unwrap();
    assert_eq!((file.package, package.id, package.at.version.as_str()), (a, a, "1"));
    assert_eq!(by_digest.iter().map(|(f, p)| (f.package, p.id)).collect::<Vec<_>>(), [(a, a), (b, b)]);
    assert!(elsewhere.is_empty());
    let id = file.id;
    assert_eq!(world.read(move |tx| tx.file(id)).await.unwrap().0, file);
    world.write(move |tx| tx.set_standing(a, State::Hidden, &BTreeSet::new(), None, None)).await;
    assert!(world.read(move |tx| tx.file_at(r, "pypi", "p", "p-1.whl")).await.is_none(), "hidden");
    assert_eq!(world.read(move |tx| tx.packages_with_digest(&digest("same"))).await, [a, b]);
}

async fn references_move(world: World) {
    let r = world.repository("main").await.id;
    let (a, b) = world.write(move |tx| Ok((publish(tx, r, "p", "1", "x")?, publish(tx, r, "p", "2", "y")?))).await;
    let moves = world
        .write(move |tx| {
            Ok([
                tx.set_reference(r, "pypi", "p", "latest", a, at(1))?,
                tx.set_reference(r, "pypi", "p", "latest", b, at(2))?,
                tx.set_reference(r, "pypi", "p", "edge", a, at(3))?,
            ])
        })
        .await;
    assert_eq!(moves, [None, Some(a), None]);
    let all = world.read(move |tx| tx.references(r, "pypi", "p")).await;
    let seen: Vec<_> = all.iter().map(|x| (x.name.as_str(), x.package, x.version.as_str(), x.set_at)).collect();
    assert_eq!(seen, [("edge", a, "1", at(3)), ("latest", b, "2", at(2))]);
    assert_eq!(world.read(move |tx| tx.references_to(&[b])).await, all[1..]);
    assert!(world.write(move |tx| tx.delete_reference(r, "pypi", "p", "edge")).await);
    assert!(!world.write(move |tx| tx.delete_reference(r, "pypi", "p", "edge")).await);
}
