/** Draws the bot's panel: its state, the actions on it, its events. */

import { byId, element, timeOfDay } from "./dom.js";

let drawnControls = "";

/** Draws the bot's card; buttons only if they changed, because one may have the focus. */
export function drawBot({ bot }, acts) {
  const { state, headline, figures, controls } = bot;
  for (const id of ["top-dot", "bot-dot"]) byId(id).className = `dot is-${state}`;
  byId("top-state").textContent = state;
  byId("bot-headline").textContent = headline;
  byId("figures").replaceChildren(
    ...figures.flatMap(({ name, value }) => [element("dt", {}, name), element("dd", {}, value)]),
  );

  const wanted = JSON.stringify(controls);
  if (wanted === drawnControls) return;
  drawnControls = wanted;
  const focused = document.activeElement?.getAttribute("data-key");
  for (const group of ["model", "fault", "demo"]) {
    const ofGroup = controls.filter((control) => control.group === group);
    byId(`${group}-controls`).replaceChildren(...ofGroup.map((control) => button(control, acts)));
  }
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
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
    : "The demo has ended or starts over; this page connects again by itself";
}

export function drawNotices({ notices }) {
  const list = byId("notices");
  list.replaceChildren(
    ...notices.toReversed().map(({ at, level, text }) =>
      element(`div.is-${level}`, {}, element("time", {}, timeOfDay(at)), element("span", {}, text))
    ),
  );
}

function button({ id, label, hint, isOn, group, opens }, acts) {
  return element(
    `button.control.of-${group}`,
    {
      type: "button",
      "data-key": `control-${id}`,
      title: group === "demo" ? hint : undefined,
      "aria-pressed": opens ? undefined : String(isOn),
      onclick: () => opens ? acts.open(id) : acts.press(id),
    },
    element("strong", {}, label),
    group === "demo" ? undefined : element("small", {}, hint),
  );
}
