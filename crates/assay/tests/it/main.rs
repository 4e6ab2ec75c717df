//! The program from outside: every test starts the real server on a free port with a data directory of its own and
//! drives it with the clients that people use. What the parts do by themselves is tested in their crates.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod actions;
mod airgap;
mod changes;
mod cluster;
mod command_line;
mod crash;
mod crowd;
mod decisions;
mod dependency_track;
mod faults;
mod feeds_schedule;
mod gitops;
mod health;
mod hostile;
mod imports;
mod inside;
mod inventory;
mod keep;
mod keep_promote;
mod library;
mod matrix;
mod notify;
mod oci_clients;
mod oci_conformance;
mod oci_proxied;
mod oracle;
mod overrides;
mod pages;
mod policy;
mod policy_check;
mod policy_test_command;
mod proxied;
mod pypi_changes;
mod pypi_clients;
mod renew;
mod restart;
mod scan;
mod scan_elsewhere;
mod simulate;
mod support;
mod tour_cargo;
mod tour_generic;
mod tour_go;
mod tour_helm;
mod tour_maven;
mod tour_npm;
mod tour_oci;
mod tour_pypi;
mod trivy_pairs;
mod upstreams;
mod vex;
mod waivers;
