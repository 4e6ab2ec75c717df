//! How things look: tables, colours, numbers. Text that came from outside is made harmless for terminals here.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets::NOTHING};
use std::io::IsTerminal;

/// No column is cut below this many characters.
const NARROWEST: usize = 20;
const GAP: usize = 2;

/// Width and colours of the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    /// Columns of the terminal; `None` when output goes elsewhere, and then nothing is cut.
    pub(super) width: Option<usize>,
    /// Whether colours are wanted.
    pub(super) color: bool,
}

impl Look {
    /// What standard output can show. `NO_COLOR` is honoured.
    pub(super) fn of_stdout() -> Self {
        let tty = std::io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { width: if tty { Table::new().width().map(usize::from) } else { None }, color: tty && !plain }
    }

    /// A line of a comparison in the colour of its sign.
    pub(super) fn signed(self, sign: char, line: &str) -> String {
        let code = match sign {
            '+' => 32,
            '-' => 31,
            '~' => 33,
            _ => return line.to_owned(),
        };
        if self.color { format!("\u{1b}[{code}m{line}\u{1b}[0m") } else { line.to_owned() }
    }
}

/// What a text means, where colour can say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    Good,
    Warning,
    Bad,
    Worst,
    Faint,
}

/// A text in a table.
#[derive(Clone, Debug)]
pub(super) struct Text {
    text: String,
    tone: Tone,
}

impl Text {
    pub(super) fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: harmless(text.as_ref()), tone }
    }
}

impl<T: AsRef<str>> From<T> for Text {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// A table without borders: a line of headings, then rows. A heading that begins with `>` makes its column end flush
/// right. The last column is cut where the terminal ends.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Text>>,
}

impl Sheet {
    pub(super) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, row: impl IntoIterator<Item = Text>) {
        self.rows.push(row.into_iter().collect());
    }

    pub(super) fn render(&self, look: Look) -> String {
        let room = self.room(look);
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if look.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(self.headings.iter().map(|h| heading(h, look)));
        for row in &self.rows {
            table.add_row(row.iter().enumerate().map(|(at, text)| {
                let shown = if at + 1 == self.headings.len() { cut(&text.text, room) } else { text.text.clone() };
                let cell = painted(&shown, text.tone, look);
                if self.is_right(at) { cell.set_alignment(CellAlignment::Right) } else { cell }
            }));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, u16::try_from(GAP).unwrap_or(2)));
        }
        table.trim_fmt()
    }

    fn is_right(&self, at: usize) -> bool {
        self.headings.get(at).is_some_and(|h| h.starts_with('>'))
    }

    /// Characters that the last column may have.
    fn room(&self, look: Look) -> usize {
        let Some(width) = look.width else { return usize::MAX };
        let others = self.headings.len().saturating_sub(1);
        let longest = |at: usize| {
            let heading = self.headings.get(at).map_or(0, |h| h.trim_start_matches('>').chars().count());
            self.rows.iter().filter_map(|r| r.get(at)).map(|t| t.text.chars().count()).fold(heading, usize::max)
        };
        let taken: usize = (0..others).map(|at| longest(at) + GAP).sum();
        width.saturating_sub(taken).max(NARROWEST)
    }
}

fn heading(text: &str, look: Look) -> Cell {
    let (shown, right) = match text.strip_prefix('>') {
        Some(shown) => (shown, true),
        None => (text, false),
    };
    let cell = Cell::new(shown);
    let cell = if look.color { cell.add_attribute(Attribute::Bold) } else { cell };
    if right { cell.set_alignment(CellAlignment::Right) } else { cell }
}

fn painted(text: &str, tone: Tone, look: Look) -> Cell {
    let cell = Cell::new(text);
    if !look.color || text.is_empty() {
        return cell;
    }
    match tone {
        Tone::Plain => cell,
        Tone::Good => cell.fg(Color::Green),
        Tone::Warning => cell.fg(Color::Yellow),
        Tone::Bad => cell.fg(Color::Red),
        Tone::Worst => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        Tone::Faint => cell.add_attribute(Attribute::Dim),
    }
}

/// At most `room` characters, the last an ellipsis where something is missing.
pub(super) fn cut(text: &str, room: usize) -> String {
    if text.chars().nth(room).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The text on one line and without what a terminal would obey: controls, and marks that turn the writing direction.
pub(super) fn harmless(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = text.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect();
    if plain.contains("  ") && plain != text { plain.split_whitespace().collect::<Vec<_>>().join(" ") } else { plain }
}

/// `1234567` as `1,234,567`.
pub(super) fn thousands(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().unwrap_or(0).to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 package`, `2 packages`.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// Bytes in the unit in which they are easily read.
#[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
pub(super) fn bytes(n: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64 / 1024.0;
    if value < 1.0 {
        return format!("{n} B");
    }
    let mut at = 0;
    while value >= 1024.0 && at + 1 < units.len() {
        value /= 1024.0;
        at += 1;
    }
    format!("{value:.1} {}", units.get(at).copied().unwrap_or_default())
}

/// A text with a digest in it, this shortened to what people compare.
pub(super) fn short(text: &str) -> String {
    match text.split_once("sha256:") {
        Some((before, hex)) if hex.len() == 64 => format!("{before}sha256:{}…", hex.get(..12).unwrap_or_default()),
        _ => text.to_owned(),
    }
}

/// Seconds as people say them.
pub(super) fn seconds(n: f64) -> String {
    match n {
        n if n < 10.0 => format!("{n:.2} s"),
        n if n < 120.0 => format!("{n:.0} s"),
        n => format!("{:.0} min", n / 60.0),
    }
}

/// A point in time to the second, UTC.
pub(super) fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!((thousands(7_u64), thousands(1_234_567_u64)), ("7".into(), "1,234,567".into()));
        assert_eq!((bytes(12), bytes(1536), bytes(5 << 30)), ("12 B".into(), "1.5 KiB".into(), "5.0 GiB".into()));
        assert_eq!(count(1, "package", "packages"), "1 package");
    }

    #[test]
    fn what_came_from_outside_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31mred\u{7}\r\nnext\u{202e}"), "a [31mred next");
        assert_eq!(harmless("two  spaces stay"), "two  spaces stay");
    }

    #[test]
    fn the_last_column_ends_with_the_terminal() {
        let mut sheet = Sheet::new(&["NAME", ">SCORE", "TITLE"]);
        sheet.row(["requests".into(), "9.8".into(), "A title that is longer than the terminal is wide".into()]);
        let look = Look { width: Some(45), color: false };
        let shown = sheet.render(look);
        assert!(shown.lines().all(|line| line.chars().count() <= 45), "{shown}");
        assert!(shown.ends_with('…'), "{shown}");
        assert!(sheet.render(Look::default()).ends_with("is wide"));
    }

    #[test]
    fn colours_appear_only_when_wanted() {
        let mut sheet = Sheet::new(&["NAME"]);
        sheet.row([Text::new("x", Tone::Worst)]);
        assert!(!sheet.render(Look::default()).contains('\u{1b}'));
        assert!(sheet.render(Look { width: None, color: true }).contains('\u{1b}'));
    }
}
