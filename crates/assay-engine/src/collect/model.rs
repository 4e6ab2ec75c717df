//! A model of the protocol, small enough that every state of it is visited: uploads, a mount, a publication, a deletion
//! and two collectors of different processes, one of which may be killed at any point. One digest, because digests do not
//! meet. The tests of the store drive it
//! through the same steps in every order.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{HashMap, HashSet, VecDeque};

/// What the database and the blob store hold of one digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct World {
    /// The blob's row.
    row: bool,
    /// A stage or file that refers to it.
    referred: bool,
    /// Who digs, if anyone.
    grave: Option<u8>,
    /// Graves closed so far; wraps, far beyond what one upload can see pass.
    closed: u8,
    /// The bytes.
    bytes: bool,
}

/// Where an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Upload {
    Look,
    Put {
        closed: u8,
    },
    Name {
        closed: u8,
    },
    /// Told its client that the bytes are here.
    Done,
}

/// Where a collector is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Collector {
    Bury,
    Delete,
    Close,
    Rest,
    Killed,
}

/// Where a caller is who refers to a row that is there (a mount, a publication of bytes that the name has already).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mount {
    Try,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    world: World,
    uploads: [Upload; 2],
    collectors: [Collector; 2],
    mount: Mount,
    /// Deletions of what was referred to that are left to happen.
    deletions: u8,
    /// Runs of collectors that are left.
    runs: u8,
}

/// Which part of the protocol is left out, to see that its absence is found.
#[derive(Clone, Copy, Debug, Default)]
struct Without {
    graves: bool,
    count: bool,
    takeover_waits: bool,
}

impl State {
    fn start(row: bool) -> Self {
        Self {
            world: World { row, bytes: row, ..World::default() },
            uploads: [Upload::Look; 2],
            collectors: [Collector::Bury; 2],
            mount: Mount::Try,
            deletions: 2,
            runs: 4,
        }
    }

    /// Every step that can be taken, each with its name.
    fn steps(self, without: Without) -> Vec<(String, Self)> {
        let mut all = Vec::new();
        for n in 0..2 {
            all.extend(self.upload(n, without).map(|(what, next)| (format!("upload {n} {what}"), next)));
            all.extend(
                self.collector(n, without).into_iter().map(|(what, next)| (format!("collector {n} {what}"), next)),
            );
        }
        if self.mount == Mount::Try {
            let mut next = Self { mount: Mount::Over, ..self };
            next.world.referred |= self.world.row;
            all.push(("mount".to_owned(), next));
        }
        if self.world.referred && self.deletions > 0 {
            let mut next = Self { deletions: self.deletions - 1, ..self };
            next.world.referred = false;
            all.push(("deletion".to_owned(), next));
        }
        all
    }

    fn upload(self, n: usize, without: Without) -> Option<(&'static str, Self)> {
        let (mut next, world) = (self, self.world);
        let what = match self.uploads[n] {
            Upload::Look if world.grave.is_some() && !without.graves => return None,
            Upload::Look => {
                next.uploads[n] = Upload::Put { closed: world.closed };
                "looks"
            }
            Upload::Put { closed } => {
                next.world.bytes = true;
                next.uploads[n] = Upload::Name { closed };
                "puts"
            }
            Upload::Name { closed } => {
                let buried = world.grave.is_some() && !without.graves;
                let moved = closed != world.closed && !without.count;
                if buried || moved {
                    next.uploads[n] = Upload::Look;
                    "starts over"
                } else {
                    next.world.row = true;
                    next.world.referred = true;
                    next.uploads[n] = Upload::Done;
                    "names"
                }
            }
            Upload::Done => return None,
        };
        Some((what, next))
    }

    fn collector(self, n: usize, without: Without) -> Vec<(&'static str, Self)> {
        let (mut next, world, me) = (self, self.world, u8::try_from(n).unwrap());
        let mut all = Vec::new();
        match self.collectors[n] {
            Collector::Bury if self.runs == 0 => {}
            Collector::Bury => {
                let unreferred = !world.referred && world.grave.is_none();
                // what no row names is found in the blob store; the other is found by its row
                if unreferred && (world.row || world.bytes) {
                    next.world.row = false;
                    next.world.grave = Some(me);
                    next.collectors[n] = Collector::Delete;
                    next.runs -= 1;
                    all.push(("buries", next));
                }
                // a grave is taken over only when its owner does nothing any more
                if let Some(owner) = world.grave {
                    let gone = self.collectors[usize::from(owner)] == Collector::Killed;
                    if owner != me && (gone || without.takeover_waits) {
                        let mut next = self;
                        next.world.grave = Some(me);
                        next.collectors[n] = Collector::Delete;
                        next.runs -= 1;
                        all.push(("takes a grave over", next));
                    }
                }
            }
            Collector::Delete => {
                next.world.bytes = false;
                next.collectors[n] = Collector::Close;
                all.push(("deletes", next));
            }
            Collector::Close => {
                if world.grave == Some(me) {
                    next.world.grave = None;
                }
                next.world.closed = world.closed.wrapping_add(1);
                next.collectors[n] = Collector::Rest;
                all.push(("closes", next));
            }
            Collector::Rest => {
                next.collectors[n] = Collector::Bury;
                all.push(("goes on", next));
            }
            Collector::Killed => {}
        }
        // one of them can be killed, at any point
        if n == 0 && self.collectors[0] != Collector::Killed {
            all.push(("is killed", Self { collectors: [Collector::Killed, self.collectors[1]], ..self }));
        }
        all
    }

    /// What must hold whenever anybody looks.
    fn wrong(self) -> Option<&'static str> {
        let world = self.world;
        match () {
            () if world.row && !world.bytes => Some("a row without its bytes"),
            () if world.referred && !world.row => Some("a reference without a row"),
            () if world.row && world.grave.is_some() => Some("a row and a grave"),
            () => None,
        }
    }

    /// Whether everybody got as far as they can.
    fn at_rest(self) -> bool {
        let killed_one_left_it =
            self.world.grave == Some(0) && self.collectors[0] == Collector::Killed && self.runs == 0;
        self.uploads.iter().all(|u| *u == Upload::Done) || killed_one_left_it
    }
}

/// Visits every state; gives how many there are, or the shortest way to one that is wrong.
fn explore(without: Without) -> Result<usize, Vec<String>> {
    let mut came: HashMap<State, Option<(State, String)>> = HashMap::new();
    let mut queue: VecDeque<State> = [State::start(false), State::start(true)].into();
    came.extend(queue.iter().map(|state| (*state, None)));
    let mut stuck: HashSet<State> = HashSet::new();
    while let Some(state) = queue.pop_front() {
        if let Some(wrong) = state.wrong() {
            let (mut way, mut at) = (vec![format!("{wrong}: {:?}", state.world)], state);
            while let Some((before, step)) = came.get(&at).cloned().flatten() {
                way.insert(0, step);
                at = before;
            }
            return Err(way);
        }
        let steps = state.steps(without);
        if steps.is_empty() && !state.at_rest() {
            stuck.insert(state);
        }
        for (what, next) in steps {
            came.entry(next).or_insert_with(|| {
                queue.push_back(next);
                Some((state, what))
            });
        }
    }
    assert!(stuck.is_empty(), "an upload that never ends: {:?}", stuck.iter().next());
    Ok(came.len())
}

#[test]
fn no_interleaving_loses_bytes_that_someone_was_told_are_kept() {
    let states = explore(Without::default()).unwrap_or_else(|way| panic!("{way:#?}"));
    assert!(states > 10_000, "only {states} states: the model does not move");
}

#[test]
fn the_check_finds_what_each_part_is_there_for() {
    for (part, without) in [
        ("graves", Without { graves: true, ..Without::default() }),
        ("the count of closed graves", Without { count: true, ..Without::default() }),
        ("waiting before a grave is taken over", Without { takeover_waits: true, ..Without::default() }),
    ] {
        let way = explore(without).expect_err(part);
        assert!(way.len() > 3, "{part}: {way:?}");
    }
}
