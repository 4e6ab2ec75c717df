//! What the makers make is what real clients accept; otherwise a test against Assay would prove nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use assay_testkit::make::{oci, sdist, wheel::Wheel};
use assay_testkit::{Run, tool, tools};

#[tokio::test]
async fn pip_installs_a_tiny_wheel_and_builds_a_tiny_sdist() {
    let folder = tempfile::tempdir().unwrap();
    let Some(python) = tools::python_environment(&folder.path().join("venv")).await.unwrap() else { return };
    let links = folder.path().join("links");
    std::fs::create_dir(&links).unwrap();
    Wheel::new("Tiny.App", "2.0").requires("tiny-lib>=1").build().unwrap().write_to(&links).unwrap();
    sdist::sdist("tiny-lib", "1.5", &[]).unwrap().write_to(&links).unwrap();
    let install = Run::new(&python).unwrap().args(["-m", "pip", "install", "--no-index", "--find-links"]);
    let ran = install.arg(&links).arg("tiny-app").succeed().await.unwrap();
    assert!(ran.says("tiny-lib-1.5") || ran.says("tiny_lib-1.5"), "{ran}");
    let check =
        Run::new(&python).unwrap().args(["-c", "import tiny_app, tiny_lib; print(tiny_app.VERSION, tiny_lib.VERSION)"]);
    assert_eq!(check.succeed().await.unwrap().stdout.trim(), "2.0 1.5");
}

#[tokio::test]
async fn twine_finds_nothing_wrong_with_a_tiny_wheel() {
    let Some(twine) = tool("twine") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = Wheel::new("tiny", "1.0").description("Text.").build().unwrap().write_to(folder.path()).unwrap();
    Run::new(twine).unwrap().arg("check").arg(path).succeed().await.unwrap();
}

#[tokio::test]
async fn skopeo_copies_a_tiny_image_in_both_forms() {
    let Some(skopeo) = tool("skopeo") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let apk = oci::Apk { name: "musl", version: "1.1.22-r3", origin: "musl", license: "MIT" };
    let image = oci::Image::new().alpine("3.10.9", &[apk]).unwrap().layer(&[("app/a.txt", b"hello")]).unwrap();
    image.write_layout(&folder.path().join("layout"), "1.0").unwrap();
    std::fs::write(at("saved.tar"), image.docker_archive("tiny:1.0").unwrap()).unwrap();
    for (from, to) in [("oci", "layout"), ("docker-archive", "saved.tar")] {
        let source = if from == "oci" { format!("oci:{}:1.0", at(to)) } else { format!("docker-archive:{}", at(to)) };
        let copy = Run::new(&skopeo).unwrap().args(["copy", "--insecure-policy", &source]);
        copy.arg(format!("dir:{}", at(&format!("copy-of-{from}")))).succeed().await.unwrap();
        let inspect = Run::new(&skopeo).unwrap().args(["inspect", &format!("dir:{}", at(&format!("copy-of-{from}")))]);
        let ran = inspect.succeed().await.unwrap();
        let seen: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(seen["Layers"].as_array().map(Vec::len), Some(2), "{ran}");
    }
}

#[tokio::test]
async fn a_real_wheel_is_downloaded_once() {
    let Some(path) = tools::requests_wheel().await.unwrap() else { return };
    assert!(std::fs::metadata(path).unwrap().len() > 100_000);
}
