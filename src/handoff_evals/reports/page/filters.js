/** Which conversations are in the list. */

/** @type {Record<string, string>} */
const TITLES = {
  side: "Run", suite: "Suite", model: "Model", tag: "Tag", result: "Result", change: "Flipped",
  outcome: "Outcome", check: "Check failed", cause: "Unscored because", expected: "Expected",
  actual: "Active", q: "Words",
};
const CHOICES = ["result", "suite", "model", "tag", "outcome", "check", "cause", "side", "change"];

/** Whether a trial is one of those that are asked for. @param {Row} row @param {State} wanted */
function rowMatches(row, wanted) {
  if (wanted.result && row.status !== wanted.result) return false;
  if (wanted.cause && !(row.status === "unscored" && row.cause === wanted.cause)) return false;
  if (wanted.check && !row.failed.includes(wanted.check)) return false;
  if (!wanted.outcome && !wanted.expected && !wanted.actual) return true;
  // The figures that lead here count the decisions of scored trials, and those on path.
  return row.status !== "unscored" && row.decisions.some((each) => decisionMatches(each, wanted));
}

/** @param {Decision} decision @param {State} wanted */
function decisionMatches(decision, wanted) {
  if (wanted.outcome === "cascaded") {
    if (!decision.cascaded) return false;
  } else if (decision.cascaded || (wanted.outcome && decision.outcome !== wanted.outcome)) {
    return false;
  }
  if (wanted.expected && decision.expected !== wanted.expected) return false;
  return !wanted.actual || decision.actual === wanted.actual;
}

/** Words and "phrases", in lower case. @param {string} text */
function terms(text) {
  return [...text.toLowerCase().matchAll(/"([^"]+)"?|(\S+)/g)]
    .map((match) => (match[1] || match[2] || "").trim())
    .filter(Boolean);
}

/** @param {Entry} entry @param {State} wanted @param {string[]} searched */
function entryMatches(entry, wanted, searched) {
  if (wanted.suite && entry.suite !== wanted.suite) return false;
  if (wanted.model && entry.model !== wanted.model) return false;
  if (wanted.tag) {
    const [name, ...value] = wanted.tag.split("=");
    if (entry.tags[name] !== value.join("=")) return false;
  }
  if (wanted.change && !changeOf(entry).includes(wanted.change)) return false;
  const sides = wanted.side ? [entry.sides[wanted.side === "b" ? 1 : 0]] : entry.sides;
  return sides.some(
    (row) => row && rowMatches(row, wanted) && (!searched.length || hasAll(entry, row, searched)),
  );
}

/** @param {Entry} entry */
function changeOf(entry) {
  if (entry.flips === undefined) return ["on one side only"];
  return entry.flips.length ? entry.flips : [entry.parted ? "other words" : "the same"];
}

/** @param {Entry} entry @param {Row} row @param {string[]} searched */
function hasAll(entry, row, searched) {
  const tags = Object.entries(entry.tags).map(([name, value]) => `${name}=${value}`);
  const about = [entry.scenario, entry.suite, entry.model, entry.id, ...tags].join("\n").toLowerCase();
  const text = words.get(row) || "";
  return searched.every((term) => text.includes(term) || about.includes(term));
}

/** What each filter can be, with how many conversations are so. @returns {Record<string, string[]>} */
function choices() {
  /** @type {Record<string, Set<string>>} */
  const found = Object.fromEntries(CHOICES.map((name) => [name, new Set()]));
  for (const entry of index.entries) {
    found.suite.add(entry.suite);
    found.model.add(entry.model);
    for (const [name, value] of Object.entries(entry.tags)) found.tag.add(`${name}=${value}`);
    if (index.paired) for (const each of changeOf(entry)) found.change.add(each);
    for (const row of entry.sides) {
      if (!row) continue;
      found.result.add(row.status);
      if (row.status === "unscored") found.cause.add(row.cause);
      for (const each of row.failed) found.check.add(each);
      for (const each of row.decisions) found.outcome.add(each.cascaded ? "cascaded" : each.outcome);
    }
  }
  if (index.paired) found.side = new Set(["a", "b"]);
  return Object.fromEntries(
    Object.entries(found).map(([name, values]) => [
      name,
      name === "suite" || name === "model" ? [...values] : [...values].sort(),
    ]),
  );
}

/** @type {Record<string, HTMLSelectElement>} */
const selects = {};

/** Make the choices, once. */
function makeChoices() {
  for (const [name, values] of Object.entries(choices())) {
    if (values.length < 2 && !["cause", "outcome", "check"].includes(name)) continue;
    if (!values.length) continue;
    const select = /** @type {HTMLSelectElement} */ (
      make("select", { "aria-label": TITLES[name], change: () => go({ [name]: select.value }) })
    );
    select.append(make("option", { value: "" }, `${TITLES[name]}: any`));
    for (const value of values) {
      const shown = name === "side" ? value.toUpperCase() : value;
      select.append(make("option", { value }, shown.length > 60 ? `${shown.slice(0, 60)}…` : shown));
    }
    selects[name] = select;
    byId("choices").append(select);
  }
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  search.addEventListener("input", () => go({ q: search.value }, true));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
}

/** Show which filters are on. */
function showFilters() {
  for (const [name, select] of Object.entries(selects)) {
    select.value = state[name] || "";
    select.classList.toggle("on", Boolean(state[name]));
  }
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  if (search.value !== (state.q || "")) search.value = state.q || "";
  const on = FILTERS.filter((name) => state[name]);
  const chips = on.map((name) =>
    make(
      "button.chip",
      { type: "button", click: () => go({ [name]: "" }) },
      make("span.muted", {}, `${TITLES[name]} `),
      label(name === "side" ? state[name].toUpperCase() : state[name], 60),
      make("span", { "aria-hidden": "true" }, " ×"),
      make("span.hidden", {}, ", take it out"),
    ),
  );
  if (on.length > 1) {
    chips.push(make("button.chip.clear", { type: "button", click: clearFilters }, "Clear all"));
  }
  byId("chosen").replaceChildren(...chips);
}

const clearFilters = () => go(Object.fromEntries(FILTERS.map((name) => [name, ""])));
