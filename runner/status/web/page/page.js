// The page is a view of /v1/events: the first message has the whole status, the
// others what has changed. Everything is put in as text, never as HTML.
"use strict";

const order = ["failed", "rolled back", "held", "waiting", "changing", "settling", "applied"];
const page = 100; // bundles that are shown at first, and more each time
const $ = (selector) => document.querySelector(selector);

let now = null; // the newest status
let bundles = new Map(); // by name
let shown = page;
let selected = "";
let fetched = null; // queries, history and diff of the selected bundle

// el returns an element. Children are elements, texts, or nothing.
function el(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "onclick") e.addEventListener("click", value);
    else if (value !== undefined && value !== false) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.flat().filter((c) => c !== undefined && c !== null && c !== ""));
  return e;
}

const className = (state) => state.replace(" ", "-");
const badge = (state) => el("span", { class: "state " + className(state) }, state);
const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many || one + "s"}`;

// duration says how long, by the largest two units.
function duration(seconds) {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds / 60) % 60)} min`;
  return `${Math.floor(seconds / 86400)} days`;
}

const between = (from, to) => Math.max(0, (new Date(to) - new Date(from)) / 1000);
const known = (time) => time && !time.startsWith("0001-");


// ----- the status

function connect() {
  const source = new EventSource("v1/events");
  const link = (text, state) => { $("#link").textContent = text; $("#link").className = state; };
  source.addEventListener("status", (e) => { link("live", "live"); bundles.clear(); take(JSON.parse(e.data), true); });
  source.addEventListener("update", (e) => take(JSON.parse(e.data), false));
  source.addEventListener("error", () => link("no connection; trying again", "lost"));
}

function take(status, first) {
  const changes = first ? status.changes : status.changes.concat(now.changes).slice(0, 256);
  if (status.names) bundles.clear();
  for (const b of status.bundles) {
    b.text = [b.name, ...b.templates.flatMap((t) => [t.template, t.destination, ...t.queries])].join("\n").toLowerCase();
    b.fresh = !first;
    bundles.set(b.name, b);
  }
  const touched = first || status.bundles.some((b) => b.name === selected);
  now = status;
  now.changes = changes;
  draw();
  if (selected && touched) load();
}

function draw() {
  drawSummary();
  drawList();
  drawStores();
  drawLeases();
  drawDetail();
}

function set(e, text) {
  if (e.textContent !== text) e.textContent = text; // what is the same is not announced again
}

function drawSummary() {
  const all = [...bundles.values()];
  const states = order.map((s) => [s, all.filter((b) => b.state === s).length]).filter(([, n]) => n > 0);
  const text = states.map(([s, n]) => `${n.toLocaleString("en")} ${s}`).join(", ");
  set($("#summary"), `${now.well ? "All is well" : count(now.problems.length, "problem")}: ${count(all.length, "bundle")}${text && ", " + text}`);
  document.title = (now.well ? "" : `(${now.problems.length}) `) + "restencil";
  $("#problems").hidden = now.well;
  const most = 20;
  fill($("#problems ul"), [
    ...now.problems.slice(0, most).map((p) => el("li", {}, p.bundle ? el("a", { href: hash(p.bundle) }, p.line) : p.line, el("small", {}, p.do))),
    now.problems.length > most ? el("li", {}, `and ${now.problems.length - most} more`) : null,
  ]);
}

// fill replaces the children of e, unless they are the same.
function fill(e, children) {
  const next = children.filter((c) => c);
  const open = new Set([...e.querySelectorAll("details[open]")].map((d) => d.dataset.key));
  for (const d of next.flatMap((c) => (c.querySelectorAll ? [...c.querySelectorAll("details")] : []))) if (open.has(d.dataset.key)) d.open = true;
  if (next.length === e.childNodes.length && next.every((c, i) => c.isEqualNode(e.childNodes[i]))) return;
  const at = [...e.querySelectorAll("a, button, summary")].indexOf(document.activeElement);
  e.replaceChildren(...next);
  if (at >= 0) [...e.querySelectorAll("a, button, summary")][at]?.focus({ preventScroll: true });
}

const hash = (name) => "#b=" + encodeURIComponent(name);

// ----- the list

function drawList() {
  const words = $("#search").value.toLowerCase().split(/\s+/).filter((w) => w);
  const found = [...bundles.values()].filter((b) => words.every((w) => b.text.includes(w)));
  found.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state)); // the configuration's order within
  set($("#found"), words.length ? `${found.length.toLocaleString("en")} of ${count(bundles.size, "bundle")} match` : "");
  const list = $("#list");
  const old = new Map([...list.children].map((li) => [li.dataset.name, li]));
  const items = found.slice(0, shown).map((b) => {
    const li = item(b);
    const was = old.get(b.name);
    return was && was.isEqualNode(li) ? was : li;
  });
  if (items.length !== list.children.length || items.some((li, i) => li !== list.children[i])) {
    const focused = document.activeElement?.closest?.("#list > li")?.dataset.name;
    list.replaceChildren(...items);
    if (focused) items.find((li) => li.dataset.name === focused)?.querySelector("a").focus({ preventScroll: true });
  }
  $("#more").hidden = found.length <= shown;
  set($("#more"), `Show more (${(found.length - shown).toLocaleString("en")} left)`);
  $("#nothing").hidden = found.length > 0;
  set($("#nothing"), bundles.size ? "No bundle matches." : "There is no bundle yet: the configuration has no template.");
  for (const b of bundles.values()) b.fresh = false;
}

function item(b) {
  const files = b.files === 1 ? "" : ` · ${count(b.files, "file")}`;
  return el("li", { "data-name": b.name },
    el("a", { class: `bundle ${className(b.state)}${b.fresh ? " fresh" : ""}`, href: hash(b.name), "aria-current": b.name === selected ? "true" : undefined },
      el("b", {}, b.name), badge(b.state), el("small", {}, (b.why ? b.why.split("\n")[0] : known(b.applied) ? `applied ${new Date(b.applied).toLocaleString()}` : "") + files)));
}

// ----- one bundle

async function get(path) {
  const reply = await fetch(path);
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.error);
  return body;
}

let loading = 0;

async function load() {
  const name = selected, turn = ++loading, query = "?bundle=" + encodeURIComponent(name);
  const [status, history, diff] = await Promise.allSettled([get("v1/status" + query), get("v1/history" + query), get("v1/diff" + query)]);
  if (turn !== loading) return; // another one is under way
  fetched = { name, queries: status.value?.queries || [], problems: status.value?.problems || [], history: history.value || [], diff: diff.value || [] };
  drawDetail();
}

function select() {
  const name = location.hash.startsWith("#b=") ? decodeURIComponent(location.hash.slice(3)) : "";
  if (name === selected) return;
  selected = name;
  fetched = null;
  if (!now) return;
  draw();
  if (!name) return;
  load();
  $("#detail").focus({ preventScroll: matchMedia("(min-width: 62rem)").matches });
}

function drawDetail() {
  const b = bundles.get(selected);
  $("#detail").hidden = !b;
  if (!b) return;
  const more = fetched?.name === b.name ? fetched : { queries: [], problems: [], history: [], diff: [] };
  const problem = now.problems.find((p) => p.bundle === b.name);
  fill($("#detail-title"), [document.createTextNode(b.name + " "), badge(b.state)]);
  fill($("#line"), [el("span", {}, problem ? problem.line : b.state + (b.step ? ": " + b.step : "") + (known(b.since) ? `, since ${new Date(b.since).toLocaleString()}` : ""))]);
  set($("#do"), problem ? problem.do : "");
  $("#output").hidden = !b.output;
  set($("#output"), b.output || "");
  fill($("#actions"), [
    b.accept && $("#token").value ? el("button", { type: "button", onclick: () => post("accept?", "Make the change of " + b.name + "?") }, "Accept the change") : null,
    b.accept && !$("#token").value ? el("p", { class: "note" }, "It can be accepted with the token (at the end of the page) or restencil accept.") : null,
  ]);
  fill($("#graph"), [graph(b, more.queries)]);
  $("#pending").hidden = more.diff.length === 0;
  fill($("#pending > div"), more.diff.map((f) => diffOf(f.diff)));
  drawTimeline(b, more.history);
}

// graph returns the way of the data as nested lists: from the stores over their
// queries and the templates to the files, and what is run then.
function graph(b, queries) {
  const byName = new Map(queries.map((q) => [q.query, q]));
  const missing = new Map(b.templates.flatMap((t) => (t.waits || []).map((w) => [w.query, w])));
  const stores = new Map();
  for (const t of b.templates) for (const name of t.queries.concat((t.waits || []).map((w) => w.query))) {
    const store = byName.get(name)?.store || "store";
    if (!stores.has(store)) stores.set(store, new Map());
    if (!stores.get(store).has(name)) stores.get(store).set(name, new Set());
    stores.get(store).get(name).add(t);
  }
  const file = (t) => el("li", {}, el("span", { class: "kind" }, "file "), el("code", {}, t.destination || "none"),
    (t.warnings || []).map((w) => el("div", { class: "note" }, "Warning: " + w)));
  const template = (t) => el("li", {}, el("span", { class: "kind" }, "template "), el("code", {}, t.template),
    el("span", { class: "note" }, t.error ? " failed: " + t.error : known(t.rendered) ? ` rendered ${new Date(t.rendered).toLocaleTimeString()}, executed in ${duration(t.took_seconds)}` : " not rendered yet"),
    el("ul", {}, file(t)));
  const query = ([name, templates]) => {
    const q = byName.get(name), miss = missing.get(name);
    const state = miss ? "waiting" : q ? q.state : "unknown";
    const about = miss ? miss.reason + (miss.at ? ", asked at " + miss.at : "") : q ? [
      known(q.answered) ? `answered ${new Date(q.answered).toLocaleTimeString()}` : "", q.size ? `size ${q.size}` : "", q.index ? `index ${q.index}` : "", q.kept || "", q.failing ? q.error : "",
    ].filter((x) => x).join(", ") : "";
    return el("li", {}, el("span", { class: "kind" }, "query "), el("code", {}, name), " ", badge(state), el("span", { class: "note" }, about && " " + about), el("ul", {}, [...templates].map(template)));
  };
  const most = 50;
  const store = ([name, all]) => {
    const s = now.stores.find((s) => s.name === name);
    const entries = [...all];
    return el("li", {}, el("span", { class: "kind" }, "store "), el("b", {}, name), " ", s ? badge(s.state) : "",
      el("ul", {}, entries.slice(0, most).map(query), entries.length > most ? el("li", { class: "note" }, `and ${entries.length - most} more queries`) : null));
  };
  const alone = b.templates.filter((t) => !t.queries.length && !(t.waits || []).length);
  return el("ul", {}, [...stores].map(store), alone.map(template),
    b.reload ? el("li", {}, el("span", { class: "kind" }, `after ${count(b.files, "file")}, run `), el("code", {}, b.reload.join(" "))) : null);
}

function diffOf(text) {
  const lines = text.trimEnd().split("\n").map((line) => {
    const kind = /^(\+\+\+|---|@@)/.test(line) ? undefined : { "+": "add", "-": "del" }[line[0]];
    return el("span", { class: kind }, line + "\n");
  });
  return el("pre", { tabindex: "0", role: "group", "aria-label": "Difference of " + (text.match(/^\+\+\+ (.*)$/m)?.[1] || "a file") }, lines);
}

const why = { start: "at the start", drift: "somebody had changed the file", list: "a list of for_each changed", rollback: "rolled back by hand", other: "the configuration, or another attempt" };

function drawTimeline(b, history) {
  const changes = now.changes.filter((c) => c.bundle === b.name);
  if (b.last_change && !changes.some((c) => c.number === b.last_change.number)) changes.unshift(b.last_change);
  const told = new Set(changes.map((c) => c.generation));
  const entries = changes.map((c) => {
    const cause = (c.cause.queries || []).join(", ") + (c.cause.more_queries ? ` and ${c.cause.more_queries} more` : "");
    const outcome = c.outcome || "changing";
    return el("li", { class: className(outcome) }, badge(outcome), ` ${new Date(c.began).toLocaleString()}, in ${duration(c.took_seconds)}: ${cause ? cause + " changed" : why[c.cause.reason] || ""}`,
      c.error ? el("div", {}, c.error) : null,
      el("ul", { class: "steps", "aria-label": "Steps" }, c.steps.map((s) => el("li", {}, s.step + (s.step === "seen" ? "" : " " + duration(s.took_seconds))))),
      generation(history.find((g) => g.generation === c.generation), b));
  });
  entries.push(...history.filter((g) => !told.has(g.generation)).map((g) => el("li", { class: "applied" }, badge("applied"), ` ${new Date(g.time).toLocaleString()}, before this daemon began`, generation(g, b))));
  fill($("#timeline"), entries.length ? entries : [el("li", { class: "note" }, "Nothing has changed since the daemon began.")]);
}

// generation shows what a change has changed, as far as that is kept.
function generation(g, b) {
  if (!g) return null;
  const text = `Generation ${g.generation}: ` + (g.first ? "the oldest that is kept" : count(g.files.length, "file") + " changed");
  const newest = fetched?.history[0]?.generation === g.generation;
  return el("details", { "data-key": g.generation }, el("summary", {}, text), g.files.map((f) => diffOf(f.diff)),
    $("#token").value && !newest ? el("button", { type: "button", onclick: () => post(`rollback?generation=${g.generation}&`, `Put generation ${g.generation} of ${b.name} back?`) }, "Roll back to this") : null);
}

async function post(what, question) {
  if (!confirm(question)) return;
  try {
    const reply = await fetch(`v1/${what}bundle=${encodeURIComponent(selected)}`, { method: "POST", headers: { Authorization: "Bearer " + $("#token").value } });
    if (!reply.ok) throw new Error((await reply.json()).error);
  } catch (e) {
    alert(e.message);
  }
  load();
}

// ----- stores and leases

function drawStores() {
  $("#stores").hidden = now.stores.length === 0;
  fill($("#stores ul"), now.stores.map((s) => el("li", {}, el("b", {}, s.name), " ", badge(s.state),
    ` ${count(s.queries, "query", "queries")}${s.failing ? `, ${s.failing} failing` : ""}`,
    s.requests ? `; ${count(s.requests, "request")}, ${count(s.errors, "error")}; ${count(s.connections, "connection")}` : "",
    s.error ? el("div", { class: "note" }, s.error) : null,
    (s.parts || []).map((p) => el("div", { class: "note" }, `${p.name} away: ${p.error}`)))));
}

function drawLeases() {
  const most = 20;
  $("#leases").hidden = now.leases.length === 0;
  fill($("#leases ul"), [
    ...now.leases.slice(0, most).map((l) => el("li", {}, el("b", {}, l.name), ` ends ${new Date(l.ends).toLocaleString()}`,
      known(l.next_at) ? `, ${l.renew ? "renewed" : "replaced"} ${new Date(l.next_at).toLocaleString()}` : "", l.error ? el("div", { class: "note" }, l.error) : null)),
    now.leases.length > most ? el("li", {}, `and ${now.leases.length - most} more`) : null,
  ]);
}

$("#search").addEventListener("input", () => { shown = page; if (now) drawList(); });
$("#more").addEventListener("click", () => { shown += page; drawList(); });
$("#token").addEventListener("change", () => { if (now) drawDetail(); });
addEventListener("hashchange", select);
addEventListener("keydown", (e) => {
  if (e.key === "/" && e.target === document.body) { e.preventDefault(); $("#search").focus(); }
});
select();
connect();
