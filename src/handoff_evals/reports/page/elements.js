/** What is not our own text is put in by `textContent` alone: nothing in it can become an element. */

const SHOWN = 3000;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * An element with its classes, attributes and children; a string is text.
 * @param {string} written  `tag.class.class`
 * @param {Record<string, string | number | boolean | null | undefined | ((e: any) => void)>} [given]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
function make(written, given = {}, ...children) {
  const [tag, ...classes] = written.split(".");
  const found = document.createElement(tag);
  if (classes.length) found.className = classes.join(" ");
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "function") found.addEventListener(name, value);
    else if (value === true) found.setAttribute(name, "");
    else if (value !== false && value != null) found.setAttribute(name, String(value));
  }
  found.append(...children.filter((each) => each !== null && each !== undefined && each !== false));
  return found;
}

/**
 * What somebody said, isolated so that its direction turns nothing else; a long one is cut.
 * @param {string} text
 * @param {string} [written]
 */
function quoted(text, written = "span.said") {
  const found = make(written, { dir: "auto" });
  if (text.length <= SHOWN) {
    found.textContent = text;
    return found;
  }
  const shown = make("span", {}, text.slice(0, SHOWN));
  const more = make("button.more", { type: "button" });
  more.textContent = `… show all ${text.length.toLocaleString("en")} characters`;
  more.addEventListener("click", () => {
    shown.textContent = text;
    more.remove();
  });
  found.append(shown, more);
  return found;
}

/** A name: short, isolated. @param {string} text @param {number} [most] */
function label(text, most = 120) {
  return make("bdi", {}, text.length > most ? `${text.slice(0, most)}…` : text);
}

/** @param {number} number @param {string} one @param {string} [many] */
const counted = (number, one, many = `${one}s`) =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** @param {number} value */
function seconds(value) {
  if (value < 0.0095) return "< 0.01 s";
  return value < 9.95 ? `${value.toFixed(2)} s` : `${value.toFixed(1)} s`;
}

/** @type {Record<string, string>} */
const SIGNS = { passed: "✓", failed: "✗", unscored: "?" };

/** @param {string} status */
function badge(status) {
  return make(
    `span.badge.${SIGNS[status] ? status : "unscored"}`,
    {},
    make("span", { "aria-hidden": "true" }, `${SIGNS[status] || "?"} `),
    status,
  );
}

/** @param {string} outcome @param {boolean} [cascaded] */
function outcomeBadge(outcome, cascaded = false) {
  const kind = cascaded ? "cascaded" : outcome;
  return make(
    "span.outcome",
    {},
    make(`span.swatch.o-${/^[a-z]+$/.test(kind) ? kind : "unreached"}`, { "aria-hidden": "true" }),
    cascaded ? `${outcome}, cascaded` : outcome,
  );
}

/**
 * A part that is folded away, and made when it is first opened.
 * @param {string} written
 * @param {(Node | string)[]} summary
 * @param {() => Node[]} inside
 * @param {boolean} [open]
 */
function folded(written, summary, inside, open = false) {
  const found = /** @type {HTMLDetailsElement} */ (make(written));
  found.append(make("summary", {}, ...summary));
  let made = false;
  const fill = () => {
    if (made || !found.open) return;
    made = true;
    found.append(...inside());
  };
  found.addEventListener("toggle", fill);
  if (open) {
    found.open = true;
    fill();
  }
  return found;
}

/** @param {Node} where @param {string} text */
function announce(where, text) {
  if (where.textContent !== text) where.textContent = text;
}
