//! The formats a bill of materials can be written in, and the names people ask for them by.

use std::{fmt, str::FromStr};

/// A format with its version and encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SbomFormat {
    /// CycloneDX 1.6 (ECMA-424), JSON.
    CycloneDx16Json,
    /// CycloneDX 1.6, XML.
    CycloneDx16Xml,
    /// CycloneDX 1.7, JSON.
    CycloneDx17Json,
    /// CycloneDX 1.7, XML.
    CycloneDx17Xml,
    /// SPDX 2.3 (ISO/IEC 5962), JSON.
    Spdx23Json,
    /// SPDX 2.3, tag-value.
    Spdx23TagValue,
    /// SPDX 3.0.1, JSON-LD.
    Spdx3Json,
}

/// A name that is no format's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFormat(String);

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = SbomFormat::ALL.iter().map(|format| format.name()).collect();
        write!(f, "`{}` is no format of a bill of materials; use one of {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownFormat {}

impl SbomFormat {
    /// All of them, the usual one of each family first.
    pub const ALL: [Self; 7] = [
        Self::CycloneDx16Json,
        Self::CycloneDx17Json,
        Self::CycloneDx16Xml,
        Self::CycloneDx17Xml,
        Self::Spdx23Json,
        Self::Spdx23TagValue,
        Self::Spdx3Json,
    ];

    /// Its full name, which [`FromStr`] reads.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CycloneDx16Json => "cyclonedx-json@1.6",
            Self::CycloneDx16Xml => "cyclonedx-xml@1.6",
            Self::CycloneDx17Json => "cyclonedx-json@1.7",
            Self::CycloneDx17Xml => "cyclonedx-xml@1.7",
            Self::Spdx23Json => "spdx-json@2.3",
            Self::Spdx23TagValue => "spdx-tv@2.3",
            Self::Spdx3Json => "spdx-json@3.0",
        }
    }

    /// Media type of the document.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::CycloneDx16Json => "application/vnd.cyclonedx+json; version=1.6",
            Self::CycloneDx16Xml => "application/vnd.cyclonedx+xml; version=1.6",
            Self::CycloneDx17Json => "application/vnd.cyclonedx+json; version=1.7",
            Self::CycloneDx17Xml => "application/vnd.cyclonedx+xml; version=1.7",
            Self::Spdx23Json => "application/spdx+json; version=2.3",
            Self::Spdx23TagValue => "text/spdx; version=2.3",
            Self::Spdx3Json => "application/spdx+json; version=3.0",
        }
    }

    /// Whether the document is JSON.
    #[must_use]
    pub fn is_json(self) -> bool {
        matches!(self, Self::CycloneDx16Json | Self::CycloneDx17Json | Self::Spdx23Json | Self::Spdx3Json)
    }
}

impl FromStr for SbomFormat {
    type Err = UnknownFormat;

    /// `FAMILY[-ENCODING][@VERSION]` in any case: `cyclonedx`, `cyclonedx-xml@1.7`, `spdx`, `spdx-tv`, `spdx3-json`.
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let asked = text.trim().to_ascii_lowercase();
        let (family, version) = asked.split_once('@').unwrap_or((&asked, ""));
        Ok(match (family, version) {
            ("cyclonedx" | "cyclonedx-json" | "cdx", "" | "1.6") => Self::CycloneDx16Json,
            ("cyclonedx" | "cyclonedx-json" | "cdx", "1.7") => Self::CycloneDx17Json,
            ("cyclonedx-xml" | "cdx-xml", "" | "1.6") => Self::CycloneDx16Xml,
            ("cyclonedx-xml" | "cdx-xml", "1.7") => Self::CycloneDx17Xml,
            ("spdx" | "spdx-json" | "spdx2" | "spdx2-json", "" | "2.3") => Self::Spdx23Json,
            ("spdx-tv" | "spdx-tag-value", "" | "2.3") => Self::Spdx23TagValue,
            ("spdx3" | "spdx3-json", "" | "3" | "3.0" | "3.0.1") => Self::Spdx3Json,
            ("spdx" | "spdx-json", "3" | "3.0" | "3.0.1") => Self::Spdx3Json,
            _ => return Err(UnknownFormat(text.chars().take(64).collect())),
        })
    }
}

impl fmt::Display for SbomFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::SbomFormat;

    #[test]
    fn every_format_is_found_by_its_own_name() {
        for format in SbomFormat::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
    }

    #[test]
    fn short_names_mean_the_usual_format() {
        for (name, format) in [
            ("cyclonedx", SbomFormat::CycloneDx16Json),
            ("CycloneDX-JSON", SbomFormat::CycloneDx16Json),
            ("cyclonedx@1.7", SbomFormat::CycloneDx17Json),
            ("cyclonedx-xml", SbomFormat::CycloneDx16Xml),
            ("spdx", SbomFormat::Spdx23Json),
            ("spdx-tv", SbomFormat::Spdx23TagValue),
            ("spdx3-json", SbomFormat::Spdx3Json),
            ("spdx@3.0", SbomFormat::Spdx3Json),
        ] {
            assert_eq!(name.parse(), Ok(format), "{name}");
        }
        for name in ["", "cyclonedx@1.2", "spdx-xml", "swid"] {
            assert!(name.parse::<SbomFormat>().is_err(), "{name}");
        }
    }
}
