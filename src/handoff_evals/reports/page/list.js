/**
 * The list: a line for each scenario and model, with its trials as a strip. Only the lines that
 * can be seen are in the page.
 *
 * @typedef {{entries: Entry[], shown: Set<Entry>}} Group
 */

const HEIGHT = 60;
const BEYOND = 6;

/** All groups, in order. @type {Group[]} */
let groups = [];
/** Those that have a conversation that is asked for. @type {Group[]} */
let listed = [];
/** @type {Entry | undefined} */
let current;

/** @param {Entry} entry */
const groupKey = (entry) => JSON.stringify([entry.suite, entry.id || entry.scenario, entry.model]);

/** Put the trials of one scenario and model together, once. */
function makeGroups() {
  /** @type {Map<string, Group>} */
  const found = new Map();
  for (const entry of index.entries) {
    const key = groupKey(entry);
    const group = found.get(key) || { entries: [], shown: new Set() };
    group.entries.push(entry);
    found.set(key, group);
  }
  groups = [...found.values()];
}

/** Find what the filters ask for. */
function filterList() {
  const searched = terms(state.q || "");
  if (searched.length && read < index.parts) {
    readWords(() => {
      filterList();
      drawList();
    });
  }
  listed = [];
  let conversations = 0;
  for (const group of groups) {
    group.shown = new Set(group.entries.filter((each) => entryMatches(each, state, searched)));
    conversations += group.shown.size;
    if (group.shown.size) listed.push(group);
  }
  const all = index.entries.length;
  const what = index.paired ? "pair" : "conversation";
  const some =
    conversations === all
      ? counted(all, what)
      : `${conversations.toLocaleString("en")} of ${counted(all, what)}`;
  const waiting = searched.length && read < index.parts;
  announce(byId("count"), waiting ? `${some}, still reading (${read} of ${index.parts})` : some);
}

/** Draw the lines that can be seen. */
function drawList() {
  const list = byId("list");
  const rows = byId("rows");
  rows.style.height = `${listed.length * HEIGHT}px`;
  const first = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - BEYOND);
  const last = Math.min(
    listed.length,
    Math.ceil((list.scrollTop + (list.clientHeight || 600)) / HEIGHT) + BEYOND,
  );
  const shown = [];
  for (let number = first; number < last; number += 1) shown.push(line(listed[number], number));
  rows.replaceChildren(...shown);
  byId("list").classList.toggle("empty", !listed.length);
}

/** @param {Group} group @param {number} number */
function line(group, number) {
  const entry = [...group.shown][0];
  const chosen = current !== undefined && group.entries.includes(current);
  const found = make(
    `li${chosen ? ".chosen" : ""}`,
    { "aria-setsize": listed.length, "aria-posinset": number + 1 },
    make(
      "a.line",
      { href: changed({ ...placeOf(entry), view: state.view || "" }), "aria-current": chosen && "true" },
      make("span.title", {}, label(entry.scenario)),
      make("span.sub", {}, label(entry.suite, 40), " · ", label(entry.model, 60)),
      make("span.hidden", {}, inWords(group)),
    ),
    ...strips(group),
  );
  found.style.transform = `translateY(${number * HEIGHT}px)`;
  return found;
}

/** @param {Group} group */
function inWords(group) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const entry of group.entries) {
    for (const row of entry.sides) if (row) counts[row.status] = (counts[row.status] || 0) + 1;
  }
  return Object.entries(counts).map(([status, count]) => `, ${count} ${status}`).join("");
}

/** The trials of a group, a square each; a strip for each side. @param {Group} group */
function strips(group) {
  const sides = index.paired ? [0, 1] : [0];
  return [
    make(
      `div.strips${index.paired ? ".two" : ""}`,
      {},
      ...sides.map((side) =>
        make("div.strip", {}, index.paired && make("span.side", {}, "AB"[side]), ...squares(group, side)),
      ),
    ),
  ];
}

const MOST_SQUARES = 12;

/** @param {Group} group @param {number} side */
function squares(group, side) {
  const found = group.entries.slice(0, MOST_SQUARES).map((entry) => {
    const row = entry.sides[side];
    const status = row ? row.status : "missing";
    return make(
      `a.square.${status}`,
      {
        href: changed({ ...placeOf(entry), view: state.view || "" }),
        class: `square ${status}${group.shown.has(entry) ? "" : " faint"}${entry === current ? " current" : ""}`,
        tabindex: group.entries.length > 1 ? "0" : "-1",
        "aria-hidden": group.entries.length > 1 ? null : "true",
        "aria-label": `trial ${entry.number + 1}${index.paired ? ` of ${"AB"[side]}` : ""}: ${status}`,
        title: `trial ${entry.number + 1}: ${status}`,
      },
      row ? SIGNS[row.status] : "·",
    );
  });
  const left = group.entries.length - MOST_SQUARES;
  if (left > 0) found.push(make("span.muted", {}, `+${left}`));
  return found;
}

/** See that the line of the current conversation can be seen. */
function scrollToCurrent() {
  const number = listed.findIndex((group) => current && group.entries.includes(current));
  if (number < 0) return;
  const list = byId("list");
  const top = number * HEIGHT;
  const within = top >= list.scrollTop && top + HEIGHT <= list.scrollTop + list.clientHeight / 2;
  if (!within) list.scrollTop = top - list.clientHeight / 4;
}

/** Go to the next line, or the one before. @param {number} step */
function stepLine(step) {
  if (!listed.length) return;
  const at = listed.findIndex((group) => current && group.entries.includes(current));
  const next = at < 0 ? 0 : Math.min(listed.length - 1, Math.max(0, at + step));
  go(placeOf([...listed[next].shown][0]));
}

/** Go to another trial of the scenario. @param {number} step */
function stepTrial(step) {
  const group = groups.find((each) => current && each.entries.includes(current));
  if (!group || !current) return;
  const next = group.entries[group.entries.indexOf(current) + step];
  if (next) go(placeOf(next));
}
