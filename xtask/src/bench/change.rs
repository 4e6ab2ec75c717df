//! Many packages stored: how fast they come in, how fast a policy decides all of them, how soon an advisory refuses one,
//! and what the server costs to start and to keep.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use super::server::Server;
use super::table::{Row, median};
use super::{Options, Programs, items};

/// Counts decided packages.
const DECIDED: &str = "assay_decisions_total";
/// Longest wait for the server to decide everything.
const PATIENCE: Duration = Duration::from_secs(600);

pub fn measure(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let mut server = Server::start(programs, None)?;
    let count = options.packages();
    let mut rows = vec![
        Row::value(&format!("scale: uploads of {count} wheels"), "1/s", uploads(programs, &server, count)?),
        Row::value(&format!("scale: decisions, new policy over {count}"), "1/s", decisions(&server, count)?),
    ];
    rows.extend(refusals(&server, programs, options)?);
    rows.extend(restarts(&mut server, options)?);
    Ok(rows)
}

/// Uploads per second, each answered when it is durable; the last one is decided when this returns.
fn uploads(programs: &Programs, server: &Server, count: usize) -> Result<f64> {
    let start = Instant::now();
    items::fill(programs, server, "bench-fill", count, 1)?;
    let rate = count as f64 / start.elapsed().as_secs_f64();
    server.idle()?;
    Ok(rate)
}

/// Decisions per second after a policy is added, each with its own entry in the log.
fn decisions(server: &Server, count: usize) -> Result<f64> {
    let before = server.metric(DECIDED)?;
    let start = Instant::now();
    items::add_policy(server)?;
    while server.metric(DECIDED)? < before + count as f64 {
        if start.elapsed() > PATIENCE {
            bail!("only {} of {count} packages were decided in ten minutes", server.metric(DECIDED)? - before);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    server.idle()?;
    Ok(rate)
}

/// When one advisory was heard of and when the package was refused, in milliseconds.
struct Refusal {
    from_command: f64,
    from_event: f64,
}

fn refusals(server: &Server, programs: &Programs, options: &Options) -> Result<Vec<Row>> {
    let measured = (0..options.rounds()).map(|round| refusal(server, programs, options.packages(), round));
    let measured = measured.collect::<Result<Vec<Refusal>>>()?;
    let middle = |pick: fn(&Refusal) -> f64| median(measured.iter().map(pick).collect()).context("no round was run");
    let count = options.packages();
    Ok(vec![
        Row::value(&format!("scale: advisory to refused pull, {count} stored"), "ms", middle(|r| r.from_event)?),
        Row::value("scale: the same, from the import command's start", "ms", middle(|r| r.from_command)?),
    ])
}

fn refusal(server: &Server, programs: &Programs, count: usize, round: usize) -> Result<Refusal> {
    let name = format!("bench-fill-{}", (count / 2 + round * 7) % count);
    let index = format!("/pypi/main/simple/{name}/");
    let path = file_path(&index, &server.wait_for(&index)?.body)?;
    server.wait_for(&path)?;
    let zip = server.scratch().join("advisory.zip");
    let id = format!("ASSAY-BENCH-{round}");
    items::write_advisory(programs, &id, &name, &zip)?;
    let zip = zip.display().to_string();
    let start = Instant::now();
    let (from_command, refused_at) = std::thread::scope(|scope| {
        let poll = scope.spawn(|| until_refused(server, &path, start));
        server.cli(&["feeds", "import", &zip])?;
        poll.join().map_err(|_| anyhow::anyhow!("polling panicked"))?
    })?;
    let heard = event_time(server, &format!("advisory {id} changed"))?;
    Ok(Refusal { from_command: millis(from_command), from_event: millis(refused_at.saturating_sub(heard)) })
}

/// Asks every millisecond. Gives the time since `start`, and the wall clock since 1970.
fn until_refused(server: &Server, path: &str, start: Instant) -> Result<(Duration, Duration)> {
    loop {
        let status = server.request("GET", path, b"")?.status;
        if status == 403 {
            return Ok((start.elapsed(), SystemTime::now().duration_since(UNIX_EPOCH)?));
        }
        if status != 200 {
            bail!("{path} answers {status}, neither served nor refused");
        }
        if start.elapsed() > Duration::from_secs(120) {
            bail!("{path} is still served two minutes after the advisory");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The time of the newest event about `subject`, since 1970. An advisory's is taken before it is committed, so what is
/// counted from it is at least what passed since the commit.
fn event_time(server: &Server, subject: &str) -> Result<Duration> {
    let path = format!("/api/v1/events?order=newest&limit=1&subject={}", subject.replace(' ', "%20"));
    let answer = server.request("GET", &path, b"")?;
    let body: serde_json::Value = serde_json::from_slice(&answer.body).context("the events are no JSON")?;
    let at = body.pointer("/events/0/at").and_then(serde_json::Value::as_str);
    let at = at.with_context(|| format!("there is no event about {subject:?}"))?;
    timestamp(at).with_context(|| format!("{at:?} is no time"))
}

/// Reads `2026-01-31T23:59:59.123456Z`.
fn timestamp(text: &str) -> Option<Duration> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':').map(|part| part.parse::<f64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    // Days since 1970 in the proleptic Gregorian calendar, counted in years that begin in March.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1 - 719_468;
    Duration::try_from_secs_f64(days as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second).ok()
}

/// Time to the first answer of a server that has everything stored, and its memory once it is idle.
fn restarts(server: &mut Server, options: &Options) -> Result<Vec<Row>> {
    let mut times = Vec::new();
    for _ in 0..options.rounds() {
        times.push(millis(server.restart()?));
    }
    std::thread::sleep(Duration::from_secs(3));
    let memory = server.resident()? as f64 / (1 << 20) as f64;
    let count = options.packages();
    Ok(vec![
        Row::value(&format!("scale: start with {count} stored"), "ms", median(times).context("no start")?),
        Row::value(&format!("scale: idle memory with {count} stored"), "MiB", memory),
    ])
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The path of the first file that the index at `base` links to.
fn file_path(base: &str, index: &[u8]) -> Result<String> {
    let text = String::from_utf8_lossy(index);
    let link = text.split("href=\"").nth(1).and_then(|rest| rest.split(['"', '#']).next());
    let link = link.context("the simple index has no link")?;
    if let Some((_, rest)) = link.split_once("://") {
        return Ok(rest.find('/').map_or("/", |at| &rest[at..]).to_owned());
    }
    if link.starts_with('/') {
        return Ok(link.to_owned());
    }
    let mut segments: Vec<&str> = base.split('/').collect();
    segments.pop();
    for segment in link.split('/') {
        match segment {
            ".." if segments.len() > 1 => drop(segments.pop()),
            "." => {}
            other => segments.push(other),
        }
    }
    Ok(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{file_path, timestamp};
    use std::time::Duration;

    #[test]
    fn the_link_of_an_index_is_found() {
        let ok = |html: &str| file_path("/pypi/main/simple/a/", html.as_bytes()).ok();
        assert_eq!(ok("<a href=\"/pypi/main/files/a.whl#sha256=0\">a</a>").as_deref(), Some("/pypi/main/files/a.whl"));
        assert_eq!(ok("<a href=\"http://127.0.0.1:1/x/a.whl\">a</a>").as_deref(), Some("/x/a.whl"));
        assert_eq!(ok("<a href=\"../../files/a/a.whl#x\">a</a>").as_deref(), Some("/pypi/main/files/a/a.whl"));
        assert_eq!(ok("<a>none</a>"), None);
    }

    #[test]
    fn times_are_read() {
        assert_eq!(timestamp("1970-01-01T00:00:00Z"), Some(Duration::ZERO));
        assert_eq!(timestamp("2024-02-29T12:30:15.5Z"), Some(Duration::from_millis(1_709_209_815_500)));
        assert_eq!(timestamp("2026-12-31T23:59:59Z"), Some(Duration::from_secs(1_798_761_599)));
        assert_eq!(timestamp("yesterday"), None);
    }
}
