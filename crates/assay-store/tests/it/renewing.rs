//! Which scanner inventories hold as of, and which are to be made again.

use crate::world::{World, component, conformance, digest, inventory};
use assay_model::{
    inventory::StoredInventory,
    package::Role,
    renewal::{Look, Mark, Outline, Which},
};

conformance!(
    a_scanner_keeps_its_number,
    what_an_older_scanner_made_is_found_and_marked,
    an_outline_is_kept_beside_the_inventory,
    filing_anew_makes_nothing,
);

fn made_by(scanner: &str, name: &str, role: Role) -> StoredInventory {
    StoredInventory { scanner: scanner.into(), ..inventory(name, role, &[component("PyPI", name, "1")]) }
}

async fn a_scanner_keeps_its_number(world: World) {
    let long = "an-analyzer/1 ".repeat(400);
    let numbers = world
        .write(move |tx| Ok([tx.scanner_number("wheel/1")?, tx.scanner_number(&long)?, tx.scanner_number("wheel/1")?]))
        .await;
    let [first, second, third] = numbers;
    assert_eq!(first, third);
    assert_ne!(first, second);
}

async fn what_an_older_scanner_made_is_found_and_marked(world: World) {
    let (old, new) = world
        .write(|tx| {
            for name in ["a", "b"] {
                tx.put_inventory(&made_by("wheel/1", name, Role::File))?;
            }
            tx.put_inventory(&made_by("wheel/2", "c", Role::Layer))?;
            Ok((tx.scanner_number("wheel/1")?, tx.scanner_number("wheel/2")?))
        })
        .await;
    let stale = || world.read(move |tx| tx.stale_scanners(new));
    assert_eq!(stale().await, [(old, "wheel/1".to_owned())]);
    let page = world.read(move |tx| tx.looks(&Which::AsOf(old, 1))).await;
    let [a] = page.as_slice() else { panic!("one at a time: {page:?}") };
    assert_eq!((&a.digest, a.role, a.as_of, a.revision.as_str()), (&digest("a"), Role::File, old, "wheel/1"));
    let first = a.number;
    world.write(move |tx| tx.mark_looks(&[first], Mark::Renew(new))).await;
    let b = world.read(move |tx| tx.looks(&Which::AsOf(old, 9))).await;
    assert_eq!(b.iter().map(|look| &look.digest).collect::<Vec<_>>(), [&digest("b")], "the first is taken");
    assert_eq!(world.read(move |tx| tx.count_looks(&[old])).await, (1, 1));
    let second = b.first().map(|look| look.number).unwrap();
    world.write(move |tx| tx.mark_looks(&[second], Mark::Holds(new))).await;
    assert!(stale().await.is_empty(), "one holds, one is to be made again");
    world.write(|tx| tx.put_inventory(&made_by("wheel/2", "a", Role::File))).await;
    let again = world.read(|tx| tx.looks(&Which::Of(digest("a"), Role::File))).await;
    assert!(matches!(again.as_slice(), [Look { renew: None, as_of, .. }] if *as_of == new));
    assert_eq!(world.read(move |tx| tx.count_looks(&[old])).await, (0, 0));
}

async fn an_outline_is_kept_beside_the_inventory(world: World) {
    let mut stored = made_by("wheel/1", "a", Role::File);
    let mut outline = Outline::default();
    outline.note("a/METADATA", 7, b"Metadata");
    outline.note("a/tool", 7, b"\x7fELF\x02");
    stored.inventory.outline = Some(outline.clone());
    let put = stored.clone();
    world.write(move |tx| tx.put_inventory(&put)).await;
    let number = world.read(|tx| tx.looks(&Which::Of(digest("a"), Role::File))).await.first().unwrap().number;
    let (kept, seen) = world.read(move |tx| tx.outlined(number)).await.unwrap();
    assert_eq!(seen.unwrap().files, outline.files);
    assert_eq!(kept.inventory.outline, None, "the inventory itself stays small");
    assert_eq!(kept.inventory.components, stored.inventory.components);
    assert_eq!(world.read(|tx| tx.outlined(4711)).await, None);
}

async fn filing_anew_makes_nothing(world: World) {
    let stored = made_by("wheel/1", "a", Role::File);
    let put = stored.clone();
    world.write(move |tx| tx.put_inventory(&put)).await;
    let (ids, new) = world.write(move |tx| tx.refile_inventory(&stored)).await;
    assert_eq!((ids.len(), new.len()), (1, 0));
    let (ids, _) = world.write(|tx| tx.refile_inventory(&made_by("wheel/1", "unknown", Role::File))).await;
    assert!(ids.is_empty());
    assert_eq!(world.read(|tx| tx.inventories_made()).await, 1);
}
