/** Draws the lists of places and people. */

import { avatar, byId, element } from "./dom.js";
import { channel, channelsOf } from "./state.js";

/** Draws the places and the people; the focus stays. */
export function drawSidebar(state, acts) {
  const focused = document.activeElement?.getAttribute("data-key");
  byId("places").replaceChildren(...groupsOf(state).map((group) => groupNode(state, group, acts)));
  byId("who").replaceChildren(
    element("legend", {}, "You are"),
    ...state.world.people.map((person) => personNode(state, person, acts)),
  );
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

/** Draws the line above the messages. */
export function drawTop(state) {
  const shown = channel(state);
  const sign = shown?.kind === "dm" || shown?.kind === "group_dm" ? "@" : "#";
  byId("title").replaceChildren(
    element("span.sign", { "aria-hidden": "true" }, sign),
    shown?.name ?? "",
  );
  byId("topic").textContent = shown?.topic ?? guildNameOf(state, shown);
}

function guildNameOf({ world }, shown) {
  if (!shown?.guildId) return "direct messages";
  return world.guilds.find(({ id }) => id === shown.guildId)?.name ?? "";
}

function groupsOf(state) {
  const seen = channelsOf(state);
  const guilds = state.world.guilds.map(({ id, name }) => ({
    name,
    channels: seen.filter(({ guildId, kind }) => guildId === id && kind !== "thread")
      .flatMap((one) => [one, ...seen.filter(({ parentId }) => parentId === one.id)]),
  }));
  const direct = seen.filter(({ guildId }) => guildId === undefined);
  return [...guilds, { name: "Direct messages", channels: direct }]
    .filter(({ channels }) => channels.length > 0);
}

function groupNode(state, { name, channels }, acts) {
  return element(
    "section",
    {},
    element("h2", {}, name),
    element(
      "ul",
      {},
      ...channels.map(({ id, kind, name }) =>
        element(
          "li",
          {},
          element(
            `button.place${kind === "thread" ? ".is-thread" : ""}${
              state.unread.has(id) ? ".is-unread" : ""
            }`,
            {
              type: "button",
              "data-key": id,
              "aria-current": id === state.channelId ? "page" : undefined,
              onclick: () => acts.show(id),
            },
            element("span.sign", { "aria-hidden": "true" }, signOf(kind)),
            element("span.name", {}, name),
            state.unread.has(id)
              ? element("span.unread", { role: "img", "aria-label": "unread" })
              : undefined,
          ),
        )
      ),
    ),
  );
}

function signOf(kind) {
  return { dm: "@", group_dm: "@", thread: "↳", voice: "🔊" }[kind] ?? "#";
}

function personNode(state, person, acts) {
  const { id, name, note } = person;
  return element(
    "label.person",
    {},
    element("input", {
      type: "radio",
      name: "person",
      value: id,
      "data-key": `person-${id}`,
      checked: id === state.personId,
      onchange: () => acts.become(id),
    }),
    avatar(person),
    element("span.names", {}, element("strong", {}, name), element("small", {}, note)),
  );
}
