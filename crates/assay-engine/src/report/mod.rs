//! Renderings of inventories and findings in standard formats. Pure.

pub mod csv;
pub mod cyclonedx;
pub mod gitlab;
pub mod html;
pub mod junit;
pub mod sarif;
pub mod trivy;
