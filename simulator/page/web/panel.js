/** Draws the bot's panel: its state and its events. */

import { byId, element, timeOfDay } from "./dom.js";

const HEADLINES = { online: "Online", away: "Connecting", offline: "Not running" };

/** Draws the bot's card. */
export function drawBot({ bot }) {
  for (const id of ["top-dot", "bot-dot"]) byId(id).className = `dot is-${bot}`;
  byId("top-state").textContent = bot;
  byId("bot-headline").textContent = HEADLINES[bot];
}

/**
 * Shows that the page itself has lost its server.
 *
 * @param {boolean} isRefused Whether the server answered, and refused: it needs its key.
 */
export function drawGone(isRefused) {
  for (const id of ["top-dot", "bot-dot"]) byId(id).className = "dot is-offline";
  byId("app").dataset.ready = "true";
  byId("top-state").textContent = isRefused ? "refused" : "no connection";
  byId("bot-headline").textContent = isRefused
    ? "Open the whole address that the demo printed: it ends with a key"
    : "The demo has ended; this page connects again by itself";
}

export function drawNotices({ notices }) {
  const list = byId("notices");
  list.replaceChildren(
    ...notices.toReversed().map(({ at, level, text }) =>
      element(`div.is-${level}`, {}, element("time", {}, timeOfDay(at)), element("span", {}, text))
    ),
  );
}
