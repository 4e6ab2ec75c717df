//! What surrounds every page: title, navigation, who is signed in, addresses of style sheet and script.

use super::{WebRequest, assets};
use assay_model::access::Caller;

/// The surroundings of a page.
pub(super) struct Frame {
    /// Title without the product's name.
    pub(super) title: String,
    /// Which entry of the navigation is the current one.
    pub(super) section: &'static str,
    /// Name of the token, when there is one.
    pub(super) user: Option<String>,
    /// Address to come back to after signing in.
    pub(super) here: String,
    /// Seconds after which the page is worth reading again, when something on it is under way.
    pub(super) refresh: Option<u32>,
    /// Text of the search box.
    pub(super) search: String,
    /// Address of the style sheet.
    pub(super) style: &'static str,
    /// Address of the script.
    pub(super) script: &'static str,
    /// Address of the icon.
    pub(super) icon: &'static str,
    /// Version of the program.
    pub(super) version: &'static str,
}

impl Frame {
    /// The surroundings of the page that `request` asks for.
    pub(super) fn of(request: &WebRequest, title: impl Into<String>, section: &'static str) -> Self {
        let user = match &request.caller {
            Caller::Anonymous => None,
            other => Some(other.name().to_owned()),
        };
        let assets = &*assets::ALL;
        Self {
            title: title.into(),
            section,
            user,
            here: request.here(),
            refresh: None,
            search: String::new(),
            style: &assets.style.href,
            script: &assets.script.href,
            icon: &assets.icon.href,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// For `aria-current` in the navigation.
    pub(super) fn is(&self, section: &str) -> bool {
        self.section == section
    }
}
