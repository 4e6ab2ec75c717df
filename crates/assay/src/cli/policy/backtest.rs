//! `assay policy backtest`: the past, replayed.

use super::{
    simulate::{because, head, read, watched},
    trial::TrialArgs,
};
use crate::cli::{
    Context,
    look::{Sheet, Text, count, cut, harmless, moment, seconds, thousands},
    out::note,
};
use anyhow::Result;
use assay_engine::{BacktestReport, BacktestTrial, Crossing, Day, KEPT_HOURS, Knowledge};
use clap::ValueEnum;

/// Rows of each table.
const SHOWN: usize = 20;
/// Eighths of a block, for the chart.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BacktestArgs {
    #[command(flatten)]
    trial: TrialArgs,
    /// How far back: 90d, 12w
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = days)]
    since: u32,
    /// Time between two looks
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = days)]
    step: u32,
    /// Whose knowledge counts
    #[arg(long, value_enum, default_value = "world")]
    facts: Facts,
    /// Replay packages as if they had been here since their authors published them
    #[arg(long)]
    as_if_stored: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Facts {
    /// A finding counts since it was published anywhere
    World,
    /// A finding counts since this server had it
    Server,
}

fn days(text: &str) -> Result<u32, String> {
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let factor = match unit {
        "d" => 1,
        "w" => 7,
        _ => return Err("a time is written as 90d (days) or 12w (weeks)".to_owned()),
    };
    let number: u32 = number.parse().map_err(|_| "a time is written as 90d (days) or 12w (weeks)".to_owned())?;
    Ok(number.saturating_mul(factor))
}

pub(super) async fn run(context: &Context, args: BacktestArgs) -> Result<()> {
    let knowledge = match args.facts {
        Facts::World => Knowledge::World,
        Facts::Server => Knowledge::Server,
    };
    let asked = BacktestTrial {
        trial: args.trial.trial()?,
        days: args.since,
        step: args.step,
        knowledge,
        as_if_stored: args.as_if_stored,
    };
    let client = context.client()?;
    let value = watched(&client, "backtest", "replaying the past", &serde_json::to_value(&asked)?).await?;
    if context.out.json {
        return context.out.data(&value);
    }
    let report: BacktestReport = read(value)?;
    let mut text = head(&report.set, report.alone);
    text.push_str(&story(&report));
    text.push_str(&chart(&report.days));
    for (title, list) in
        [("Would have been blocked", &report.crossings), ("Wrongly, as was found later", &report.wrongly)]
    {
        if !list.is_empty() {
            text.push_str(&format!("\n{title}\n{}\n", table(list).render(context.out.look).trim_end()));
            let more = list.len().saturating_sub(SHOWN);
            if more > 0 {
                text.push_str(&format!("and {} more\n", thousands(more as u64)));
            }
        }
    }
    report.notes.iter().for_each(|line| note(&format!("note: {}", harmless(line))));
    let packages = count(report.packages, "package", "packages");
    text.push_str(&format!("\nNothing was changed. {packages} replayed in {}.", seconds(report.took as f64 / 1000.0)));
    if let Some(id) = &report.id {
        let page = client.page(&format!("simulations/{id}"));
        text.push_str(&format!("\nAs a page, for {KEPT_HOURS} hours: {page}"));
    }
    context.out.text(&text)
}

fn story(report: &BacktestReport) -> String {
    let mut text = format!(
        "\nFrom {} to {}\nBlocked at some time   {} of {}, {} of these from the start\nBlocked at the end     {}\n",
        moment(report.from),
        moment(report.at),
        thousands(report.ever_blocked),
        count(report.packages, "package", "packages"),
        thousands(report.from_the_start),
        thousands(report.blocked),
    );
    if let (Some(median), Some(longest)) = (report.median_lead, report.longest_lead) {
        text.push_str(&format!(
            "Earlier than in fact   {}: {median:.1} days in the median, {longest:.1} at most\n",
            count(report.earlier, "package", "packages")
        ));
    }
    text.push_str(&format!(
        "Never blocked in fact  {}\nTaken back later       {}\nPulls refused          {}\n",
        thousands(report.never_live),
        thousands(report.taken_back),
        thousands(report.refused_pulls)
    ));
    if !report.callers.is_empty() {
        let who: Vec<String> =
            report.callers.iter().take(8).map(|(who, n)| format!("{} ({})", harmless(who), thousands(*n))).collect();
        text.push_str(&format!("                       by {}\n", who.join(", ")));
    }
    text
}

/// One line for the trial and one for what was in force, on the same scale.
fn chart(days: &[Day]) -> String {
    let most = days.iter().map(|d| d.blocked.max(d.live)).max().unwrap_or(0);
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return String::new() };
    let draw = |value: fn(&Day) -> u64| -> String {
        let height = |day: &Day| match value(day) {
            0 => 0,
            n => usize::try_from((n * 8).div_ceil(most.max(1))).unwrap_or(8).clamp(1, 8),
        };
        days.iter().map(|day| BLOCKS.get(height(day)).copied().unwrap_or('█')).collect()
    };
    format!(
        "\nBlocked by day, {} to {}, at most {}\n  with these  {}│\n  in fact     {}│\n",
        first.date,
        last.date,
        thousands(most),
        draw(|d| d.blocked),
        draw(|d| d.live)
    )
}

fn table(all: &[Crossing]) -> Sheet {
    let mut sheet = Sheet::new(&["PACKAGE", "BLOCKED", "RELEASED", "IN FACT", ">PULLS", "BECAUSE"]);
    for one in all.iter().take(SHOWN) {
        let day = |at: Option<jiff::Timestamp>| at.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        let mut why = because(&one.reasons);
        if !one.gone.is_empty() {
            why = format!("{why}; taken back: {}", one.gone.join(", "));
        }
        sheet.row([
            Text::from(harmless(&one.address)),
            day(Some(one.blocked_at)).into(),
            day(one.released_at).into(),
            day(one.live_at).into(),
            thousands(one.pulls).into(),
            Text::from(cut(&harmless(&why), 90)),
        ]);
    }
    sheet
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_or_weeks() {
        assert_eq!((days("90d"), days("2w")), (Ok(90), Ok(14)));
        for bad in ["", "90", "d", "1.5d", "3m", "é"] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn something_is_never_drawn_as_nothing() {
        let day = |blocked, live| Day { date: "2026-01-01".into(), blocked, live, ..Day::default() };
        let drawn = chart(&[day(0, 0), day(1, 0), day(800, 400)]);
        assert!(drawn.contains("with these   ▁█│") && drawn.contains("in fact       ▄│"), "{drawn}");
    }
}
