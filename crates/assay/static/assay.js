// Conveniences on top of pages that work without them: filter a table while typing, follow a package while it is being
// inspected, reach the search with "/", copy a command. Nothing here is needed to see or do anything.
"use strict";

const say = (text) => {
  const place = document.getElementById("announce");
  if (place) place.textContent = text;
};

function filterRows(table, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    const content = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => content.includes(word));
    if (!row.hidden) shown += 1;
  }
  return shown;
}

function liveFilters(root) {
  for (const form of root.querySelectorAll("form[data-live-filter]")) {
    const input = form.querySelector("input[type=search]");
    if (!input) continue;
    const began = input.value.trim();
    // What the server understands as terms says nothing about the text of a row.
    const isTerm = /[:()"*^$~]|\b(?:AND|OR|NOT)\b/;
    input.addEventListener("input", () => {
      const table = document.querySelector(form.dataset.liveFilter);
      // The rows are those that the server found for the text it began with.
      const text = input.value;
      if (table) filterRows(table, text.trim() === began || isTerm.test(text) ? "" : text);
    });
  }
  for (const place of root.querySelectorAll(".live[data-filter]")) {
    const table = document.querySelector(place.dataset.filter);
    if (!table) continue;
    const label = document.createElement("label");
    label.textContent = place.dataset.label;
    label.htmlFor = "live-filter";
    const input = document.createElement("input");
    input.id = "live-filter";
    input.type = "search";
    input.spellcheck = false;
    let pause;
    input.addEventListener("input", () => {
      const shown = filterRows(table, input.value);
      clearTimeout(pause);
      pause = setTimeout(() => say(`${shown} lines`), 500);
    });
    place.replaceChildren(label, input);
  }
}

function copyButtons(root) {
  if (!navigator.clipboard) return;
  for (const pre of root.querySelectorAll("pre[data-copy]")) {
    const frame = document.createElement("div");
    frame.className = "copied";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(pre.textContent.trim());
        button.textContent = "Copied";
        say("Copied");
      } catch {
        button.textContent = "Failed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    pre.replaceWith(frame);
    frame.append(pre, button);
  }
}

const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function relativeTimes(root) {
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const [unit, length] = STEPS.find(([, n]) => Math.abs(seconds) >= n) ?? STEPS[STEPS.length - 1];
    time.title = words.format(Math.round(seconds / length), unit);
  }
}

function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

// Whether replacing the page would take something away from under the reader's hands.
function busy(main) {
  const active = document.activeElement;
  const editing = active && main.contains(active) && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName);
  return editing || document.hidden || String(getSelection()).length > 0;
}

let following = 0;

async function follow() {
  const main = document.querySelector("main[data-refresh]");
  if (!main) return;
  const again = Math.min(30, Number(main.dataset.refresh) * Math.pow(1.2, following++)) * 1000;
  if (!busy(main)) {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
      const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (fresh && !busy(main)) {
        const open = new Set([...main.querySelectorAll("details[open][id]")].map((d) => d.id));
        const scroll = scrollY;
        const next = document.importNode(fresh, true);
        for (const details of next.querySelectorAll("details[id]")) details.open ||= open.has(details.id);
        main.replaceWith(next);
        improve(next);
        scrollTo(scrollX, scroll);
        if (!next.dataset.refresh) say("The page is up to date");
      }
    } catch {
      // The server may be restarting; the next round tries again.
    }
  }
  setTimeout(follow, again);
}

// A link from another site arrives without the session; ask again from here, where the browser sends it.
async function resumeSession() {
  const form = document.querySelector("[data-session]");
  if (!form || document.querySelector(".user") || document.querySelector("[role=alert]")) return;
  const answer = await fetch(form.dataset.session, { credentials: "same-origin" }).catch(() => null);
  if (answer?.ok && (await answer.text()).trim() === "signed in") location.replace(form.dataset.next);
}

function improve(root) {
  liveFilters(root);
  copyButtons(root);
  relativeTimes(root);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "")) return;
  const search = document.querySelector("[data-key='/']");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});
addEventListener("hashchange", openTarget);
improve(document);
openTarget();
resumeSession();
const first = document.querySelector("main[data-refresh]");
if (first) setTimeout(follow, Number(first.dataset.refresh) * 1000);
