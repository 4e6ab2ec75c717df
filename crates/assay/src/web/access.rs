//! Which addresses can hide something from a caller without a token. What each caller may see is the engine's decision.

/// Whether a page below this path may exist for callers with a token only.
pub(super) fn has_private_pages(path: &str) -> bool {
    let first = path.split('/').find(|s| !s.is_empty()).unwrap_or_default();
    matches!(
        first,
        "repositories"
            | "packages"
            | "decisions"
            | "policies"
            | "library"
            | "waivers"
            | "vex"
            | "simulations"
            | "feeds"
            | "log"
            | "channels"
            | "overrides"
    )
}
