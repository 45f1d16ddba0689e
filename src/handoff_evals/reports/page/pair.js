/** Two conversations side by side, aligned by turn, from the first divergence on. */

/** @param {CallEvent} event */
function inShort(event) {
  const who = event.type === "message" && event.role === "user" ? "caller" : event.agent || "";
  switch (event.type) {
    case "message":
      return `${who}\n${event.text}${event.interrupted ? " (interrupted)" : ""}`;
    case "function_call":
      return `${who}\n${event.name}(${event.arguments})`;
    case "function_call_output":
      return `${who}\n${event.name} ${event.error ? "fails" : "gives"} ${event.output}`;
    case "agent_handoff":
      return `${event.old || ""}\n${event.kind} ${event.agent} ${event.step || ""}`;
    default:
      return `${who}\n${event.message || event.type}`;
  }
}

/**
 * @param {Entry} entry
 * @param {[Conversation, Conversation]} both
 */
function pairView(entry, both) {
  const lanes = [...new Set([...lanesOf(both[0]), ...lanesOf(both[1])])];
  const found = make("div.pair");
  if (entry.request) {
    found.append(make("p.first-request", {}, make("b", {}, "Requests: "), ...edited(entry.request)));
  }
  found.append(...changesOf(lanes));
  found.append(
    make("div.pair-row.pair-heads", {}, ...[0, 1].map((side) => sideHead(entry, side))),
  );
  const turns = Math.max(both[0].turns.length, both[1].turns.length);
  for (let number = 0; number < turns; number += 1) {
    found.append(
      make(
        "div.pair-row.pair-turn",
        { id: `turn-${number}` },
        ...[0, 1].map((side) => pairTurnHead(entry, both[side], side, number)),
      ),
    );
    const told = both.map((each) => (each.turns[number]?.events || []).filter((event) => event.told));
    for (let row = 0; row < Math.max(told[0].length, told[1].length); row += 1) {
      const events = [told[0][row], told[1][row]];
      const parts = entry.parted && entry.parted[0] === number && entry.parted[1] === row;
      const differ = !events[0] || !events[1] || inShort(events[0]) !== inShort(events[1]);
      if (parts) found.append(make("p.parting", { id: "parting" }, "First difference"));
      found.append(
        make(
          `div.pair-row${differ ? ".differs" : ""}${parts ? ".first" : ""}`,
          {},
          ...events.map((event, side) => (event ? pairCell(both[side], event, lanes) : make("div.nothing", {}, make("span.hidden", {}, "nothing")))),
        ),
      );
    }
    for (const side of [0, 1]) {
      for (const score of both[side].scores) {
        if (score.turn === number && score.status !== "passed" && !score.events.length) {
          const cells = [make("div"), make("div")];
          cells[side].append(scoreNote(score));
          found.append(make("div.pair-row", {}, ...cells));
        }
      }
    }
  }
  return found;
}

/** @param {Entry} entry @param {number} side */
function sideHead(entry, side) {
  const row = entry.sides[side];
  return make(
    "div",
    {},
    make("b", {}, `${"AB"[side]} `),
    row ? badge(row.status) : "",
    row && row.cause ? make("span.muted", {}, " ", label(row.cause, 60)) : "",
  );
}

/** @param {Entry} entry @param {Conversation} conversation @param {number} side @param {number} number */
function pairTurnHead(entry, conversation, side, number) {
  const turn = conversation.turns[number];
  const row = entry.sides[side];
  if (!turn) return make("div.muted", {}, "–");
  return make(
    "div",
    {},
    make("h4", {}, number === 0 ? "Opening" : `Turn ${number}`, make("span.hidden", {}, ` of ${"AB"[side]}`)),
    make("span.muted", {}, "then ", label(turn.active, 60)),
    ...(row ? row.decisions.filter((each) => each.turn === number).map((each) => outcomeBadge(each.outcome, each.cascaded)) : []),
  );
}

/** @param {Conversation} conversation @param {CallEvent} event @param {string[]} lanes */
function pairCell(conversation, event, lanes) {
  const who = event.type === "message" && event.role === "user" ? "" : event.agent || "";
  const lane = Math.max(0, lanes.indexOf(who));
  const found = make("div.pair-cell");
  if (event.type === "agent_handoff" && event.old) {
    found.append(
      make(
        `div.card-event.handoff-short.hue-${hue(lane)}`,
        {},
        make("b", {}, { task: "awaits a task", return: "task over" }[event.kind || ""] || "hands over"),
        " ",
        label(event.old, 60),
        " → ",
        label(event.agent || "", 60),
      ),
    );
  } else {
    found.append(card(event, lane, who));
  }
  for (const score of marksOf(conversation, event)) {
    if (Math.max(...score.events) === event.index) found.append(scoreNote(score));
  }
  if (event.handed) {
    const lost = event.handed.facts.filter((each) => each.status === "failed");
    for (const fact of lost) found.append(note("failed", "lost", fact.text));
  }
  return found;
}

/** Words that went and words that came, as the report marks them. @param {string} text */
function edited(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(/\[-([\s\S]*?)-\]|\{\+([\s\S]*?)\+\}/g)) {
    found.push(quoted(text.slice(at, match.index)));
    found.push(match[1] !== undefined ? make("del", {}, quoted(match[1])) : make("ins", {}, quoted(match[2])));
    at = match.index + match[0].length;
  }
  found.push(quoted(text.slice(at)));
  return found;
}

/** What the edit changed in the agents that take part. @param {string[]} lanes */
function changesOf(lanes) {
  const changes = [...document.querySelectorAll("#changes .change")].filter((each) => {
    const agent = each.getAttribute("data-agent") || "";
    return agent === "the session" || lanes.includes(agent) || lanes.some((lane) => lane.startsWith(`${agent}[`));
  });
  if (!changes.length) return [];
  return [
    folded("details.edit", ["What the edit changed in these agents"], () => changes.map((each) => each.cloneNode(true)), true),
  ];
}
