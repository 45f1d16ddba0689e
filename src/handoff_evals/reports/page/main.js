/** What is shown, and what the keyboard does. */

let drawn = "";

/** @param {Entry} entry */
function entryHead(entry) {
  const group = groups.find((each) => each.entries.includes(entry));
  const row = entry.sides[index.paired ? 1 : 0] || entry.sides[0];
  const about = [];
  if (row) {
    about.push(counted(row.turns, "turn"), counted(row.handoffs, "handoff"));
    if (row.seconds >= 0.1) about.push(seconds(row.seconds));
    if (row.tokens) about.push(counted(row.tokens, "token"));
    about.push(`seed ${row.seed}`);
  }
  const copy = make("button", { type: "button", click: copyLink }, "Copy link");
  return make(
    "header.entry-head",
    {},
    make("p.crumbs", {}, label(entry.suite, 80), " · ", label(entry.model, 80)),
    make("h3", {}, label(entry.scenario, 300)),
    make(
      "p.entry-facts",
      {},
      ...(index.paired ? [] : [row ? badge(row.status) : ""]),
      row && row.cause && !index.paired ? label(row.cause, 60) : "",
      make("span.muted", {}, about.join(" · ")),
      ...Object.entries(entry.tags).map(([name, value]) =>
        make("a.tag", { href: changed({ tag: `${name}=${value}` }) }, label(`${name}=${value}`, 60)),
      ),
      copy,
    ),
    group && group.entries.length > 1 &&
      make("div.trials", {}, make("span.muted", {}, `trial ${entry.number + 1} of ${group.entries.length}`), ...strips(group)),
  );
}

/** @param {Event} event */
async function copyLink(event) {
  const button = /** @type {HTMLElement} */ (event.target);
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Copy it from the address bar";
  }
}

/** @param {Entry} entry */
function viewOf(entry) {
  if (!index.paired) return "a";
  if (!entry.sides[0]) return "b";
  if (!entry.sides[1]) return "a";
  return state.view === "a" || state.view === "b" ? state.view : "both";
}

/** @param {Entry} entry */
async function drawConversation(entry) {
  const where = byId("conversation");
  const view = viewOf(entry);
  const key = JSON.stringify([groupKey(entry), entry.number, view]);
  if (key === drawn) return;
  drawn = key;
  const asked = view === "both" ? [0, 1] : [view === "b" ? 1 : 0];
  const rows = asked.map((side) => /** @type {Row} */ (entry.sides[side]));
  const found = await Promise.all(rows.map(conversationOf));
  if (drawn !== key) return;
  where.setAttribute("aria-label", `Conversation: ${entry.scenario.slice(0, 120)}`);
  where.replaceChildren(make("a.to-list", { href: changed({ scenario: "", in: "", by: "", trial: "", turn: "" }) }, "← All conversations"), entryHead(entry));
  if (index.paired && entry.sides[0] && entry.sides[1]) {
    where.append(
      make(
        "p.views",
        {},
        ...[["both", "Side by side"], ["a", "A alone"], ["b", "B alone"]].map(([name, title]) =>
          make("a", { href: changed({ ...placeOf(entry), view: name === "both" ? "" : name }), "aria-current": view === name && "true" }, title),
        ),
      ),
    );
  }
  if (view === "both") {
    where.append(pairView(entry, [found[0].conversation, found[1].conversation]));
  } else {
    const { conversation, texts } = found[0];
    where.append(...[pathTable(rows[0], conversation), laneView(entry, rows[0], conversation, texts)].filter((each) => each !== null));
    for (const text of conversation.notes) where.append(make("p.muted.small", {}, quoted(text)));
  }
  highlight();
}

/** Mark the words that were searched for, without a change to the page's elements. */
function highlight() {
  if (!("highlights" in CSS)) return;
  CSS.highlights.delete("searched");
  const searched = terms(state.q || "");
  if (!searched.length) return;
  const ranges = [];
  const walk = document.createTreeWalker(byId("conversation"), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node && ranges.length < 2000; node = walk.nextNode()) {
    const text = (node.textContent || "").toLowerCase();
    for (const term of searched) {
      for (let at = text.indexOf(term); at >= 0 && ranges.length < 2000; at = text.indexOf(term, at + term.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, Math.min(at + term.length, (node.textContent || "").length));
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("searched", new Highlight(...ranges));
}

/** Show what the address says. */
function arrived() {
  const wanted = addressed();
  if (wanted === null) return;
  const first = !Object.keys(state).length;
  const filtered = JSON.stringify(filtersOf(state)) !== JSON.stringify(filtersOf(wanted));
  const moved = placeKey(state) !== placeKey(wanted);
  const searching = state.q !== wanted.q;
  state = wanted;
  showFilters();
  if (filtered || first) {
    filterList();
    if (filtered) byId("list").scrollTop = 0;
  }
  current = entryAt(state);
  drawList();
  scrollToCurrent();
  document.documentElement.classList.toggle("open", Boolean(current));
  if (!current) {
    drawn = "";
    const missing = state.scenario ? `There is no conversation ${state.scenario.slice(0, 200)} in this report.` : "";
    byId("conversation").replaceChildren(make("p.empty-text", {}, missing || "Choose a conversation, or press j."));
    if ((filtered || moved) && !searching) byId("conversations").scrollIntoView();
    return;
  }
  const entry = current;
  drawConversation(entry).then(() => {
    if (current !== entry) return;
    if (state.turn) {
      const turn = document.getElementById(`turn-${state.turn}`);
      if (turn) {
        document.querySelectorAll(".aimed").forEach((each) => each.classList.remove("aimed"));
        turn.classList.add("aimed");
        turn.scrollIntoView({ block: "start" });
      }
    } else if (moved) {
      byId("conversation").scrollTop = 0;
      byId(matchMedia("(max-width: 900px)").matches ? "conversation" : "conversations").scrollIntoView();
    }
  });
}

/** @param {State} some */
const placeKey = (some) => JSON.stringify(PLACE.map((name) => some[name] || ""));

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = /** @type {HTMLElement} */ (event.target);
  const dialog = /** @type {HTMLDialogElement} */ (byId("help"));
  if (dialog.open) {
    if (event.key === "?") dialog.close();
    return;
  }
  const typing = at.matches("input, select, textarea");
  if (event.key === "Escape" && typing) {
    at.blur();
    return;
  }
  if (typing) return;
  /** @type {Record<string, () => void>} */
  const keys = {
    j: () => stepLine(1),
    k: () => stepLine(-1),
    "]": () => stepTrial(1),
    "[": () => stepTrial(-1),
    x: clearFilters,
    "?": () => dialog.showModal(),
    "/": () => {
      byId("conversations").scrollIntoView();
      byId("search").focus({ preventScroll: true });
    },
    Escape: () => go({ scenario: "", in: "", by: "", trial: "", turn: "" }),
  };
  const does = keys[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

function changeTheme() {
  const root = document.documentElement;
  const names = ["", "dark", "light"];
  const next = names[(names.indexOf(root.dataset.theme || "") + 1) % names.length];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  byId("theme").setAttribute("aria-label", `Colours: ${next || "as the system has them"}`);
}

async function start() {
  if (typeof DecompressionStream === "undefined") return; // then it reads as without a script
  document.documentElement.classList.add("script");
  index = await unpacked("index");
  makeGroups();
  makeChoices();
  byId("list").addEventListener("scroll", drawList, { passive: true });
  new ResizeObserver(drawList).observe(byId("list"));
  byId("theme").addEventListener("click", changeTheme);
  byId("help-button").addEventListener("click", () => /** @type {HTMLDialogElement} */ (byId("help")).showModal());
  for (const link of document.querySelectorAll(".bar nav a, .skip")) {
    // A section is no state: the address keeps the filters.
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const section = byId((link.getAttribute("href") || "#").slice(1));
      section.scrollIntoView();
      if (link.matches(".skip")) section.focus();
    });
  }
  document.addEventListener("keydown", pressed);
  addEventListener("hashchange", arrived);
  filterList();
  arrived();
  document.documentElement.classList.add("ready");
}
