//! How a message looks: text for mail, a CloudEvent, blocks of Slack, an adaptive card of Teams.

use assay_model::notification::{Message, MessagePackage};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Packages of a chat message: these have limits on blocks and characters.
const IN_CHAT: usize = 8;

/// Structured mode of CloudEvents 1.0; the message is its data.
pub(super) fn cloud_event(message: &Message) -> Value {
    json!({
        "specversion": "1.0",
        "id": message.id,
        "source": format!("urn:assay:{}", message.workspace.replace(|c: char| c.is_whitespace() || c.is_control(), "-")),
        "type": format!("assay.{}", message.kind),
        "subject": message.packages.first().filter(|_| message.packages.len() == 1).map(|p| &p.subject),
        "time": message.at,
        "datacontenttype": "application/json",
        "data": message,
    })
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

fn who(message: &Message) -> Option<String> {
    let affected = &message.affected;
    if message.packages.is_empty() {
        return None;
    }
    if affected.callers.is_empty() {
        return Some(format!("Nobody pulled it in the last {} days.", affected.days));
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
        let _ = writeln!(text, "\n{}", package.subject);
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
        blocks.push(section(format!("*<{}|{}>*\n{}", package.link, escaped(&package.subject), lines.join("\n"))));
    }
    let more = message.more_packages + message.packages.len().saturating_sub(IN_CHAT);
    if more > 0 {
        blocks.push(section(format!("and {more} more packages: <{}|all>", message.link)));
    }
    for news in message.news.iter().take(IN_CHAT) {
        blocks.push(section(format!("*{}* {}", escaped(&news.event), escaped(&news.subject))));
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
        body.push(block(format!("**{}**\n\n{}", package.subject, lines(package).join("\n\n"))));
    }
    let more = message.more_packages + message.packages.len().saturating_sub(IN_CHAT);
    if more > 0 {
        body.push(block(format!("and {more} more packages")));
    }
    body.extend(message.news.iter().take(IN_CHAT).map(|news| block(format!("**{}** {}", news.event, news.subject))));
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
