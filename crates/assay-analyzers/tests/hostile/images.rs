//! Images whose documents name each other, or one thing a million times.

use super::Case;
use crate::make::{gz, raw, tar_of};

pub fn cases() -> Vec<Case> {
    vec![
        Case::file("docker: a manifest that names itself", "a.tar", || {
            tar_of(&[(
                "manifest.json",
                br#"[{"Config":"manifest.json","RepoTags":["a:1"],"Layers":["manifest.json","manifest.json"]}]"#,
            )])
        }),
        Case::file("docker: one layer a million times", "a.tar", || docker(1, 300_000)),
        Case::file("docker: many images of many layers", "a.tar", || docker(1500, 1000)),
        Case::file("docker: links in a circle", "a.tar", || {
            let (a, b) = (format!("{}/layer.tar", "a".repeat(64)), format!("{}/layer.tar", "b".repeat(64)));
            let manifest = format!(r#"[{{"Config":"c.json","Layers":["{a}","{b}"]}}]"#);
            [
                raw(b'2', &a, &format!("../{b}"), b""),
                raw(b'2', &b, &format!("../{a}"), b""),
                tar_of(&[("manifest.json", manifest.as_bytes())]),
            ]
            .concat()
        }),
        Case::file("docker: a layer that is an image", "a.tar", || {
            let inner = docker(1, 1);
            let path = format!("{}/layer.tar", "a".repeat(64));
            tar_of(&[(&path, &inner), ("manifest.json", format!(r#"[{{"Layers":["{path}"]}}]"#).as_bytes())])
        }),
        Case::file("docker: a configuration nested without end", "a.tar", || {
            let config = format!(r#"{{"config":{}"#, r#"{"a":"#.repeat(200_000));
            tar_of(&[("c.json", config.as_bytes()), ("manifest.json", br#"[{"Config":"c.json","Layers":[]}]"#)])
        }),
        Case::file("oci: an index that names itself", "a.tar", || indexes(&["a", "a"], 1)),
        Case::file("oci: indexes in a circle", "a.tar", || indexes(&["a", "b", "c", "a"], 1)),
        Case::file("oci: an index that names itself a thousand times", "a.tar", || indexes(&["a", "a"], 1000)),
        Case::file("oci: a manifest that many indexes name", "a.tar", || indexes(&["a", "b", "c", "d", "e", "f"], 300)),
    ]
}

/// An image archive in which everything is the same layer.
fn docker(images: usize, layers: usize) -> Vec<u8> {
    let layer = gz(&tar_of(&[("lib/apk/db/installed", b"P:a\nV:1\n\nP:b\nV:2\n\n")]));
    let path = format!("{}.tar.gz", "a".repeat(64));
    let list = vec![format!("\"{path}\""); layers].join(",");
    let image = format!(r#"{{"Config":"c.json","RepoTags":["a:1"],"Layers":[{list}]}}"#);
    // Documents above 4 MiB are not read.
    let most = (4 << 20) / image.len().max(1);
    let manifest = format!("[{}]", vec![image; images.min(most).max(1)].join(","));
    tar_of(&[(&path, &layer), ("c.json", b"{}"), ("manifest.json", manifest.as_bytes())])
}

/// An image layout whose index names the first, the first the second and so on, each `count` times.
fn indexes(names: &[&str], count: usize) -> Vec<u8> {
    let blob = |name: &str| format!("{:0>64}", name);
    let to = |name: &str| {
        let one = format!(
            r#"{{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:{}","size":1}}"#,
            blob(name)
        );
        format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, vec![one; count].join(","))
    };
    let mut files = vec![("oci-layout".to_owned(), "{}".to_owned()), ("index.json".to_owned(), to(names[0]))];
    for pair in names.windows(2) {
        files.push((format!("blobs/sha256/{}", blob(pair[0])), to(pair[1])));
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    tar_of(&files)
}
