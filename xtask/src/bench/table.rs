//! Rows of figures, for people and for programs.

use serde::Serialize;

/// One figure, with what it was compared to.
#[derive(Debug, Default, Serialize)]
pub struct Row {
    pub name: String,
    pub unit: &'static str,
    /// Median over the rounds.
    pub value: Option<f64>,
    /// The same measurement of a peer in the same run.
    pub peer: Option<f64>,
    /// Which one.
    pub peer_name: Option<&'static str>,
    /// Median over the pairs of ours divided by the peer's.
    pub ratio: Option<f64>,
    /// Why there is no figure.
    pub problem: Option<String>,
}

impl Row {
    pub fn value(name: &str, unit: &'static str, value: f64) -> Self {
        Self { name: name.to_owned(), unit, value: Some(value), ..Self::default() }
    }

    /// Names the peer.
    pub fn beside(self, peer: &'static str) -> Self {
        Self { peer_name: Some(peer), ..self }
    }

    pub fn not_measured(name: &str, why: &str) -> Self {
        Self { name: name.to_owned(), problem: Some(why.to_owned()), ..Self::default() }
    }
}

/// The table that a person reads.
pub fn render(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(24) + 2;
    let mut text =
        format!("{:<width$}{:>12} {:<10}{:>12} {:<15}{:>8}\n", "measurement", "assay", "", "peer", "", "ratio");
    for row in rows {
        if let Some(problem) = &row.problem {
            text.push_str(&format!("{:<width$}NOT MEASURED: {problem}\n", row.name));
            continue;
        }
        let figure = |value: Option<f64>| value.map(number).unwrap_or_default();
        let ratio = row.ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
        text.push_str(&format!(
            "{:<width$}{:>12} {:<10}{:>12} {:<15}{ratio:>8}\n",
            row.name,
            figure(row.value),
            row.unit,
            figure(row.peer),
            row.peer_name.unwrap_or_default(),
        ));
    }
    text
}

fn number(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// The middle of the values; the mean of the two middle ones when there is an even number.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values.get(middle).copied()
    } else {
        Some((values.get(middle.checked_sub(1)?)? + values.get(middle)?) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, median, render};

    #[test]
    fn the_middle_is_found() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn a_missing_figure_says_why() {
        assert!(render(&[Row::not_measured("x", "no wrk")]).contains("NOT MEASURED: no wrk"));
    }
}
