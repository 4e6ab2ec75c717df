//! How a message looks: text for mail, a CloudEvent, blocks of Slack, an adaptive card of Teams.

use assay_model::notification::{Message, MessageNews, MessagePackage};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What the specific part of a URN does not have as it is (RFC 8141, without its punctuation).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Packages of a chat message: these have limits on blocks and characters.
const IN_CHAT: usize = 8;

/// Structured mode of CloudEvents 1.0; the message is its data.
pub(super) fn cloud_event(message: &Message) -> Value {
    let mut event = json!({
        "specversion": "1.0",
        "id": message.id,
        "source": format!("urn:assay:{}", percent_encoding::utf8_percent_encode(&message.workspace, RESERVED)),
        "type": format!("assay.{}", message.kind),
        "time": message.at,
        "datacontenttype": "application/json",
        "data": message,
    });
    let subject = match (message.packages.as_slice(), message.news.as_slice()) {
        ([one], []) => Some(&one.subject),
        ([], [one]) => Some(&one.subject),
        _ => None,
    };
    // an attribute is absent rather than empty
    if let (Some(subject), Some(fields)) = (subject.filter(|s| !s.is_empty()), event.as_object_mut()) {
        fields.insert("subject".to_owned(), json!(subject));
    }
    event
}

/// What each package's lines say.
fn lines(package: &MessagePackage) -> Vec<String> {
    let mut lines = Vec::new();
    if !package.to.is_empty() {
        lines.push(format!("now {} (was {})", package.to, package.from));
    }
    lines.extend(package.reasons.iter().map(|reason| format!("why: {reason}")));
    if package.reasons.is_empty() && !package.policies.is_empty() {
        lines.push(format!("policy {}", package.policies.join(", ")));
    }
    for cited in &package.vulnerabilities {
        let score = cited.score.map(|score| format!(" {score:.1}")).unwrap_or_default();
        let fixed = cited.fixed.as_ref().map_or_else(|| "no fix known".to_owned(), |v| format!("fixed in {v}"));
        lines.push(format!("{} {}{score} in {}, {fixed}", cited.id, cited.severity.as_str(), cited.component));
    }
    if !package.advice.is_empty() {
        lines.push(format!("to do: {}", package.advice));
    }
    lines
}

fn news_lines(news: &MessageNews) -> Vec<String> {
    let advice = (!news.advice.is_empty()).then(|| format!("to do: {}", news.advice));
    [Some(news.text.clone()).filter(|text| !text.is_empty()), advice].into_iter().flatten().collect()
}

fn who(message: &Message) -> Option<String> {
    let affected = &message.affected;
    if affected.callers.is_empty() {
        return (!message.packages.is_empty()).then(|| format!("Nobody pulled it in the last {} days.", affected.days));
    }
    let named: Vec<String> = affected.callers.iter().map(|(who, n)| format!("{who} ({n})")).collect();
    let more = if affected.more_callers > 0 { format!(" and {} more", affected.more_callers) } else { String::new() };
    Some(format!("Pulled {} times in the last {} days, by {}{more}.", affected.pulls, affected.days, named.join(", ")))
}

/// For people who read mail.
pub(super) fn text(message: &Message) -> String {
    let mut text = format!("{}\n", message.title);
    if !message.trigger.is_empty() {
        let _ = writeln!(text, "Cause: {}", message.trigger);
    }
    for package in &message.packages {
        let _ = writeln!(text, "\n{}", package.name);
        if package.name != package.subject {
            let _ = writeln!(text, "  {}", package.subject);
        }
        for line in lines(package) {
            let _ = writeln!(text, "  {line}");
        }
        let _ = writeln!(text, "  {}", package.link);
    }
    if message.more_packages > 0 {
        let _ = writeln!(text, "\nand {} more packages", message.more_packages);
    }
    for news in &message.news {
        let _ = writeln!(text, "\n{} {} (by {})\n  {}", news.event, news.subject, news.actor, news.text);
        if !news.advice.is_empty() {
            let _ = writeln!(text, "  to do: {}", news.advice);
        }
        let _ = writeln!(text, "  {}", news.link);
    }
    if let Some(who) = who(message) {
        let _ = writeln!(text, "\n{who}");
    }
    let _ = writeln!(text, "\n{}\n\nDelivery {} of channel {}", message.link, message.id, message.channel);
    text
}

/// Text that a chat shows as it is.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

/// An incoming webhook of Slack, with Block Kit.
pub(super) fn slack(message: &Message) -> Value {
    let section = |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(&text, 2900)}});
    let mut blocks = vec![json!({"type": "header", "text": {"type": "plain_text", "text": cut(&message.title, 150)}})];
    for package in message.packages.iter().take(IN_CHAT) {
        let lines: Vec<String> = lines(package).iter().map(|line| escaped(line)).collect();
        blocks.push(section(format!("*<{}|{}>*\n{}", package.link, escaped(&package.name), lines.join("\n"))));
    }
    let more = message.more_packages + message.packages.len().saturating_sub(IN_CHAT);
    if more > 0 {
        blocks.push(section(format!("and {more} more packages: <{}|all>", message.link)));
    }
    for news in message.news.iter().take(IN_CHAT) {
        let head = format!("*<{}|{}>* {}", news.link, escaped(&news.event), escaped(&news.subject));
        blocks.push(section(format!(
            "{head}\n{}",
            news_lines(news).iter().map(|l| escaped(l)).collect::<Vec<_>>().join("\n")
        )));
    }
    let foot = [who(message), Some(format!("<{}|{}>", message.link, escaped(&message.workspace)))];
    let foot: Vec<String> = foot.into_iter().flatten().collect();
    blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": cut(&foot.join(" · "), 1900)}]}));
    json!({"text": cut(&message.title, 300), "blocks": blocks})
}

/// A webhook of Teams that takes adaptive cards.
pub(super) fn teams(message: &Message) -> Value {
    let block = |text: String| json!({"type": "TextBlock", "text": cut(&text, 2000), "wrap": true});
    let mut body = vec![
        json!({"type": "TextBlock", "size": "medium", "weight": "bolder", "text": cut(&message.title, 300), "wrap": true}),
    ];
    for package in message.packages.iter().take(IN_CHAT) {
        body.push(block(format!("**{}**\n\n{}", package.name, lines(package).join("\n\n"))));
    }
    let more = message.more_packages + message.packages.len().saturating_sub(IN_CHAT);
    if more > 0 {
        body.push(block(format!("and {more} more packages")));
    }
    body.extend(
        message
            .news
            .iter()
            .take(IN_CHAT)
            .map(|news| block(format!("**{}** {}\n\n{}", news.event, news.subject, news_lines(news).join("\n\n")))),
    );
    body.extend(who(message).map(block));
    json!({"type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
            "body": body,
            "actions": [{"type": "Action.OpenUrl", "title": "Look at it", "url": message.link}],
        },
    }]})
}
