/** What a new agent's model received at a handoff, and what every other request was. */

/** @type {Record<string, string>} */
const ORIGINS = {
  own: "own instructions",
  leaked: "old instructions",
  carried: "carried",
  later: "said after the handoff",
  added: "new text",
};

/** @param {CallEvent} event */
const isCaller = (event) => event.type === "message" && event.role === "user";

/**
 * @param {Handed} handed
 * @param {CallEvent[]} events  All events of the conversation.
 * @param {string[]} texts
 */
function handedPanel(handed, events, texts) {
  const count = (/** @type {string} */ origin) =>
    handed.messages.filter((each) => each.origin === origin).length;
  const callers = handed.lost.filter((each) => isCaller(events[each]));
  const lostFacts = handed.facts.filter((each) => each.status === "failed");
  const marks = [];
  if (handed.turn !== null) {
    marks.push(mark(count("carried") ? "carried" : "added", `${count("carried")} carried`));
    if (callers.length) marks.push(mark("lost", `${callers.length} of the caller's lost`));
    const others = handed.lost.length - callers.length;
    if (others) marks.push(mark("added", `${others} not passed on`));
    if (count("leaked")) marks.push(mark("leaked", "old instructions"));
    if (count("added")) marks.push(mark("added", `${count("added")} new`));
  } else {
    marks.push(mark("added", "its model was not asked before the next handoff"));
  }
  for (const fact of handed.facts) {
    const word = { passed: "carried", failed: "lost", unscored: "unclear" }[fact.status] || "unclear";
    marks.push(
      mark(fact.status === "unscored" ? "added" : word, word, label(fact.text, 60), fact.reason),
    );
  }
  return folded(
    "details.handed",
    [make("span.what", {}, "What ", label(handed.agent, 60), " received"), make("span.marks", {}, ...marks)],
    () => [received(handed, events, texts)],
    lostFacts.length > 0 || count("leaked") > 0,
  );
}

/**
 * @param {string} kind
 * @param {string} text
 * @param {Node} [fact]
 * @param {string} [why]
 */
function mark(kind, text, fact, why) {
  return make(`span.mark-${kind}.mark`, { title: why }, text, fact && ": ", fact);
}

/** Scroll to an event and mark it. @param {number} number */
function showEvent(number) {
  const found = document.getElementById(`event-${number}`);
  if (!found) return;
  document.querySelectorAll(".aimed").forEach((each) => each.classList.remove("aimed"));
  found.classList.add("aimed");
  found.scrollIntoView({ block: "center" });
}

/** @param {Handed} handed @param {CallEvent[]} events @param {string[]} texts */
function received(handed, events, texts) {
  const found = make("div.received");
  for (const fact of handed.facts) {
    found.append(
      make(
        `p.fact.${fact.status}`,
        {},
        badge(fact.status),
        " ",
        quoted(fact.reason),
        " ",
        ...fact.said.slice(0, 3).map((each, number) =>
          make("button.more", { type: "button", click: () => showEvent(each) }, number ? `again (${number + 1})` : "Where it was said"),
        ),
      ),
    );
  }
  if (handed.messages.length) {
    found.append(
      make(
        "ol.messages",
        { "aria-label": "Messages of its first request" },
        ...handed.messages.map((each) => {
          const text = texts[each.text];
          return make(
            `li.sent.from-${each.origin}`,
            {},
            make(
              "p.origin",
              {},
              make("span.role", {}, each.role),
              make(
                `span.mark.mark-${each.origin}`,
                {},
                ORIGINS[each.origin],
                each.whose && " of ",
                each.whose && label(each.whose, 60),
              ),
            ),
            each.origin === "own" && text.length > 160
              ? folded("details.long", [label(text, 140)], () => [quoted(text, "p.said")])
              : quoted(text, "p.said"),
            each.sentence &&
              make("p.sentence-mark", {}, "the sentence that shows it: ", quoted(each.sentence)),
          );
        }),
      ),
    );
  }
  if (handed.lost.length) {
    found.append(
      make("p.lost-title", {}, "Not in the request"),
      make(
        "ol.messages.lost",
        {},
        ...handed.lost.map((each) => {
          const event = events[each];
          return make(
            `li.sent.${isCaller(event) ? "from-lost" : "from-tool"}`,
            {},
            make(
              "p.origin",
              {},
              make("span.role", {}, event.role || "tool"),
              isCaller(event)
                ? make("span.mark.mark-lost", {}, "lost")
                : make("span.mark", {}, "not passed on"),
            ),
            quoted(event.text ?? event.output ?? `${event.name}(${event.arguments})`, "p.said"),
          );
        }),
      ),
    );
  }
  return found;
}

/** Every request of a turn, folded away. @param {Turn} turn @param {string[]} texts */
function requestsPanel(turn, texts) {
  const tokens = turn.calls.reduce((sum, each) => sum + each.prompt + each.completion, 0);
  const about = [counted(turn.calls.length, "model request")];
  if (tokens) about.push(counted(tokens, "token"));
  return folded("details.requests", [about.join(", ")], () =>
    turn.calls.map((call) => {
      const times = [];
      if (call.prompt || call.completion) times.push(`${call.prompt} + ${call.completion} tokens`);
      if (call.ttft !== null) times.push(`first token ${seconds(call.ttft)}`);
      if (call.seconds) times.push(`answer ${seconds(call.seconds)}`);
      if (call.replayed) times.push("from a cassette");
      if (call.unused) times.push("thrown away");
      return make(
        "section.request",
        {},
        make(
          "p.origin",
          {},
          make("b", {}, label(call.agent, 60)),
          " asks ",
          label(call.model, 60),
          make("span.muted", {}, ` ${[call.purpose, ...times].join(" · ")}`),
        ),
        make(
          "ol.messages",
          {},
          ...call.messages.map(([role, text]) =>
            make(
              "li.sent",
              {},
              make("p.origin", {}, make("span.role", {}, role)),
              texts[text].length > 400
                ? folded("details.long", [label(texts[text], 160)], () => [quoted(texts[text], "p.said")])
                : quoted(texts[text], "p.said"),
            ),
          ),
        ),
        make("p.muted", {}, call.tools.length ? "tools: " : "no tools", label(call.tools.join(", "), 300)),
        make(
          "p.answer",
          {},
          make("span.role", {}, "answer"),
          quoted([call.error, call.answer, ...call.calls].filter(Boolean).join("\n") || "(nothing)"),
        ),
      );
    }),
  );
}
