/** One conversation as swim lanes: a lane for the caller and each agent, time from top to bottom. */

const HUES = 6;

/** Who takes part, in the order in which they come. @param {Conversation} conversation */
function lanesOf(conversation) {
  /** @type {Set<string>} */
  const found = new Set();
  for (const turn of conversation.turns) {
    for (const event of turn.events) {
      if (event.old) found.add(event.old);
      if (event.agent) found.add(event.agent);
    }
    found.add(turn.active);
  }
  return ["", ...found];
}

/**
 * @param {Entry} entry
 * @param {Row} row
 * @param {Conversation} conversation
 * @param {string[]} texts
 */
function laneView(entry, row, conversation, texts) {
  const lanes = lanesOf(conversation);
  const events = conversation.turns.flatMap((turn) => turn.events);
  const grid = make("div.lanes", { role: "region", tabindex: "0", "aria-label": "What was said and done" });
  grid.style.setProperty("--lanes", String(lanes.length));
  grid.append(
    make(
      "div.lane-heads",
      { "aria-hidden": "true" },
      ...lanes.map((lane, number) => make(`div.lane-head.hue-${hue(number)}`, {}, laneName(lane))),
    ),
  );
  conversation.turns.forEach((turn, number) => {
    grid.append(turnHead(entry, row, turn, number));
    const body = make("div.turn-body");
    const told = turn.events.filter((event) => event.told || marksOf(conversation, event).length);
    for (const event of told) body.append(...eventRows(conversation, event, lanes, { events, texts, turn }));
    for (const fault of conversation.faults.filter((each) => each.turn === number)) {
      body.append(note("fault", `${fault.owner}: ${fault.cause}`, fault.detail));
    }
    for (const score of conversation.scores) {
      if (score.turn === number && score.status !== "passed" && !score.events.length) {
        body.append(scoreNote(score));
      }
    }
    if (turn.calls.length) body.append(requestsPanel(turn, texts));
    grid.append(body);
  });
  const last = conversation.turns.length;
  for (const fault of conversation.faults.filter((each) => each.turn >= last)) {
    grid.append(note("fault", `${fault.owner}: ${fault.cause}`, fault.detail));
  }
  for (const score of conversation.scores) {
    const placed = score.events.length || (score.turn !== null && score.turn < last);
    if (score.status !== "passed" && !placed) grid.append(scoreNote(score));
  }
  if (conversation.ended) grid.append(make("p.ended", {}, `The ${conversation.ended} ended the call.`));
  return grid;
}

/** @param {number} number */
const hue = (number) => (number === 0 ? "caller" : ((number - 1) % HUES) + 1);

/** @param {string} lane */
function laneName(lane) {
  return lane ? label(lane, 60) : "caller";
}

/** @param {Entry} entry @param {Row} row @param {Turn} turn @param {number} number */
function turnHead(entry, row, turn, number) {
  const about = [];
  if (turn.seconds >= 0.1 && !turn.replayed) about.push(seconds(turn.seconds));
  if (turn.seam !== null) about.push(`seam ${seconds(turn.seam)}`);
  if (turn.replayed) about.push("from a cassette");
  const decided = row.decisions.filter((each) => each.turn === number);
  return make(
    "div.turn-head",
    { id: `turn-${number}` },
    make(
      "h4",
      {},
      make(
        "a",
        { href: changed({ ...placeOf(entry), turn: String(number), view: state.view || "" }) },
        number === 0 ? "Opening" : `Turn ${number}`,
      ),
    ),
    make("span.muted", {}, about.join(" · ")),
    ...decided.map((each) => decisionMark(each)),
  );
}

/** @param {Decision} decision */
function decisionMark(decision) {
  const right = decision.outcome === "correct" && !decision.cascaded;
  return make(
    `span.decision${right ? "" : ".astray"}`,
    {},
    outcomeBadge(decision.outcome, decision.cascaded),
    !right && make("span.muted", {}, " expected ", label(decision.expected, 60), ", active ", label(decision.actual, 60)),
  );
}

/** The checks that name an event. @param {Conversation} conversation @param {CallEvent} event */
const marksOf = (conversation, event) =>
  conversation.scores.filter((each) => each.status !== "passed" && each.events.includes(event.index));

/**
 * @param {Conversation} conversation
 * @param {CallEvent} event
 * @param {string[]} lanes
 * @param {{events: CallEvent[], texts: string[], turn: Turn}} around
 */
function eventRows(conversation, event, lanes, { events, texts, turn }) {
  const marks = marksOf(conversation, event);
  const who = event.type === "message" && event.role === "user" ? "" : event.agent || "";
  const lane = Math.max(0, lanes.indexOf(who));
  const row =
    event.type === "agent_handoff" && event.old
      ? edge(event, lanes)
      : make("div.lane-row", {}, card(event, lane, who, turn.replayed));
  row.id = `event-${event.index}`;
  if (marks.length) row.classList.add("marked");
  const found = [row];
  // A check that names several events stands at the last of them.
  for (const score of marks) {
    if (Math.max(...score.events) === event.index) found.push(scoreNote(score, lane));
  }
  if (event.handed) found.push(handedPanel(event.handed, events, texts));
  return found;
}

/** @param {CallEvent} event @param {string[]} lanes */
function edge(event, lanes) {
  const from = Math.max(0, lanes.indexOf(event.old || ""));
  const to = Math.max(0, lanes.indexOf(event.agent || ""));
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  const word = { handoff: "hands over", task: "awaits a task", return: "task over" }[event.kind || ""];
  const arrow = make(`div.arrow${to < from ? ".back" : ""}.hue-${hue(to)}`, { "aria-hidden": "true" });
  const found = make(
    "div.lane-row.edge",
    {},
    make(
      "div.edge-line",
      {},
      make(
        "p.edge-text",
        {},
        make("b", {}, word || "hands over"),
        make("span.edge-names", {}, " ", label(event.old || "", 60), " → ", label(event.agent || "", 60)),
        event.step ? make("span.muted", {}, " step ", label(event.step, 60)) : null,
      ),
      arrow,
    ),
  );
  const line = /** @type {HTMLElement} */ (found.firstChild);
  line.style.gridColumn = `${left + 1} / ${right + 2}`;
  line.style.setProperty("--span", String(right - left + 1));
  return found;
}

/** @param {CallEvent} event @param {number} lane @param {string} who @param {boolean} [replayed] */
function card(event, lane, who, replayed = false) {
  const found = make(`div.card-event.${event.type.replaceAll("_", "-")}.hue-${hue(lane)}`);
  found.style.gridColumn = String(lane + 1);
  found.append(make("p.speaker", {}, event.type === "message" && event.role === "user" ? "caller" : laneName(who)));
  switch (event.type) {
    case "message":
      found.append(quoted(event.text || "", "p.said"));
      if (event.interrupted) found.append(make("p.muted.small", {}, "interrupted"));
      if (typeof event.at === "number" && event.at >= 0.1 && !replayed) {
        found.append(make("p.time", {}, `after ${seconds(event.at)}`));
      }
      break;
    case "function_call":
      found.append(make("p.tool", {}, "calls ", make("b", {}, label(event.name || "")), ...argumentsOf(event.arguments || "")));
      break;
    case "function_call_output":
      found.append(
        make("p.tool", {}, label(event.name || ""), event.error ? make("b.fails", {}, " fails") : " gives"),
        quoted(event.output || "(nothing)", "p.said.output"),
      );
      break;
    case "agent_handoff":
      found.append(make("p.muted", {}, "takes the call"));
      break;
    case "agent_error":
      found.append(make("p.tool", {}, make("b.fails", {}, `error in ${event.where}`)), quoted(event.message || "", "p.said"));
      if (event.traceback) {
        const trace = event.traceback;
        found.append(folded("details.long", ["traceback"], () => [quoted(trace, "pre.said")]));
      }
      break;
    default:
      found.append(make("p.muted", {}, event.type.replaceAll("_", " ")));
  }
  return found;
}

/** The arguments of a call, one a line where there are any. @param {string} text */
function argumentsOf(text) {
  let read;
  try {
    read = JSON.parse(text);
  } catch {
    return [make("span.arguments", {}, quoted(`(${text})`))];
  }
  if (read === null || typeof read !== "object" || Array.isArray(read)) {
    return [make("span.arguments", {}, quoted(`(${text})`))];
  }
  const given = Object.entries(read);
  if (!given.length) return [make("span.muted", {}, " ()")];
  return [
    make(
      "span.arguments",
      {},
      ...given.map(([name, value]) =>
        make("span.argument", {}, label(name, 60), ": ", quoted(typeof value === "string" ? value : JSON.stringify(value))),
      ),
    ),
  ];
}

/** @param {Score} score @param {number} [lane] */
function scoreNote(score, lane) {
  const found = note(score.status, score.name, score.reason);
  if (score.traceback) {
    found.append(folded("details.long", ["traceback"], () => [quoted(score.traceback, "pre.said")]));
  }
  if (lane === undefined) return found;
  found.style.gridColumn = String(lane + 1);
  return make("div.lane-row", {}, found);
}

/** @param {string} kind @param {string} name @param {string} text */
function note(kind, name, text) {
  return make(
    `div.note.${kind}`,
    {},
    make("span", { "aria-hidden": "true" }, `${SIGNS[kind] || "!"} `),
    make("b", {}, label(name)),
    " ",
    quoted(text),
  );
}

/** The expected path beside the one that was taken. @param {Row} row @param {Conversation} conversation */
function pathTable(row, conversation) {
  if (!row.decisions.length) return null;
  const head = [make("td"), make("th", { scope: "col" }, "opening")];
  const expected = [make("th", { scope: "row" }, "expected"), make("td.muted", {}, row.decisions[0].start ? label(row.decisions[0].start, 60) : "")];
  const taken = [make("th", { scope: "row" }, "taken"), make("td", {}, label(conversation.turns[0]?.active || "", 60))];
  const came = [make("th", { scope: "row" }, "outcome"), make("td")];
  const byTurn = row.decisions.every((each) => each.where.startsWith("turn "));
  const columns = byTurn
    ? Array.from({ length: Math.max(row.turns, ...row.decisions.map((each) => each.turn)) }, (_, at) => at + 1)
    : row.decisions.map((each) => each.turn);
  columns.forEach((turn, number) => {
    const decided = byTurn ? row.decisions.find((each) => each.turn === turn) : row.decisions[number];
    head.push(make("th", { scope: "col" }, byTurn ? make("a", { href: changed({ turn: String(turn) }) }, `turn ${turn}`) : decided?.where || ""));
    const right = decided && decided.outcome === "correct";
    expected.push(make("td", {}, decided ? label(decided.expected, 60) : ""));
    const at = conversation.turns[turn];
    taken.push(make(`td${decided && !right ? ".astray" : ""}`, {}, label(decided ? decided.actual : at ? at.active : "", 60)));
    came.push(make("td", {}, decided ? outcomeBadge(decided.outcome, decided.cascaded) : ""));
  });
  return make(
    "div.scroll.path",
    { tabindex: "0", role: "region", "aria-label": "Expected path and the one taken" },
    make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...[expected, taken, came].map((cells) => make("tr", {}, ...cells)))),
  );
}
