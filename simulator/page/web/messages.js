/** Draws the messages of a channel, each with the bot's decision beside it. */

import { avatar, byId, duration, element, renderText, size, timeOfDay } from "./dom.js";
import { channel, messagesOf, nameOf, openQuestion } from "./state.js";
import { timeText } from "./times.js";

/** Milliseconds after which the same author's next message has a head of its own. */
const GROUP_MS = 5 * 60_000;

/** Pixels from the end within which the reader counts as at the end. */
const AT_END_PX = 120;

/** Draws the channel anew. */
export function drawMessages(state, acts) {
  const list = byId("messages");
  const messages = messagesOf(state);
  const rows = messages.map((message, index) => row(state, message, messages[index - 1], acts));
  list.replaceChildren(...(rows.length > 0 ? rows : [emptyRow(state)]));
  toEnd();
}

/** Keeps a reader at the end there when the window changes. */
export function startMessages() {
  const list = byId("messages");
  let isAtEnd = true;
  list.addEventListener("scroll", () => {
    isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < AT_END_PX;
  });
  new ResizeObserver(() => isAtEnd && toEnd()).observe(list);
}

/** Draws new and changed messages, and those that a question may be about; keeps the reader's position. */
export function redraw(state, ids, acts) {
  const list = byId("messages");
  const messages = messagesOf(state);
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < AT_END_PX;
  let isOurs = false;
  const waiting = messages.filter(({ id }) => isOpen(state.judged.get(id)));
  for (const id of new Set([...ids, ...waiting.map(({ id }) => id)])) {
    const index = messages.findIndex((message) => message.id === id);
    const drawn = rowOf(id);
    const message = messages[index];
    if (!message) {
      drawn?.remove();
      continue;
    }
    const made = row(state, message, messages[index - 1], acts);
    list.querySelector(".empty")?.remove();
    if (drawn) {
      drawn.before(made);
      drawn.remove();
    } else list.append(made);
    isOurs ||= id === ids[0] && message.author.id === state.personId;
  }
  if (isAtEnd || (isOurs && ids.length === 1)) toEnd();
}

function toEnd() {
  const list = byId("messages");
  list.scrollTop = list.scrollHeight;
}

function rowOf(id) {
  return byId(`message-${id}`);
}

function emptyRow(state) {
  const shown = channel(state);
  const where = shown?.kind === "dm" ? shown.name : `#${shown?.name ?? ""}`;
  return element(
    "div.empty",
    {},
    element("img", { src: "/icon.svg", alt: "", width: 56, height: 56 }),
    element("strong", {}, `This is the beginning of ${where}`),
    element(
      "span",
      {},
      shown?.kind === "dm"
        ? "Write something. The bot's answer depends on the person you are."
        : "Mention the bot, or do not: each message shows the bot's decision and its reason.",
    ),
  );
}

function row(state, message, before, acts) {
  const { id, author, at, text, replyTo } = message;
  const isGrouped = before !== undefined && before.author.id === author.id &&
    at - before.at < GROUP_MS && replyTo === undefined && !message.onlyFor;
  const time = element("time", { datetime: new Date(at).toISOString() }, timeOfDay(at));
  const head = isGrouped ? [] : [
    element(
      "div.head",
      {},
      element("strong", {}, author.name),
      author.isBot ? element("span.badge", {}, "APP") : undefined,
      message.onlyFor ? element("span.badge", {}, "ONLY YOU SEE THIS") : undefined,
      time,
    ),
  ];
  const body = element(
    "div.body",
    {},
    ...(replyTo === undefined ? [] : [quote(state, replyTo)]),
    ...head,
    element("div.text", {}, ...renderText(text, (to) => nameOf(state, to))),
    ...message.attachments.map((file) => attachment(file, acts)),
    buttons(message, acts),
    ...menus(message, acts),
    reactions(state, message),
    tools(message, acts),
  );
  return element(
    `article.message${isGrouped ? ".is-grouped" : ""}${author.isBot ? ".is-bot" : ""}`,
    { id: `message-${id}` },
    isGrouped ? time.cloneNode(true) : avatar(author),
    body,
    author.isBot ? answerNote(state, id) : verdictNote(state, message, acts),
  );
}

function quote(state, replyTo) {
  const quoted = state.messages.get(replyTo);
  return element(
    "button.reply-to",
    { type: "button", onclick: () => flash(replyTo) },
    quoted ? `${quoted.author.name}: ${quotedText(state, quoted)}` : "a message that is gone",
  );
}

/** The beginning of a quoted message on one line, with names in place of ids, and readable times. */
function quotedText(state, { text }) {
  return text.slice(0, 200).replace(
    /<(@!?|@&|#)(\d{1,20})>/g,
    (_, sign, id) => nameOf(state, sign.replace("!", "") + id),
  ).replace(
    /<t:(-?\d{1,12})(?::([tTdDfFR]))?>/g,
    (_, at, style = "f") => timeText(Number(at), style, Date.now()),
  ).replace(/\s+/g, " ").slice(0, 120);
}

function attachment({ name, sizeBytes, path }) {
  return element(
    "a.attachment",
    { href: path, target: "_blank", rel: "noopener" },
    `${name} (${size(sizeBytes)})`,
  );
}

/** The bot's buttons below its message. */
function buttons({ id, channelId, buttons, links }, acts) {
  if (buttons.length + links.length === 0) return undefined;
  return element(
    "div.buttons",
    {},
    ...buttons.map(({ customId, label, style, isDisabled }) =>
      element(`button.is-${style}`, {
        type: "button",
        disabled: isDisabled,
        onclick: () => acts.click(channelId, id, customId),
      }, label)
    ),
    ...links.map(({ label, url }) =>
      element("a.attachment", { href: url, target: "_blank", rel: "noopener" }, `${label} ↗`)
    ),
  );
}

/** The bot's menus. One option is sent at once; for several, the person presses a button. */
function menus({ id, channelId, menus }, acts) {
  return menus.map(({ customId, placeholder, labels, min, max, isDisabled }) => {
    const node = element(
      "select",
      {
        "aria-label": placeholder,
        multiple: max > 1,
        size: max > 1 ? Math.min(6, labels.length) : undefined,
        disabled: isDisabled,
        onchange: () => max === 1 && send(),
      },
      max > 1 ? undefined : element("option", { value: "" }, placeholder),
      ...labels.map((label) => element("option", { value: label }, label)),
    );
    const send = () => {
      const chosen = [...node.selectedOptions].map(({ value }) => value).filter(Boolean);
      if (chosen.length > 0) acts.choose(channelId, id, customId, chosen);
    };
    if (max === 1) return element("div.menu", {}, node);
    return element(
      "div.menu.buttons",
      {},
      element("small", {}, `${placeholder}: ${min} to ${max}`),
      node,
      element("button.is-primary", { type: "button", disabled: isDisabled, onclick: send }, "Send"),
    );
  });
}

function reactions(state, { reactions }) {
  if (reactions.length === 0) return undefined;
  return element(
    "div.reactions",
    {},
    ...reactions.map(({ emoji, by }) => {
      const title = by.map((one) => nameOf(state, `@${one}`)).join(", ");
      return element("span", { title }, `${emoji} ${by.length}`);
    }),
  );
}

function tools({ id, author }, acts) {
  return element(
    "div.tools",
    { role: "group", "aria-label": `Message of ${author.name}` },
    element("button", { type: "button", onclick: () => acts.replyTo(id) }, "Reply"),
  );
}

const DECIDED = { accept: "Accepted", challenge: "Asked to pair", undecided: "Waiting" };

/** Beside a person's message: the bot's decision with reason and rule, and its result. */
function verdictNote(state, { id, author }, acts) {
  const judged = state.judged.get(id);
  if (!judged) {
    return element(
      "div.verdict.is-open",
      {},
      element("p.decided", {}, "Not decided yet"),
      element("p", {}, "If the bot is down, it reads this message when it is back."),
    );
  }
  const isAccepted = judged.verdict === "accept";
  const decided = DECIDED[judged.verdict] ?? "Ignored";
  return element(
    `div.verdict.${isAccepted ? "is-accepted" : "is-ignored"}`,
    { role: "note" },
    element(
      "p.decided",
      {},
      decided,
      element("span.why.is-code", {}, judged.why),
    ),
    element("p", {}, judged.words),
    element(
      "code.rule",
      { title: "The deciding rule of the config" },
      ...brokenAtDots(judged.rule),
    ),
    waitingNote(state, judged, author, acts) ??
      (judged.outcome ? outcomeNote(judged.outcome) : undefined),
  );
}

/** Lets a long path break between its parts. */
function brokenAtDots(rule) {
  return rule.split(/(?=[.[])/).flatMap((part) => [part, element("wbr")]);
}

/** Whether a person may have to decide about a message. */
function isOpen(judged) {
  return judged?.verdict === "challenge" || judged?.outcome?.kind === "thinking";
}

/** A link to the question that the bot has asked another person about a message. */
function waitingNote(state, judged, author, acts) {
  const about = judged.verdict === "challenge" ? author.id : judged.messageId;
  const question = isOpen(judged) ? openQuestion(state, about) : undefined;
  if (!question) return undefined;
  const { id, channelId, personId } = question;
  const show = () => {
    acts.become(personId);
    acts.show(channelId);
    flash(id);
  };
  const name = nameOf(state, `@${personId}`).slice(1);
  return element("button.outcome", { type: "button", onclick: show }, `Waits for ${name}: show it`);
}

function outcomeNote({ kind, replies, afterMs }) {
  if (kind === "thinking") {
    return element("p.outcome.is-thinking", {}, "Thinking", element("span.dots", {}, "…"));
  }
  const count = replies.length > 1 ? ` in ${replies.length} messages` : "";
  const after = afterMs === undefined ? "" : ` after ${duration(afterMs)}`;
  const done = kind === "answered" ? `Answered${count}` : "Failed, and said so";
  const words = `${done}${after}`;
  const [first] = replies;
  return element(
    `button.outcome.is-${kind}`,
    { type: "button", onclick: () => flash(first), title: "Show the answer" },
    words,
  );
}

/** Beside the bot's message: the answered message. */
function answerNote(state, id) {
  for (const { messageId, outcome } of state.judged.values()) {
    const place = outcome?.replies.indexOf(id) ?? -1;
    if (place < 0) continue;
    const asked = state.messages.get(messageId);
    const count = outcome.replies.length;
    const part = count > 1 ? `, ${place + 1} of ${count}` : "";
    return element(
      "button.answers",
      { type: "button", onclick: () => flash(messageId), title: "Show the question" },
      `answers ${asked?.author.name ?? "a deleted message"}${part}`,
    );
  }
  return undefined;
}

function flash(id) {
  const drawn = rowOf(id);
  if (!drawn) return;
  drawn.scrollIntoView({ block: "center", behavior: "smooth" });
  drawn.classList.remove("is-flashing");
  void drawn.offsetWidth; // restarts the animation
  drawn.classList.add("is-flashing");
}
