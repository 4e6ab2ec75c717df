//! Fuzz targets: every parser of foreign bytes as a plain function, one target a parser.
//!
//! Two engines run them: the `assay-fuzz` program on the stable toolchain (`cargo xtask fuzz`, and briefly in
//! `cargo xtask test`), and cargo-fuzz by way of the `fuzz/` folder for long, coverage-guided runs.
//! A target may return anything; what it must not do is panic, hang, or take memory without bound.

mod advisories;
mod analyzers;
mod archive;
mod distributions;
mod documents;
pub mod engine;
mod formats;
mod model;
mod mutate;
mod packages;
mod policy;
mod projects;
mod signatures;
mod systems;

pub use mutate::Random;

/// One parser under test.
pub struct Target {
    /// `<area>-<parser>`, as on the command line.
    pub name: String,
    /// Inputs to begin from: small, valid or nearly so.
    pub seeds: Vec<Vec<u8>>,
    /// Parses. Whatever property must hold is asserted here.
    pub run: Run,
}

/// A parser and the assertions about it.
pub type Run = Box<dyn Fn(&[u8])>;

impl Target {
    fn new(name: impl Into<String>, seeds: Vec<Vec<u8>>, run: impl Fn(&[u8]) + 'static) -> Self {
        Self { name: name.into(), seeds, run: Box::new(run) }
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({}, {} seeds)", self.name, self.seeds.len())
    }
}

/// All targets.
#[must_use]
pub fn targets() -> Vec<Target> {
    let mut all = archive::targets();
    all.extend(model::targets());
    all.extend(analyzers::targets());
    all.extend(advisories::targets());
    all.extend(policy::targets());
    all.extend(documents::targets());
    all.extend(signatures::targets());
    all.extend(formats::targets());
    all
}

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    targets().into_iter().find(|target| target.name == name)
}

/// The entry point for cargo-fuzz: runs one target on one input.
///
/// # Panics
/// When there is no such target, and when the target finds something.
#[allow(clippy::panic, reason = "a fuzz engine is told of a finding by a panic")]
pub fn run(name: &str, input: &[u8]) {
    thread_local! {
        static TARGETS: Vec<Target> = targets();
    }
    TARGETS.with(|targets| match targets.iter().find(|target| target.name == name) {
        Some(target) => (target.run)(input),
        None => panic!("there is no fuzz target {name:?}"),
    });
}
