/**
 * Draws the bot's panel: its state, the actions on it, its events.
 *
 * @module
 */

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
  for (const group of ["model", "fault"]) {
    const ofGroup = controls.filter((control) => control.group === group);
    byId(`${group}-controls`).replaceChildren(...ofGroup.map((control) => button(control, acts)));
  }
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

/** Shows that the page itself has lost its server. */
export function drawGone() {
  for (const id of ["top-dot", "bot-dot"]) byId(id).className = "dot is-offline";
  byId("top-state").textContent = "demo ended";
  byId("bot-headline").textContent = "The demo has ended; this page connects again by itself";
}

export function drawNotices({ notices }) {
  const list = byId("notices");
  list.replaceChildren(
    ...notices.toReversed().map(({ at, level, text }) =>
      element(`li.is-${level}`, {}, element("time", {}, timeOfDay(at)), element("span", {}, text))
    ),
  );
}

function button({ id, label, hint, isOn, group }, acts) {
  return element(
    `button.control.of-${group}`,
    {
      type: "button",
      "data-key": `control-${id}`,
      "aria-pressed": String(isOn),
      onclick: () => acts.press(id),
    },
    element("strong", {}, label),
    element("small", {}, hint),
  );
}
