/**
 * Composes the messages that show questions: what, where, who asks, the exact command, the end, and
 * the buttons or menus by which people answer.
 *
 * An approver decides by what the card shows. So a command is shown whole or not at all, with every
 * character that people cannot see escaped (SEC-R20).
 */

import type { ChannelId, UserId } from "../../core/discord/ids.ts";
import type { Button, Card, Frozen, Menu } from "../../core/outbound/outbound.ts";
import {
  ALLOW_ALWAYS,
  ALLOW_ONCE,
  type AnswerChoice,
  DENY,
  FILL_IN,
  MENU,
  type Question,
  type StoredQuestion,
} from "../../core/people/question.ts";
import { PERSONAL } from "../../core/outbound/outbound.ts";
import { bounded, clip } from "../../lib/text/quoted.ts";
import { tooLongToShow } from "../sentences.ts";
import { readerTime } from "../../lib/text/units.ts";
import { withoutSmall } from "../safety/visible.ts";

/** Maximum characters of a command that Discord shows; longer ones need the command line. */
const MAX_EXACT = 1_500;
/** Maximum characters of each other part of a card with a command. */
const MAX_REST = 180;
/** Characters of facts below which they are left out. */
const MIN_REST = 100;
/** Characters for a note about a part that is left out, and for line ends. */
const NOTE = 50;
const MAX_CONTENT = 2_000;
const MAX_ANSWER = 100;

interface CardPlace {
  /** Channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  readonly nonce: string;
  /** Whether the message is in Discord's second layout; otherwise, it is text. */
  readonly isCard: boolean;
}

export function composeCard(
  stored: StoredQuestion,
  place: CardPlace,
  { buttons, menus }: { readonly buttons: readonly Button[]; readonly menus: readonly Menu[] },
): Frozen {
  const { question, expiresAt, code } = stored;
  const when = readerTime(expiresAt, "R");
  const lines = bodyOf(stored, `Expires ${when} · ID: \`${code}\``);
  const pings = question.where === "channel" ? mentionedBy(question) : [];
  return {
    message: {
      ...baseOf(stored, place, lines, true),
      pings: { users: pings, roles: [], quotedAuthor: false },
      quote: isInTurn(stored, place) ? stored.messageId : undefined,
      buttons,
      link: question.link,
      menus: menus.length > 0 ? menus : undefined,
    },
    files: [],
  };
}

/** Composes a decided question: its card loses the buttons. */
export function composeSettled(
  stored: StoredQuestion,
  card: CardPlace & { readonly draftNonce: string },
): Frozen {
  return {
    message: {
      ...baseOf(stored, card, settledParts(stored), false),
      pings: { users: [], roles: [], quotedAuthor: false },
      buttons: [],
    },
    files: [],
    draft: { nonce: card.draftNonce, becomes: "this" },
  };
}

/** The text of a decided question's card, in both forms. */
export function settledContent(
  stored: StoredQuestion,
): { readonly text: string; readonly card: Card } {
  const blocks = fittingParts(settledParts(stored));
  return { text: blocks.join("\n"), card: { blocks, isOpen: false } };
}

function settledParts(stored: StoredQuestion): readonly CardPart[] {
  return bodyOf(stored, `**${settledText(stored)}**`);
}

/** The end of a question, in words for people. */
function settledText(stored: StoredQuestion): string {
  const { state, answer, decidedBy, question } = stored;
  switch (state) {
    case "open":
      return "";
    case "expired":
      return "No one answered in time.";
    case "withdrawn":
      return "This needs no answer any more.";
    case "answered": {
      const by = decidedBy === undefined ? "The operator" : `<@${decidedBy}>`;
      if (answer?.text !== undefined) {
        return `${by} filled in the form.`;
      }
      const labels = (answer?.several ?? [answer?.choice ?? ""]).map((key) => {
        const chosen = question.choices.find((choice) => choice.key === key);
        return bounded(choiceLabel(chosen ?? { key }), MAX_ANSWER);
      });
      return `${by} chose: ${labels.join(", ")}`;
    }
  }
}

/** Whether Discord can show the whole exact text. */
export function isShown({ exact }: Question): boolean {
  return exact === undefined || withVisibleCharacters(exact).length <= MAX_EXACT;
}

/**
 * A text in which people see every character: controls, marks of writing direction, characters
 * without width and look-alike spaces are escaped. Three backticks would end the block around it.
 */
export function withVisibleCharacters(text: string): string {
  return text.replace(
    /[^\P{C}\n\t]|[^\P{Z} ]|[\p{Default_Ignorable_Code_Point}\p{M}]/gu,
    escapeCharacters,
  )
    .replaceAll("```", "\\u0060\\u0060\\u0060");
}

function escapeCharacters(character: string): string {
  return Array.from(character, (one) => {
    const code = one.codePointAt(0) ?? 0;
    return code > 0xFFFF ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
  }).join("");
}

function bodyOf(stored: StoredQuestion, last: string): readonly CardPart[] {
  const { question, code } = stored;
  const { text, facts, exact, where } = question;
  const rest = facts.map(({ name, value }) => `**${name}:** ${value}`).join("\n");
  const mentioned = where === "channel" ? mentionedBy(question) : [];
  const heading = mentioned.length > 0
    ? `${mentioned.map((id) => `<@${id}>`).join(" ")} ${withoutSmall(text)}`
    : withoutSmall(text);
  const block = exact === undefined
    ? undefined
    : isShown(question)
    ? `\`\`\`\n${withVisibleCharacters(exact)}\n\`\`\``
    : tooLongToShow(code);
  const free = MAX_CONTENT - (block?.length ?? MAX_EXACT) - last.length - NOTE;
  const room = free - Math.min(heading.length, MAX_REST + NOTE);
  return [
    ...(question.isPersonal ? [{ text: PERSONAL, mayGo: false }] : []),
    { text: clip(heading, block === undefined ? MAX_EXACT : MAX_REST), mayGo: block !== undefined },
    ...(block === undefined ? [] : [{ text: block, mayGo: false }]),
    ...(room < MIN_REST || rest === "" ? [] : [{ text: clip(rest, room), mayGo: true }]),
    { text: last, mayGo: false },
  ];
}

function mentionedBy({ asked, mentioned }: Question): readonly UserId[] {
  return mentioned ?? (asked === "anyone" ? [] : asked);
}

interface CardPart {
  readonly text: string;
  /** Whether it may be left out, so that the exact command fits. */
  readonly mayGo: boolean;
}

/** The parts within Discord's limit; parts that may go do so from the end. */
function fittingParts(parts: readonly CardPart[]): readonly string[] {
  const texts = parts.map(({ text }) => text);
  const whole = texts.join("\n");
  const leaving = parts.findLastIndex(({ mayGo }) => mayGo);
  if (whole.length <= MAX_CONTENT) return texts;
  return leaving < 0
    ? [clip(whole, MAX_CONTENT - 50)]
    : fittingParts(parts.filter((_, index) => index !== leaving));
}

function isInTurn({ question, channelId }: StoredQuestion, place: CardPlace): boolean {
  return question.where !== "direct" && place.channelId === channelId;
}

function baseOf(
  stored: StoredQuestion,
  place: CardPlace,
  parts: readonly CardPart[],
  isOpen: boolean,
) {
  const { accountId, guildId } = stored;
  const { channelId, nonce, isCard } = place;
  const blocks = fittingParts(parts);
  return {
    accountId,
    channelId,
    guildId: guildId !== undefined && isInTurn(stored, place) ? guildId : undefined,
    nonce,
    content: blocks.join("\n"),
    suppressesEmbeds: true as const,
    card: isCard ? { blocks, isOpen } : undefined,
  };
}

function choiceLabel({ key, label }: AnswerChoice): string {
  if (label !== undefined) return label;
  switch (key) {
    case ALLOW_ONCE:
      return "Allow once";
    case ALLOW_ALWAYS:
      return "Always allow";
    case DENY:
      return "Deny";
    case FILL_IN:
      return "Fill in";
    default:
      return key;
  }
}

const MAX_BUTTONS = 5;
/** Discord's maximum number of characters for a button's label, and for an option's. */
const MAX_LABEL = 80;
const MAX_OPTION = 100;
/** Discord's maximum number of options of a menu. */
const IN_A_MENU = 25;

export function controlsOf({ question }: StoredQuestion): {
  /** At most {@link MAX_BUTTONS}. */
  readonly buttons: readonly (Omit<Button, "customId"> & { readonly choice: string })[];
  /** At most four menus. */
  readonly menus: readonly (Omit<Menu, "customId"> & { readonly choice: string })[];
} {
  const { choices, upTo = 1 } = question;
  // A person must see the command that they approve.
  const shown = isShown(question) ? choices : choices.filter(({ key }) => key === DENY);
  const labelled = shown.map((choice) => ({ ...choice, text: choiceLabel(choice) }));
  const needsMenu = upTo > 1 || labelled.length > MAX_BUTTONS ||
    labelled.some(({ text }) => text.length > MAX_LABEL);
  if (!needsMenu) {
    const buttons = labelled.map(({ key, text, style = "secondary" }) => ({
      choice: key,
      label: bounded(text, MAX_LABEL),
      style,
    }));
    return { buttons, menus: [] };
  }
  const count = Math.ceil(labelled.length / IN_A_MENU);
  const menus = Array.from({ length: count }, (_, index) => {
    const from = index * IN_A_MENU;
    const options = labelled.slice(from, from + IN_A_MENU);
    const range = `${from + 1}–${from + options.length}`;
    return {
      choice: MENU,
      placeholder: count === 1 ? "Choose" : `Choose (${range})`,
      max: Math.min(upTo, options.length),
      options: options.map(({ key, text }) => ({
        value: key,
        label: bounded(text, MAX_OPTION) || key,
      })),
    };
  });
  return { buttons: [], menus };
}
