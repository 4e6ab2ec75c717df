//! Renderings of inventories and findings in standard formats. Pure.

pub mod cyclonedx;
pub mod trivy;
