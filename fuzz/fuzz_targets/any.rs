//! Hands libFuzzer's input to the target that `ASSAY_FUZZ_TARGET` names.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static NAME: LazyLock<String> = LazyLock::new(|| {
    std::env::var("ASSAY_FUZZ_TARGET").expect("ASSAY_FUZZ_TARGET names the target; see fuzz/Cargo.toml")
});

fuzz_target!(|input: &[u8]| assay_testkit::fuzz::run(&NAME, input));
