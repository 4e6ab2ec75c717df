//! Proactive content negotiation (RFC 9110, section 12.5.1): which of our media types a client likes best.

use http::{HeaderMap, header::ACCEPT};

/// Ranges looked at; a longer header is read up to here.
const RANGES: usize = 64;

/// One media range of an `Accept` header.
struct Range {
    kind: String,
    subtype: String,
    /// Thousandths.
    quality: u16,
}

/// The index of the media type in `offers` (ours, best first) that the `Accept` headers like best; of equally liked
/// ones the first. No header accepts everything. `None` when none is acceptable.
pub(crate) fn choose(headers: &HeaderMap, offers: &[&str]) -> Option<usize> {
    let values: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let ranges: Vec<Range> = values.iter().flat_map(|value| value.split(',')).filter_map(range).take(RANGES).collect();
    if ranges.is_empty() {
        return (!offers.is_empty()).then_some(0);
    }
    let mut best: Option<(u16, usize)> = None;
    for (index, offer) in offers.iter().enumerate() {
        let quality = quality(&ranges, offer);
        if quality > 0 && best.is_none_or(|(liked, _)| quality > liked) {
            best = Some((quality, index));
        }
    }
    best.map(|(_, index)| index)
}

/// The quality that the most specific matching range gives.
fn quality(ranges: &[Range], offer: &str) -> u16 {
    let (kind, subtype) = offer.split_once('/').unwrap_or((offer, ""));
    let specificity = |range: &Range| match (range.kind.as_str(), range.subtype.as_str()) {
        ("*", "*") => Some(0),
        (k, "*") if k == kind => Some(1),
        (k, s) if k == kind && s == subtype => Some(2),
        _ => None,
    };
    ranges
        .iter()
        .filter_map(|range| specificity(range).map(|how| (how, range.quality)))
        .max()
        .map_or(0, |(_, quality)| quality)
}

fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';');
    let (kind, subtype) = parts.next()?.trim().split_once('/')?;
    let mut quality = 1000;
    for parameter in parts {
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            quality = thousandths(value.trim());
        }
    }
    Some(Range { kind: kind.trim().to_ascii_lowercase(), subtype: subtype.trim().to_ascii_lowercase(), quality })
}

/// What cannot be read counts as not wanted.
fn thousandths(value: &str) -> u16 {
    match value.parse::<f32>() {
        Ok(q) if (0.0..=1.0).contains(&q) => (q * 1000.0).round() as u16,
        _ => 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::choose;
    use http::{HeaderMap, HeaderValue, header::ACCEPT};
    use proptest::prelude::*;

    const OFFERS: &[&str] = &["text/html", "application/x+json", "application/x+html"];

    fn pick(accept: &str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
        choose(&headers, OFFERS).map(|index| OFFERS[index])
    }

    #[test]
    fn the_best_liked_type_wins() {
        assert_eq!(choose(&HeaderMap::new(), OFFERS), Some(0));
        assert_eq!(pick("*/*"), Some("text/html"));
        assert_eq!(pick("application/*"), Some("application/x+json"));
        assert_eq!(pick("application/x+json, application/x+html;q=0.1, text/html;q=0.01"), Some("application/x+json"));
        assert_eq!(pick("text/html;q=0.2, application/x+html;q=0.7"), Some("application/x+html"));
        assert_eq!(pick("*/*;q=0.5, text/html;q=0"), Some("application/x+json"));
        assert_eq!(pick("image/png"), None);
        assert_eq!(pick("text/html;q=nonsense"), None);
        assert_eq!(pick("TEXT/HTML; Q=0.9"), Some("text/html"));
    }

    proptest! {
        #[test]
        fn any_header_is_survived(accept in "[ -~]{0,200}") {
            if let Some(chosen) = pick(&accept) {
                prop_assert!(OFFERS.contains(&chosen));
            }
        }
    }
}
