//! What single package-URL types ask for beyond the general rules: case, required and forbidden parts.

use super::Parts;

/// Types whose name is a path of several segments; the namespace is then one segment only.
pub(super) fn has_path_name(kind: &str) -> bool {
    kind == "git"
}

/// Brings the parts into the form that the type calls canonical.
pub(super) fn normalize(parts: &mut Parts) {
    if has_path_name(&parts.kind) {
        split_after_host(parts);
    }
    match parts.kind.as_str() {
        "alpm" | "apk" | "bitbucket" | "brew" | "composer" | "deb" | "github" | "gitlab" | "golang" | "hex" | "otp"
        | "vscode-extension" => {
            lower_namespace(parts);
            lower_name(parts);
        }
        "bitnami" | "oci" | "pub" => lower_name(parts),
        "rpm" | "qpkg" => lower_namespace(parts),
        "pypi" => parts.name = parts.name.to_lowercase().replace('_', "-"),
        "git" if parts.namespace.as_deref().is_some_and(ignores_case) => {
            lower_namespace(parts);
            lower_name(parts);
        }
        "huggingface" => parts.version = parts.version.take().map(|version| version.to_lowercase()),
        "mlflow" if parts.qualifiers.get("repository_url").is_some_and(|url| url.contains("databricks")) => {
            lower_name(parts);
        }
        _ => {}
    }
}

fn lower_namespace(parts: &mut Parts) {
    parts.namespace = parts.namespace.take().map(|namespace| namespace.to_lowercase());
}

fn lower_name(parts: &mut Parts) {
    parts.name = parts.name.to_lowercase();
}

/// `host/group/repository`: the host is the namespace, all that follows the name.
fn split_after_host(parts: &mut Parts) {
    if let Some((host, path)) = parts.namespace.as_deref().and_then(|n| n.split_once('/')) {
        parts.name = format!("{path}/{}", parts.name);
        parts.namespace = Some(host.to_owned());
    }
    let segments: Vec<_> = parts.name.split('/').filter(|segment| !segment.is_empty()).collect();
    parts.name = segments.join("/");
}

/// Hosts whose repositories are found whatever the case.
fn ignores_case(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    ["github", "gitlab", "bitbucket"].iter().any(|known| host.starts_with(known))
}

/// Refuses what the type forbids.
pub(super) fn check(parts: &Parts) -> Result<(), &'static str> {
    match parts.kind.as_str() {
        "chrome-extension" => check_chrome_extension(parts),
        "cpan" if parts.name.contains("::") => Err("the name must be a distribution, not a module"),
        "julia" if !parts.qualifiers.contains_key("uuid") => Err("this type requires the qualifier uuid"),
        "otp" | "vcpkg" if parts.namespace.is_some() => Err("this type has no namespace"),
        "git" | "swift" | "vscode-extension" if parts.namespace.is_none() => Err("this type requires a namespace"),
        _ => Ok(()),
    }
}

fn check_chrome_extension(parts: &Parts) -> Result<(), &'static str> {
    if parts.name.len() != 32 || !parts.name.bytes().all(|b| (b'a'..=b'p').contains(&b)) {
        return Err("the name must be 32 letters from a to p");
    }
    let Some(version) = &parts.version else {
        return Ok(());
    };
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if version.split('.').count() > 4 || !version.split('.').all(number) {
        return Err("the version must be one to four numbers");
    }
    Ok(())
}
