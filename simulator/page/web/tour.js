/**
 * A tour: mention the bot, be a person whom it does not know, talk with it, kill it.
 *
 * A step ends when it has happened, however the user did it, or when the user skips it.
 */

import { byId, element } from "./dom.js";
import { channelsOf, openQuestion } from "./state.js";

const STEPS = [
  {
    id: "mention",
    title: "Mention the bot",
    text: "Write in #general as Grace, with the switch @Barnacle on. Beside your message stands " +
      "the bot's decision with its reason.",
    isDone: (state) =>
      answeredOf(state).some(({ messageId }) =>
        !state.tour.seen.has(messageId) && isInGuild(state, state.messages.get(messageId))
      ),
    action: (state, acts) => ["Ask a question as Grace", () => sayInGuild(state, acts)],
  },
  {
    id: "unknown",
    title: "Be a person whom the bot does not know",
    text: "Write to the bot as mallory: she gets a pairing code instead of an answer. Ada owns " +
      "the bot: as Ada, press Approve. Then write as mallory again.",
    isDone(state) {
      const verdicts = judgedOf(state, unknownOf(state));
      return verdicts.some(({ verdict, why }) =>
        verdict === "accept" || (verdict === "ignore" && !why.startsWith("pairing"))
      );
    },
    action(state, acts) {
      const unknown = unknownOf(state);
      const question = openQuestion(state, unknown.id);
      if (!question) {
        return [`Write as ${unknown.name}`, () => {
          go(state, acts, unknown, ({ kind }) => kind === "dm");
          acts.say("hello, may I ask you something?");
        }];
      }
      const { id, channelId, button, personId } = question;
      const owner = state.world.people.find((one) => one.id === personId);
      return state.channelId === channelId
        ? [`Press ${button.label}`, () => acts.click(channelId, id, button.customId)]
        : [`Become ${owner.name}`, () => go(state, acts, owner, (one) => one.id === channelId)];
    },
  },
  {
    id: "voice",
    title: "Talk with the bot",
    text:
      "Call the bot into a voice channel, press Hear me, and ask. What you say and what you hear " +
      "stand here as text.",
    isDone: (state) => inCall(state).some(({ text }) => text.includes("My call here is over")),
    action(state, acts) {
      const place = voiceChannel(state);
      const inPlace = (act) => () => {
        go(state, acts, memberOf(state), ({ id }) => id === place.id);
        act();
      };
      const all = inCall(state);
      const ask = "When is low tide?";
      if (all.some(({ author, text }) => author.isBot && text.startsWith("🔊"))) {
        return ["Hang up", inPlace(acts.hangUp)];
      }
      if (all.some(({ text }) => text.startsWith("I hear you"))) {
        return [`Say “${ask}”`, inPlace(() => acts.speak(ask))];
      }
      for (const { id, buttons } of all) {
        const hear = buttons.find(({ label }) => label === "Hear me");
        if (hear) return ["Press Hear me", inPlace(() => acts.click(place.id, id, hear.customId))];
      }
      return ["Open the voice channel and call the bot", inPlace(acts.call)];
    },
  },
  {
    id: "kill",
    title: "Kill the bot",
    text: "Kill its process and write to it while it is down. It starts again within seconds, " +
      "and answers once.",
    isDone: ({ tour, bot }, answered) =>
      tour.answeredAtKill !== undefined && bot === "online" &&
      answered.length > tour.answeredAtKill,
    action: (state, acts) =>
      state.tour.answeredAtKill === undefined
        ? ["Kill it now", () => acts.kill()]
        : ["Ask again as Grace", () => sayInGuild(state, acts)],
  },
];

/** The first step that has neither happened nor been skipped. */
export function stepOf(state) {
  const answered = answeredOf(state);
  for (const step of STEPS) {
    if (step.isDone(state, answered)) state.tour.done.add(step.id);
  }
  return STEPS.find(({ id }) =>
    !state.tour.done.has(id) && (id !== "voice" || voiceChannel(state))
  );
}

/** Notes when the bot goes down: a later answer ends the last step. */
export function noteBot(state) {
  if (state.bot !== "offline" || state.tour.answeredAtKill !== undefined) return;
  state.tour.answeredAtKill = answeredOf(state).length;
}

let drawn = "";

/** Draws the current step; nothing once the user has closed the tour. */
export function drawTour(state, acts) {
  const step = state.tour.isClosed ? undefined : stepOf(state);
  const [label] = step?.action(state, acts) ?? [];
  const wanted = step ? `${step.id} ${label}` : "";
  if (wanted === drawn) return; // a button may have the focus
  drawn = wanted;
  const skip = () => {
    state.tour.done.add(step.id);
    drawTour(state, acts);
  };
  const close = () => {
    state.tour.isClosed = true;
    drawTour(state, acts);
  };
  const hadFocus = byId("tour").contains(document.activeElement);
  byId("tour").replaceChildren(
    ...(step
      ? [
        element(
          "p",
          {},
          element("span.badge", {}, `${STEPS.indexOf(step) + 1} of ${STEPS.length}`),
          element("strong", {}, step.title),
          element("span", {}, step.text),
        ),
        element(
          "div.steps",
          {},
          element("button.main", {
            type: "button",
            onclick: () => step.action(state, acts)[1](), // the state may be newer
          }, label),
          element("button", { type: "button", onclick: skip }, "Skip"),
          element("button", { type: "button", onclick: close }, "Close the tour"),
        ),
      ]
      : []),
  );
  // A person who uses the keyboard goes on where they were; after the last step, in the message.
  if (hadFocus) (byId("tour").querySelector("button") ?? byId("words")).focus();
}

/** Asks the bot in a server, as a member of it. */
function sayInGuild(state, acts) {
  go(state, acts, memberOf(state), ({ guildId }) => guildId);
  acts.say(`<@${state.world.bot.id}> What did I say?`);
}

/** Becomes a person, and shows that person's first channel of a kind. */
function go(state, acts, person, isWanted) {
  if (!person) return;
  acts.become(person.id);
  const wanted = channelsOf(state).find(isWanted);
  if (wanted) acts.show(wanted.id);
}

function answeredOf({ judged }) {
  return [...judged.values()].filter(({ outcome }) => outcome?.kind === "answered");
}

function judgedOf(state, person) {
  return [...state.judged.values()].filter(({ messageId }) =>
    person !== undefined && state.messages.get(messageId)?.author.id === person.id
  );
}

function isInGuild({ world }, message) {
  return world.channels.some(({ id, guildId }) => id === message?.channelId && guildId);
}

function voiceChannel({ world }) {
  return world.channels.find(({ kind }) => kind === "voice");
}

/** The messages in the voice channel, and the words spoken there. */
function inCall(state) {
  const id = voiceChannel(state)?.id;
  return [...state.messages.values()].filter(({ channelId }) => channelId === id);
}

function memberOf({ world }) {
  return world.people.find(({ note }) => note.startsWith("member"));
}

function unknownOf({ world }) {
  return world.people.find(({ note }) => note.startsWith("unknown"));
}
