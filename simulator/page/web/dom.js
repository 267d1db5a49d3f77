/** Makes elements from data. It sets text as text, and never as markup. */

import { parse } from "./markdown.js";
import { timeText } from "./times.js";

/**
 * Makes an element.
 *
 * @param {string} tag `"p"`, or with classes: `"p.hint"`.
 * @param {Record<string, unknown>} attributes Functions are listeners, by `onclick` and the like;
 * `undefined` and `false` are left out.
 * @param {...(Node | string | undefined)} children
 */
export function element(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** @returns The element with that id, which the page has. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Turns a message's text into nodes.
 *
 * @param {string} text
 * @param {(to: string) => string} nameOf Name of a mention: `"@Ada"` for `"@123"`.
 */
export function renderText(text, nameOf) {
  const inline = (pieces) => pieces.map((piece) => renderInline(piece, inline, nameOf));
  const block = (one) => {
    switch (one.kind) {
      case "fence":
        return element(
          "pre",
          { tabindex: 0, "data-language": one.language || undefined },
          element("code", {}, one.text),
        );
      case "quote":
        return element("blockquote", {}, ...one.blocks.map(block));
      case "list":
        return element(
          "ul",
          {},
          ...one.items.map(({ mark, depth, inner }) => {
            const item = element("li", { "data-mark": mark }, ...inline(inner));
            item.style.marginLeft = `${depth * 20}px`;
            return item;
          }),
        );
      case "heading":
        return element(`p.heading-${one.level}`, {}, ...inline(one.inner));
      case "small":
        return element("p.small", {}, ...inline(one.inner));
      default:
        return element("p", {}, ...inline(one.inner));
    }
  };
  return parse(text).map(block);
}

const TAGS = { bold: "strong", italic: "em", underline: "u", strike: "s" };

function renderInline(piece, inline, nameOf) {
  switch (piece.kind) {
    case "text":
      return piece.text;
    case "code":
      return element("code", {}, piece.text);
    case "break":
      return element("br");
    case "mention":
      return element("span.mention-of", {}, nameOf(piece.to));
    case "time":
      return element("time.timestamp", {
        datetime: new Date(piece.at * 1_000).toISOString(),
        title: timeText(piece.at, "F", Date.now()),
        "data-at": piece.at,
        "data-style": piece.style,
      }, timeText(piece.at, piece.style, Date.now()));
    case "link":
      return element(
        "a",
        { href: piece.url, rel: "noopener noreferrer nofollow", target: "_blank" },
        ...inline(piece.inner),
      );
    case "spoiler":
      return renderSpoiler(inline(piece.inner));
    default:
      return element(TAGS[piece.kind], {}, ...inline(piece.inner));
  }
}

function renderSpoiler(inner) {
  const show = ({ currentTarget }) => currentTarget.classList.add("is-shown");
  return element("span.spoiler", {
    role: "button",
    tabindex: 0,
    title: "Show",
    onclick: show,
    onkeydown: (event) => event.key === "Enter" && show(event),
  }, ...inner);
}

/** Draws timestamps anew: "in 59 minutes" ages. */
export function redrawTimes() {
  for (const drawn of document.querySelectorAll("time[data-at]")) {
    const { at, style } = drawn.dataset;
    drawn.textContent = timeText(Number(at), style, Date.now());
  }
}

/** `"820 bytes"`, `"14 KiB"` */
export function size(bytes) {
  return bytes < 1_024 ? `${bytes} bytes` : `${Math.round(bytes / 1_024)} KiB`;
}

/** `"09:41"` */
export function timeOfDay(at) {
  return new Date(at).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
}

/** `"240 ms"`, `"2.1 s"` */
export function duration(ms) {
  return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

const COLOURS = ["#b4532a", "#7a4fa3", "#2f6fb0", "#9b3d6e", "#4f7a2c", "#27747d"];

/** A colour, the same for the same id. */
function colourOf(id) {
  let sum = 0;
  for (const digit of String(id)) sum = (sum * 31 + digit.charCodeAt(0)) % 997;
  return COLOURS[sum % COLOURS.length];
}

/** A round picture with a name's first letter. */
export function avatar({ id, name, isBot }) {
  if (isBot && name === "Barnacle") {
    return element("img.avatar", { src: "/icon.svg", alt: "", width: 40, height: 40 });
  }
  const [first = "?"] = name.toUpperCase();
  const made = element("span.avatar", { "aria-hidden": "true" }, first);
  made.style.background = colourOf(id);
  return made;
}
