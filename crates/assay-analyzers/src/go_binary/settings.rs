//! The text that describes a build: `path`, `mod`, `dep`, `=>` and `build` lines (package `runtime/debug`).

use std::collections::BTreeMap;

/// What stands for the version of a module that was built from its own folder.
const DEVEL: &str = "(devel)";

/// Modules of one program. The largest known have some three thousand.
const MODULES: usize = 20_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) path: String,
    pub(super) version: String,
    pub(super) sum: String,
    pub(super) replaced_by: Option<Box<Module>>,
}

#[derive(Debug, Default)]
pub(super) struct BuildInfo {
    /// The import path of the program.
    pub(super) path: String,
    pub(super) main: Option<Module>,
    pub(super) modules: Vec<Module>,
    /// How many more modules there were than are kept.
    pub(super) more: usize,
    pub(super) settings: BTreeMap<String, String>,
}

impl Module {
    /// The module whose code was built.
    pub(super) fn used(&self) -> Option<&Self> {
        let used = self.replaced_by.as_deref().unwrap_or(self);
        (!used.path.is_empty()).then_some(used)
    }

    /// Whether a replacement is a folder on the machine where it was built.
    pub(super) fn is_folder(&self) -> bool {
        self.version.is_empty() || self.version == DEVEL || self.path.starts_with(['.', '/'])
    }
}

pub(super) fn parse(text: &str) -> BuildInfo {
    let mut info = BuildInfo::default();
    let mut last_is_main = false;
    for line in text.lines() {
        let Some((kind, rest)) = line.split_once('\t') else { continue };
        match kind {
            "path" => info.path = rest.trim().to_owned(),
            "mod" => {
                info.main = Some(module(rest));
                last_is_main = true;
            }
            "dep" if info.modules.len() >= MODULES => info.more += 1,
            "dep" => {
                info.modules.push(module(rest));
                last_is_main = false;
            }
            "=>" if info.more == 0 => {
                let replaced = if last_is_main { info.main.as_mut() } else { info.modules.last_mut() };
                if let Some(replaced) = replaced {
                    replaced.replaced_by = Some(Box::new(module(rest)));
                }
            }
            "build" => {
                if let Some((key, value)) = rest.split_once('=') {
                    info.settings.insert(unquoted(key), unquoted(value));
                }
            }
            _ => {}
        }
    }
    info
}

fn module(rest: &str) -> Module {
    let mut fields = rest.split('\t').map(str::to_owned);
    let mut next = || fields.next().unwrap_or_default();
    Module { path: next(), version: next(), sum: next(), replaced_by: None }
}

/// Values with blanks or quotes are written as Go writes strings; escapes other than of quotes do not occur in what is read.
fn unquoted(text: &str) -> String {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => text.trim_matches('`').to_owned(),
    }
}

impl BuildInfo {
    /// The version of the main module: of the module itself, or what the build was told to write into a variable of that name
    /// (`-ldflags "-X main.version=1.2.3"`); empty where nothing tells it.
    pub(super) fn main_version(&self) -> String {
        let Some(main) = &self.main else { return String::new() };
        if !main.version.is_empty() && main.version != DEVEL {
            return main.version.clone();
        }
        let flags = self.settings.get("-ldflags").map_or("", String::as_str);
        let mut found: Vec<(bool, String)> = definitions(flags)
            .filter_map(|(name, value)| {
                let (package, variable) = name.rsplit_once('.')?;
                let known = ["version", "ver", "buildversion", "appversion", "gitversion", "releaseversion", "tag"];
                let wanted = known.contains(&variable.to_ascii_lowercase().as_str());
                let own = package == "main" || package.starts_with(main.path.as_str());
                (wanted && own).then(|| Some((package != "main", semantic(value)?)))?
            })
            .collect();
        found.sort();
        found.into_iter().next().map(|(_, version)| version).unwrap_or_default()
    }
}

/// `name=value` behind each `-X`, however it is quoted.
fn definitions(flags: &str) -> impl Iterator<Item = (&str, &str)> {
    flags.split("-X").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches([' ', '=']);
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let text = match quote {
            Some(quote) => rest.get(1..)?.split(quote).next()?,
            None => rest.split_whitespace().next()?,
        };
        let (name, value) = text.split_once('=')?;
        Some((name, value.trim_matches(['\'', '"'])))
    })
}

/// As a Go module's version.
fn semantic(value: &str) -> Option<String> {
    let bare = value.strip_prefix('v').unwrap_or(value);
    let core = bare.split(['-', '+']).next()?;
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.len() < 10 && part.bytes().all(|b| b.is_ascii_digit());
    (numbers.len() == 3 && numbers.iter().all(is_number)).then(|| format!("v{bare}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::parse;

    #[test]
    fn a_build_with_replacements_and_flags() {
        let info = parse(
            "path\texample.org/cmd/x\nmod\texample.org/x\t(devel)\t\ndep\texample.org/a\tv1.0.0\th1:AA=\n\
             dep\texample.org/b\tv1.1.0\n=>\texample.org/fork\tv1.2.0\th1:BB=\ndep\texample.org/c\tv1.0.0\n=>\t../c\t(devel)\t\n\
             build\t-ldflags=\"-s -w -X 'main.version=1.4.2' -X example.org/x/other.Commit=abc\"\nbuild\tGOOS=linux\n",
        );
        assert_eq!(info.main_version(), "v1.4.2");
        assert_eq!(info.settings["GOOS"], "linux");
        let used: Vec<_> = info.modules.iter().map(|module| module.used().unwrap()).collect();
        assert_eq!((&*used[1].path, &*used[1].version), ("example.org/fork", "v1.2.0"));
        assert!(used[2].is_folder() && !used[0].is_folder());
        let plain = parse("mod\tx\t(devel)\t\nbuild\t-ldflags=-X=x/build.Version=v2.0.0-rc.1\n");
        assert_eq!(plain.main_version(), "v2.0.0-rc.1");
        assert_eq!(parse("mod\tx\t(devel)\t\nbuild\t-ldflags=-X main.version=abc\n").main_version(), "");
        assert_eq!(parse("mod\tx\tv0.1.0\t\n").main_version(), "v0.1.0");
        assert!(parse("").main.is_none());
    }
}
