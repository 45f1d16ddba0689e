/** The address after `#`: filters, and which conversation, turn and view are shown. */

const FILTERS = [
  "side", "suite", "model", "tag", "result", "change", "outcome", "check", "cause", "expected",
  "actual", "q",
];
const PLACE = ["in", "scenario", "by", "trial", "turn", "view"];

/** @typedef {Record<string, string>} State */
/** @type {State} */
let state = {};

/** @returns {State | null}  None where it names a section of the page and no state. */
function addressed() {
  const text = location.hash.slice(1);
  if (text && !text.includes("=")) return null;
  /** @type {State} */
  const found = {};
  for (const [name, value] of new URLSearchParams(text)) {
    if (value && (FILTERS.includes(name) || PLACE.includes(name))) found[name] = value;
  }
  return found;
}

/** @param {State} wanted */
function written(wanted) {
  const found = new URLSearchParams();
  for (const name of [...FILTERS, ...PLACE]) {
    if (wanted[name]) found.set(name, wanted[name]);
  }
  return `#${found}`;
}

/** The address of this state with some of it changed; an empty value takes it out. */
const changed = (/** @type {State} */ changes) => written({ ...state, ...changes });

/**
 * Go to a state that is this one with some of it changed.
 * @param {State} changes
 * @param {boolean} [quietly]  Without a step back in the browser's history.
 */
function go(changes, quietly = false) {
  const address = changed(changes);
  if (address === location.hash || (address === "#" && !location.hash)) return;
  // At once, and not when the browser tells of it: the next key may be pressed already.
  history[quietly ? "replaceState" : "pushState"](null, "", address);
  arrived();
}

/** What names a conversation in the address. @param {Entry} entry @returns {State} */
function placeOf(entry) {
  return {
    in: entry.suite,
    scenario: entry.id || entry.scenario,
    by: entry.model,
    trial: String(entry.number + 1),
    turn: "",
  };
}

/** @param {State} wanted @returns {Entry | undefined} */
function entryAt(wanted) {
  if (!wanted.scenario) return undefined;
  return index.entries.find(
    (entry) =>
      (entry.id === wanted.scenario || entry.scenario === wanted.scenario) &&
      (!wanted.in || entry.suite === wanted.in) &&
      (!wanted.by || entry.model === wanted.by) &&
      (!wanted.trial || String(entry.number + 1) === wanted.trial),
  );
}

/** @param {State} wanted */
const filtersOf = (wanted) =>
  Object.fromEntries(FILTERS.map((name) => [name, wanted[name] || ""]));
