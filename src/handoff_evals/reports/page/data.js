/**
 * What the page was given: an index of all conversations, and the conversations in parts.
 *
 * @typedef {{turn: number, where: string, expected: string, actual: string, outcome: string,
 *   cascaded: boolean, note: string, start: string}} Decision
 * @typedef {{at: [number, number], status: string, cause: string, failed: string[],
 *   decisions: Decision[], turns: number, handoffs: number, seconds: number, tokens: number,
 *   seed: number, digest: string}} Row  One trial.
 * @typedef {{suite: string, scenario: string, id: string, model: string, number: number,
 *   tags: Record<string, string>, sides: (Row | null)[], parted?: [number, number] | null,
 *   request?: string, flips?: string[]}} Entry  One trial, or a pair of them.
 * @typedef {{role: string, text: number, origin: string, whose: string, sentence: string}} Received
 * @typedef {{text: string, status: string, reason: string, said: number[]}} Fact
 * @typedef {{agent: string, turn: number | null, messages: Received[], lost: number[],
 *   facts: Fact[]}} Handed
 * @typedef {{type: string, index: number, agent: string | null, told: boolean, role?: string,
 *   text?: string, interrupted?: boolean, at?: number | null, name?: string, arguments?: string,
 *   output?: string, error?: boolean, old?: string | null, kind?: string, step?: string | null,
 *   added?: string[], removed?: string[], where?: string, message?: string, traceback?: string,
 *   handed: Handed | null}} CallEvent
 * @typedef {{agent: string, model: string, purpose: string, messages: [string, number][],
 *   tools: string[], answer: string, calls: string[], prompt: number, completion: number,
 *   ttft: number | null, seconds: number, error: string, replayed: boolean, unused: boolean,
 *   after: number}} ModelRequest
 * @typedef {{user: string | null, active: string, seconds: number, seam: number | null,
 *   events: CallEvent[], calls: ModelRequest[], replayed: boolean}} Turn
 * @typedef {{name: string, status: string, reason: string, turn: number | null,
 *   events: number[], traceback: string}} Score
 * @typedef {{turns: Turn[], scores: Score[], faults: {owner: string, cause: string,
 *   detail: string, turn: number}[], job: {name: string, arguments: string}[], ended: string,
 *   notes: string[]}} Conversation
 * @typedef {{texts: string[], conversations: Conversation[]}} Part
 */

/** @type {{paired: boolean, parts: number, entries: Entry[]}} */
let index = { paired: false, parts: 0, entries: [] };

/** @type {Map<number, Promise<Part>>} */
const openParts = new Map();
const MOST_OPEN = 12;

/** @param {string} id @returns {Promise<any>} */
async function unpacked(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  const bytes = Uint8Array.from(atob((template.content.textContent || "").trim()), (c) =>
    c.charCodeAt(0),
  );
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

/** A part of the conversations; the last few stay open. @param {number} number */
function part(number) {
  let found = openParts.get(number);
  if (!found) {
    found = unpacked(`part-${number}`);
    openParts.set(number, found);
    if (openParts.size > MOST_OPEN) openParts.delete([...openParts.keys()][0]);
  }
  return found;
}

/**
 * @param {Row} row
 * @returns {Promise<{conversation: Conversation, texts: string[]}>}
 */
async function conversationOf(row) {
  const found = await part(row.at[0]);
  return { conversation: found.conversations[row.at[1]], texts: found.texts };
}

/** The words of each row, in lower case; filled when somebody searches. @type {Map<Row, string>} */
const words = new Map();
let read = 0;
/** @type {Promise<void> | null} */
let reading = null;

/**
 * Read all conversations for their words, a part at a time.
 * @param {() => void} heard  Called after each part.
 */
function readWords(heard) {
  reading ||= (async () => {
    /** @type {Map<number, Row[]>} */
    const rows = new Map();
    for (const entry of index.entries) {
      for (const row of entry.sides) {
        if (row) rows.set(row.at[0], [...(rows.get(row.at[0]) || []), row]);
      }
    }
    for (let number = 0; number < index.parts; number += 1) {
      const { conversations } = await unpacked(`part-${number}`);
      for (const row of rows.get(number) || []) words.set(row, said(conversations[row.at[1]]));
      read += 1;
      heard();
    }
  })();
  return reading;
}

/** @param {Conversation} conversation */
function said(conversation) {
  const found = [];
  for (const turn of conversation.turns) {
    for (const event of turn.events) {
      found.push(event.agent, event.text, event.name, event.arguments, event.output);
      found.push(event.message, event.old);
    }
  }
  for (const score of conversation.scores) found.push(score.name, score.reason);
  for (const fault of conversation.faults) found.push(fault.cause, fault.detail);
  return found.filter(Boolean).join("\n").toLowerCase();
}
