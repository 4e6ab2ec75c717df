//! Tiny source distributions that pip can build without any network: the build backend is inside.

use anyhow::Result;

use super::wheel::{Built, escaped, metadata_text};
use super::{gzip, tar};

/// A build backend of its own: it makes the wheel from what lies beside it, so that nothing has to be downloaded.
const BACKEND: &str = r#"import base64, hashlib, os, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    meta = open("PKG-INFO", "rb").read()
    fields = dict(l.split(": ", 1) for l in meta.decode().splitlines() if ": " in l)
    base = "{}-{}".format(MODULE, fields["Version"])
    info = base + ".dist-info"
    files = [(MODULE + ".py", open(MODULE + ".py", "rb").read()), (info + "/METADATA", meta),
             (info + "/WHEEL", b"Wheel-Version: 1.0\nGenerator: tiny\nRoot-Is-Purelib: true\nTag: py3-none-any\n")]
    record = ""
    name = base + "-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as z:
        for path, data in files:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += "{},sha256={},{}\n".format(path, digest, len(data))
            z.writestr(path, data)
        z.writestr(info + "/RECORD", record + info + "/RECORD,,\n")
    return name
"#;

/// A source distribution (`.tar.gz`) with one module.
///
/// # Errors
/// When the name is too long for tar.
pub fn sdist(name: &str, version: &str, requires: &[&str]) -> Result<Built> {
    let module = escaped(name);
    let root = format!("{module}-{version}");
    let requires: Vec<String> = requires.iter().map(|text| (*text).to_owned()).collect();
    let metadata = metadata_text(name, version, &requires, &[], "");
    let project = "[build-system]\nrequires = []\nbuild-backend = \"tiny_backend\"\nbackend-path = [\".\"]\n";
    let backend = format!("MODULE = {module:?}\n{BACKEND}");
    let files = [
        (format!("{root}/PKG-INFO"), metadata),
        (format!("{root}/pyproject.toml"), project.to_owned()),
        (format!("{root}/tiny_backend.py"), backend),
        (format!("{root}/{module}.py"), format!("VERSION = {version:?}\n")),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    let bytes = gzip(&tar(&files)?)?;
    Ok(Built::new(name, version, format!("{root}.tar.gz"), "sdist", bytes))
}
