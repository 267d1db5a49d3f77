/** The message box: writes as the current person. */

import { byId, element } from "./dom.js";
import { channel, needsMention, ownerOf, person } from "./state.js";

/** Pixels; a longer message scrolls. */
const MAX_HEIGHT = 200;

/** Whether a message mentions the bot, by kind of place: the last choice. */
const mentions = { guild: true, direct: false };

/** Sets the message box up, once. */
export function startComposer(acts) {
  const words = byId("words");
  byId("mention").addEventListener("click", () => {
    acts.withState((state) => {
      const kind = needsMention(state) ? "guild" : "direct";
      mentions[kind] = !mentions[kind];
      drawComposer(state, acts);
    });
    words.focus();
  });
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    say(acts, words.value);
  });
  words.addEventListener("input", () => {
    fit(words);
    byId("problem").textContent = "";
  });
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    say(acts, words.value);
  });
}

/** Draws everything that depends on the current person and place. */
export function drawComposer(state, acts) {
  const { name } = channel(state) ?? { name: "" };
  const isGuild = needsMention(state);
  const bot = state.world.bot.name;
  byId("words").placeholder = `Message ${isGuild ? `#${name}` : name} as ${
    person(state)?.name ?? ""
  }`;
  const mention = byId("mention");
  mention.textContent = `@${bot}`;
  mention.setAttribute("aria-pressed", String(isMentioned(state)));
  mention.title = isMentioned(state)
    ? `Your message will mention ${bot}; click to leave the mention out`
    : `Click to mention ${bot} in your message`;
  drawReplyTo(state, acts);
  byId("chips").replaceChildren(
    ...state.prompts.map(({ text, by }) => {
      const other = by === "owner" && state.personId !== ownerOf(state)?.id && ownerOf(state);
      return element(
        "button",
        {
          type: "button",
          title: other ? `Only the bot's owner may ask this: you become ${other.name}` : undefined,
          onclick() {
            if (other) acts.become(other.id);
            acts.say(withMention(state, text));
          },
        },
        other ? `${text} (as ${other.name})` : text,
      );
    }),
  );
}

function drawReplyTo({ replyTo, messages }, acts) {
  const quoted = messages.get(replyTo);
  byId("replying").replaceChildren(
    ...(quoted
      ? [
        element("span", {}, `Replying to ${quoted.author.name}`),
        element("button", {
          type: "button",
          "aria-label": "Do not reply",
          onclick: () => acts.replyTo(undefined),
        }, "✕"),
      ]
      : []),
  );
}

export function showProblem(text) {
  byId("problem").textContent = text;
}

async function say(acts, text) {
  if (text.trim() === "") return;
  const words = byId("words");
  words.value = ""; // at once: text typed during the request is the next message
  fit(words);
  const isSaid = await acts.withState((state) => acts.say(withMention(state, text)));
  if (isSaid || words.value !== "") return;
  words.value = text;
  fit(words);
}

function isMentioned(state) {
  return needsMention(state) ? mentions.guild : mentions.direct;
}

/** Turns names into mentions, as Discord's client does; adds the bot's first, if wanted. */
function withMention(state, text) {
  const { bot, people } = state.world;
  let said = text;
  for (const { id, name } of [bot, ...people]) said = said.replaceAll(`@${name}`, `<@${id}>`);
  const isToBot = state.messages.get(state.replyTo)?.author.id === bot.id; // which mentions it
  return isMentioned(state) && !isToBot && !said.includes(`<@${bot.id}>`)
    ? `<@${bot.id}> ${said}`
    : said;
}

function fit(words) {
  words.style.height = "auto";
  words.style.height = `${Math.min(words.scrollHeight, MAX_HEIGHT)}px`;
}
