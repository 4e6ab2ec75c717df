//! Analyzers, one folder each, and the inspector that takes whole artifacts apart with them.
//!
//! Lives here: what files say about components. Does not live here: unpacking (`assay-archive`), matching, storage.
//! To add an analyzer: a folder with an `Analyzer` and a `Part`, and its two lines below.

mod component;
mod conda;
mod content;
mod depends;
mod executable;
mod graph;
mod inspector;
mod javascript;
mod lines;
mod locked;
mod node;
mod part;
mod pkginfo;
mod project;
mod python;
mod python_project;
mod reader;
mod release;
mod stanza;
mod xml;
mod yaml;

mod apk;
mod bottlerocket;
mod bun_lock;
mod bundler;
mod cargo_lock;
mod cocoapods;
mod composer;
mod composer_installed;
mod composer_package;
mod conan;
mod conda_environment;
mod conda_meta;
mod conda_package;
mod crate_file;
mod dotnet_deps;
mod dpkg;
mod egg;
mod gem;
mod gemspec;
mod go_binary;
mod go_module;
mod gomod;
mod gradle;
mod helm_chart;
mod hex_package;
mod jar;
mod julia;
mod mix;
mod node_modules;
mod node_package;
mod npm_lock;
mod nuget;
mod nuget_props;
mod nupkg;
mod os_release;
mod pacman;
mod pdm_lock;
mod pipfile_lock;
mod pnpm_lock;
mod poetry_lock;
mod pom;
mod portage;
mod pub_package;
mod pubspec;
mod pylock;
mod python_dist_info;
mod requirements;
mod rpm;
mod rust_binary;
mod sbom;
mod sbt;
mod sdist;
mod swift;
mod uv_lock;
mod wheel;
mod yarn_lock;

pub use content::image_secrets;
pub use content::secrets::SecretRules;
pub use inspector::{Excluded, Pattern, Selection, StandardInspector, StoredLayer, image_facts};
pub use part::{Gathered, Part};
pub use pom::package_id as pom_package_id;

/// Every analyzer. The order decides nothing but which one a whole artifact is offered to first.
#[must_use]
pub fn all() -> Vec<Box<dyn Part>> {
    vec![
        Box::new(wheel::Wheel),
        Box::new(sdist::Sdist),
        Box::new(node_package::NodePackage),
        Box::new(project::Locked(npm_lock::NpmLock)),
        Box::new(project::Locked(yarn_lock::YarnLock)),
        Box::new(node_modules::NodeModules),
        Box::new(project::Locked(pnpm_lock::PnpmLock)),
        Box::new(project::Locked(bun_lock::BunLock)),
        Box::new(composer_installed::PART),
        Box::new(conda_meta::PART),
        Box::new(gemspec::PART),
        Box::new(go_binary::PART),
        Box::new(rust_binary::PART),
        Box::new(composer_package::PART),
        Box::new(conda_package::PART),
        Box::new(crate_file::PART),
        Box::new(egg::PART),
        Box::new(gem::PART),
        Box::new(go_module::PART),
        Box::new(helm_chart::PART),
        Box::new(hex_package::PART),
        Box::new(jar::PART),
        Box::new(nupkg::PART),
        Box::new(pub_package::PART),
        Box::new(apk::Apk),
        Box::new(apk::ApkFile),
        Box::new(dpkg::Dpkg),
        Box::new(dpkg::DebFile),
        Box::new(rpm::Rpm),
        Box::new(rpm::RpmFile),
        Box::new(rpm::RpmManifest),
        Box::new(bottlerocket::Bottlerocket),
        Box::new(pacman::Pacman),
        Box::new(pacman::PacmanFile),
        Box::new(portage::Portage),
        Box::new(sbom::Sbom),
        Box::new(os_release::OsReleaseFile),
        Box::new(python_dist_info::PythonDistInfo),
        Box::new(project::Locked(requirements::Requirements)),
        Box::new(project::Locked(pipfile_lock::PipfileLock)),
        Box::new(project::Locked(poetry_lock::PoetryLock)),
        Box::new(project::Locked(uv_lock::UvLock)),
        Box::new(project::Locked(pdm_lock::PdmLock)),
        Box::new(project::Locked(pylock::Pylock)),
        Box::new(gomod::PART),
        Box::new(cargo_lock::PART),
        Box::new(composer::PART),
        Box::new(nuget::PART),
        Box::new(nuget_props::PART),
        Box::new(dotnet_deps::PART),
        Box::new(conan::PART),
        Box::new(gradle::PART),
        Box::new(sbt::PART),
        Box::new(pom::PART),
        Box::new(bundler::PART),
        Box::new(cocoapods::PART),
        Box::new(swift::PART),
        Box::new(pubspec::PART),
        Box::new(mix::PART),
        Box::new(julia::PART),
        Box::new(conda_environment::PART),
    ]
}
