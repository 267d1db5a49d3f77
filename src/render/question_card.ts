/**
 * Composes the messages that show questions: what, where, who asks, the exact command, the end.
 *
 * An approver decides by what the card shows. So a command is shown whole or not at all, with every
 * character that people cannot see escaped (SEC-R20).
 *
 * @module
 */

import type { ChannelId, UserId } from "../core/discord/ids.ts";
import type { Button, Frozen } from "../core/outbound/outbound.ts";
import {
  ALLOW_ALWAYS,
  ALLOW_ONCE,
  DENY,
  type Question,
  type StoredQuestion,
} from "../core/people/question.ts";
import { clip } from "../lib/text/clip.ts";
import { notice, type Texts } from "./notices/notices.ts";

/** Maximum characters of a command that Discord shows; longer ones need the command line. */
const MAX_EXACT = 1_500;
/** Maximum characters of each other part of a card with a command. */
const MAX_REST = 180;
/** Characters of facts below which they are left out. */
const MIN_REST = 100;
/** Characters for a note about a part that is left out, and for line ends. */
const NOTE = 50;
/** Maximum characters of a message. */
const MAX_CONTENT = 2_000;
/** Discord's maximum number of characters for a button's label. */
const MAX_LABEL = 80;

/** Channel and nonce of a card. */
export interface CardPlace {
  /** Channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  /** Nonce of the message. */
  readonly nonce: string;
}

/** The buttons of an open question, without their ids. */
export function choicesOf(
  { question }: StoredQuestion,
  texts: Texts,
): readonly (Omit<Button, "customId"> & { readonly choice: string })[] {
  const { choices } = question;
  const shown = isShown(question) ? choices : choices.filter(({ key }) => key === DENY); // a person must see the command that they approve
  return shown.map(({ key, label, style = "secondary" }) => ({
    choice: key,
    label: (label ?? labelOf(key, texts)).slice(0, MAX_LABEL),
    style,
  }));
}

/** Composes an open question. */
export function composeCard(
  stored: StoredQuestion,
  place: CardPlace,
  buttons: readonly Button[],
  texts: Texts,
): Frozen {
  const { question, expiresAt, code } = stored;
  const when = `<t:${Math.floor(expiresAt / 1_000)}:R>`; // Discord shows the reader's own time
  const lines = bodyOf(stored, notice("questionEnds", { when, code }, texts), texts);
  const pings = question.where === "channel" ? mentionedBy(question) : [];
  return {
    message: {
      ...baseOf(stored, place, lines),
      pings: { users: pings, roles: [], quotedAuthor: false },
      ...(question.where === "channel" && { quote: stored.messageId }),
      buttons,
    },
    files: [],
  };
}

/** Composes a decided question: its card loses the buttons. */
export function composeSettled(
  stored: StoredQuestion,
  card: CardPlace & { readonly draftNonce: string },
  texts: Texts,
): Frozen {
  return {
    message: {
      ...baseOf(stored, card, settledParts(stored, texts)),
      pings: { users: [], roles: [], quotedAuthor: false },
      buttons: [],
    },
    files: [],
    draft: { nonce: card.draftNonce, becomes: "this" },
  };
}

/** The text of a decided question's card. */
export function settledContent(stored: StoredQuestion, texts: Texts): string {
  return joined(settledParts(stored, texts));
}

function settledParts(stored: StoredQuestion, texts: Texts): readonly CardPart[] {
  return bodyOf(stored, `**${settledText(stored, texts)}**`, texts);
}

/** The end of a question, in words for people. */
function settledText(stored: StoredQuestion, texts: Texts): string {
  const { state, answer, decidedBy, question } = stored;
  switch (state) {
    case "open":
      return "";
    case "expired":
      return notice("questionExpired", {}, texts);
    case "withdrawn":
      return notice("questionWithdrawn", {}, texts);
    case "answered": {
      const by = decidedBy === undefined ? "The operator" : `<@${decidedBy}>`;
      const choice = answer?.choice ?? "";
      const chosen = question.choices.find(({ key }) => key === choice);
      const label = chosen?.label ?? labelOf(choice, texts);
      return notice("questionAnswered", { by, answer: label.slice(0, MAX_LABEL) }, texts);
    }
  }
}

/** Whether Discord can show the whole exact text. */
export function isShown({ exact }: Question): boolean {
  return exact === undefined || visible(exact).length <= MAX_EXACT;
}

/**
 * A text in which people see every character: controls, marks of writing direction, characters
 * without width and look-alike spaces are escaped. Three backticks would end the block around it.
 */
export function visible(text: string): string {
  return text.replace(/[^\P{C}\n\t]|[^\P{Z} ]|[\p{Default_Ignorable_Code_Point}\p{M}]/gu, escaped)
    .replaceAll("```", "\\u0060\\u0060\\u0060");
}

function escaped(character: string): string {
  return Array.from(character, (one) => {
    const code = one.codePointAt(0) ?? 0;
    return code > 0xFFFF ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
  }).join("");
}

function bodyOf(stored: StoredQuestion, last: string, texts: Texts): readonly CardPart[] {
  const { question, code } = stored;
  const { text, facts, exact, where } = question;
  const mentioned = where === "channel" ? mentionedBy(question) : [];
  const heading = mentioned.length > 0
    ? notice(
      "questionFor",
      { user: mentioned.map((id) => `<@${id}>`).join(" "), question: text },
      texts,
    )
    : text;
  const block = exact === undefined
    ? undefined
    : isShown(question)
    ? `\`\`\`\n${visible(exact)}\n\`\`\``
    : notice("questionTooLong", { code }, texts);
  const rest = facts.map(({ name, value }) => `**${name}:** ${value}`).join("\n");
  const room = MAX_CONTENT - Math.min(heading.length, MAX_REST + NOTE) -
    (block?.length ?? MAX_EXACT) -
    last.length - NOTE;
  return [
    { text: clip(heading, block === undefined ? MAX_EXACT : MAX_REST), mayGo: block !== undefined },
    ...(block === undefined ? [] : [{ text: block, mayGo: false }]),
    ...(room < MIN_REST || rest === "" ? [] : [{ text: clip(rest, room), mayGo: true }]),
    { text: last, mayGo: false },
  ];
}

/** The people whom a card in the channel mentions. */
function mentionedBy({ asked, mentioned }: Question): readonly UserId[] {
  return mentioned ?? (asked === "anyone" ? [] : asked);
}

/** A part of a card. */
interface CardPart {
  readonly text: string;
  /** Whether it may be left out, so that the exact command fits. */
  readonly mayGo: boolean;
}

/** Joins parts within Discord's limit; parts that may go do so from the end. */
function joined(parts: readonly CardPart[]): string {
  const whole = parts.map(({ text }) => text).join("\n");
  const leaving = parts.findLastIndex(({ mayGo }) => mayGo);
  if (whole.length <= MAX_CONTENT) return whole;
  return leaving < 0
    ? clip(whole, MAX_CONTENT - 50)
    : joined(parts.filter((_, index) => index !== leaving));
}

function baseOf(
  { accountId, guildId, question, channelId: home }: StoredQuestion,
  { channelId, nonce }: CardPlace,
  parts: readonly CardPart[],
) {
  return {
    accountId,
    channelId,
    ...(guildId !== undefined && question.where === "channel" && channelId === home && { guildId }),
    nonce,
    content: joined(parts),
    suppressesEmbeds: true as const,
  };
}

function labelOf(key: string, texts: Texts): string {
  switch (key) {
    case ALLOW_ONCE:
      return notice("allowOnce", {}, texts);
    case ALLOW_ALWAYS:
      return notice("allowAlways", {}, texts);
    case DENY:
      return notice("denyCall", {}, texts);
    default:
      return key;
  }
}
