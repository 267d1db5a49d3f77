/** A person to forget, and the removal of their traces from texts and rows (X5). */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { hookedOf, type Origin } from "../../core/inbound/inbound.ts";
import type { RowChange } from "./columns.ts";

/** Everything by which the store's rows may name a person. */
export interface Person {
  readonly userId: string;
  readonly names: ReadonlySet<string>;
  readonly messages: ReadonlySet<string>;
  /** Their id, those of their messages, and those of posts that may repeat their words. */
  readonly sources: ReadonlySet<unknown>;
  /** Those of them that catch-up may find again, and must not answer. */
  readonly recent: ReadonlySet<string>;
  readonly channels: ReadonlySet<string>;
  readonly sessions: ReadonlySet<string>;
}

/** Takes the place of ids in columns that need one: no message and no person has it. */
export const BLANK_ID = "1";

/** Takes the place of names and ids in texts. */
const REMOVED = "[removed]";
/** Takes the place of their words. */
export const REMOVED_MESSAGE = "[a message that was removed, because its author is forgotten]";
/** Takes the place of the bot's answers to the person, which may repeat their words. */
export const REMOVED_ANSWER =
  "[an answer that was removed, because the person that it was for is forgotten]";

/** Takes the place of a tool's result with their words; its turn may go on. */
export const RESULT_NOT_KEPT =
  "[this call has ended; its result is not kept: a message in it was changed or removed]";

/** Shorter names may be words, so they are removed only after an `@`. */
const WORD_MIN = 4;

/** Prepares the removal of a person's traces. */
export function createScrubber(
  { userId, names, messages }: Pick<Person, "userId" | "names" | "messages">,
) {
  const id = RegExp.escape(userId);
  const words = [...names].filter((name) => name.length >= WORD_MIN)
    .toSorted((one, other) => other.length - one.length).map((name) => RegExp.escape(name));
  const marked = [...names].filter((name) => name !== "").map((name) => RegExp.escape(name));
  const ids = new RegExp(`(?<!\\d)\\d{1,20}(?!\\d)`, "g");
  const wordPattern = words.length === 0
    ? undefined
    : new RegExp(`(?<![\\p{L}\\p{N}_])(?:${words.join("|")})(?![\\p{L}\\p{N}_])`, "giu");
  const markedPattern = marked.length === 0
    ? undefined
    : new RegExp(`@(?:${marked.join("|")})(?![\\p{L}\\p{N}_])`, "giu");
  const shown = new RegExp(`@[^@()\\n"\\\\]{1,100} (?=\\(${id}\\))`, "g"); // any name of theirs
  const withIds = (text: string, blank: string): string =>
    text.replace(shown, `@${REMOVED} `)
      .replace(ids, (digits) => digits === userId || messages.has(digits) ? blank : digits);
  const withNames = (text: string): string => {
    const first = markedPattern ? text.replace(markedPattern, REMOVED) : text;
    return wordPattern ? first.replace(wordPattern, REMOVED) : first;
  };

  const text = (whole: string) => withNames(withIds(whole, REMOVED));

  return {
    /** Removes the person's id and names, and the ids of their messages. */
    text,
    /** The same for JSON of ours: ids become {@link BLANK_ID}, so that they stay valid. */
    json: (whole: string): string => withNames(withIds(whole, BLANK_ID)),
    /** Whether a text has a trace. */
    isIn: (whole: string): boolean => withNames(withIds(whole, REMOVED)) !== whole,
  };
}

/** Removes the traces of one person from texts. */
export type Scrubber = ReturnType<typeof createScrubber>;

/** The text of a column; empty if it has none. */
export const stringIn = (row: Readonly<Record<string, unknown>>, column: string): string =>
  String(row[column] ?? "");

/** Rewrites texts of a row; `undefined` if none changes. */
export function changed(
  row: Readonly<Record<string, unknown>>,
  columns: readonly string[],
  rewrite: (text: string, column: string) => string,
): Readonly<Record<string, unknown>> | undefined {
  const after = Object.fromEntries(
    columns.filter((column) => typeof row[column] === "string").map((column) =>
      [column, rewrite(stringIn(row, column), column)] as const
    ).filter(([column, text]) => text !== row[column]),
  );
  return Object.keys(after).length === 0 ? undefined : after;
}

/** A message of another person, or of an event: without the words of the forgotten one. */
function messageOf(text: string, { userId, sources }: Person, scrub: Scrubber): string {
  const message = JSON.parse(text);
  if (message.names) delete message.names[`@${userId}`];
  return scrub.json(JSON.stringify(withoutWords(message, sources, scrub.isIn)));
}

/** A message without words of others: quoted ones, forwarded ones, and those of an event. */
export function withoutWords(
  message: InboundMessage,
  sources: ReadonlySet<unknown>,
  isIn: (text: string) => boolean = () => false,
): InboundMessage {
  const { quoted, forwards, origin, extras, text } = message;
  const hooked = hookedOf(message);
  const isQuoted = quoted &&
    [quoted.id, quoted.author?.id, quoted.forwards].some((id) => sources.has(id));
  const isHooked = hooked && (hooked.of?.some((id) => sources.has(id)) || isIn(text));
  if (!isQuoted && !isHooked && !sources.has(forwards)) return message;
  return {
    ...message,
    ...isQuoted && { quoted: { id: quoted.id, text: "" } },
    ...sources.has(forwards) && {
      attachments: undefined,
      extras: extras.filter(({ kind }) => kind !== "forward"),
    },
    ...isHooked && { text: REMOVED, origin: { ...origin, post: REMOVED } as Origin },
  };
}

/** How rows with a message of another person lose the traces. */
export const messageRows = (other: string): RowChange => ({
  columns: ["message", other],
  row: (row, person, scrub) =>
    changed(
      row,
      ["message", other],
      (text, column) => column === "message" ? messageOf(text, person, scrub) : scrub.json(text),
    ),
});

/** A card about the person repeats their words, such as a command (A1). */
export function withoutCard(text: string, scrub: Scrubber): string {
  const message = JSON.parse(text);
  if (!message.card || !scrub.isIn(text)) return text;
  const { card: _card, buttons: _buttons, menus: _menus, footer: _footer, ...rest } = message;
  return JSON.stringify({ ...rest, content: REMOVED_ANSWER });
}
