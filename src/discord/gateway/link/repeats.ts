/**
 * Shortens messages that repeat an ignored one: the same author in the same channel, and the same
 * payload but for id, text, time, nonce and position.
 *
 * The main thread decides about each message. But most messages of a busy channel are ignored for
 * the same reason as the one before. The main thread describes such a message once, by the fixed
 * texts of its payload. The gateway thread then sends later ones as number, id and text. It parses
 * nothing for that, and these messages may wait for others.
 *
 * The texts are compared whole. So a difference that the decoder of messages may read, today or
 * later, makes a message take the full way.
 */

import { isRecord } from "../../../lib/text/json.ts";

/** The payload of an ignored message, as later ones by its author repeat it. */
export interface RepeatForm {
  /** Number of the form in this process, from 1. */
  readonly number: number;
  /** Channel and author, by {@link keyOf}. */
  readonly key: string;
  /** The fixed texts of the dispatch from its data on: one before each part, and one at the end. */
  readonly texts: readonly string[];
  /** The parts that differ, in their order. */
  readonly parts: readonly RepeatPart[];
}

/** Kind of a part that differs. The batch contains only `id` and `content`. */
export type RepeatPart = "id" | "content" | "text" | "number";

/** A message in its short form: number of the form, id, and text. */
export type ShortMessage = readonly [form: number, id: string, content: string];

/** Whether an item of a batch is a message in its short form. */
export function isShort(item: unknown): item is ShortMessage {
  return Array.isArray(item) && typeof item[0] === "number" && typeof item[1] === "string" &&
    typeof item[2] === "string";
}

/** Forms that the main thread adds, and those that are no longer valid. */
export interface RepeatForms {
  /** Number of the first valid form; the thread forgets those below. */
  readonly from: number;
  /** New forms. A form replaces the one of the same channel and author. */
  readonly forms: readonly RepeatForm[];
}

/** The parts of a payload that differ between messages by one author in one channel. */
const PARTS: ReadonlyMap<string, RepeatPart> = new Map([
  ["id", "id"],
  ["content", "content"],
  ["timestamp", "text"],
  ["nonce", "text"],
  ["position", "number"], // counts a thread's messages
]);

/** Characters of a form, at most: a usual message has 900. */
const FORM_MAX = 4_096;

const DATA = '"d":{';

/**
 * Describes a payload, if later ones can repeat it.
 *
 * @param d The data of a MESSAGE_CREATE, as parsed.
 */
export function repeatFormOf(number: number, d: unknown): RepeatForm | undefined {
  const key = keyIn(d);
  if (key === undefined || !isRecord(d)) return undefined;
  const texts: string[] = [];
  const parts: RepeatPart[] = [];
  let text = "";
  let before = "{";
  for (const [name, value] of Object.entries(d)) {
    const part = PARTS.get(name);
    text += `${before}${JSON.stringify(name)}:`;
    before = ",";
    if (part === undefined || typeof value !== (part === "number" ? "number" : "string")) {
      text += JSON.stringify(value);
      continue;
    }
    const quote = part === "number" ? "" : '"';
    texts.push(text + quote);
    parts.push(part);
    text = quote;
  }
  texts.push(`${text}}}`);
  const size = texts.reduce((sum, { length }) => sum + length, 0);
  const isWhole = parts.includes("id") && parts.includes("content");
  return isWhole && size <= FORM_MAX ? { number, key, texts, parts } : undefined;
}

/** Channel and author of a message's data; `undefined` if it has an unexpected shape. */
export function keyIn(d: unknown): string | undefined {
  if (!isRecord(d) || !isRecord(d.author)) return undefined;
  const { channel_id: channelId, author: { id: authorId } } = d;
  return typeof channelId === "string" && typeof authorId === "string"
    ? keyOf(channelId, authorId)
    : undefined;
}

function keyOf(channelId: string, authorId: string): string {
  return `${channelId} ${authorId}`;
}

/** Creates a memory without forms. */
export function createRepeatMemory() {
  const forms = new Map<string, RepeatForm>();
  let from = 0;
  return {
    /** Number of the first valid form; 0 before the first message of the main thread about them. */
    get from(): number {
      return from;
    },
    set(change: RepeatForms): void {
      if (change.from > from) forms.clear();
      from = Math.max(from, change.from);
      for (const form of change.forms) forms.set(form.key, form);
    },
    /**
     * Shortens a message.
     *
     * @param dispatch A MESSAGE_CREATE, as it arrived.
     * @returns JSON of a {@link ShortMessage}; `undefined` if no form fits, or if its text may be a
     * command or blank.
     */
    shortened(dispatch: string): string | undefined {
      if (forms.size === 0) return undefined;
      const author = dispatch.indexOf(AUTHOR);
      const before = dispatch.lastIndexOf(CHANNEL, author); // just before it, at Discord
      const channel = before >= 0 ? before : dispatch.indexOf(CHANNEL, author);
      const key = keyOf(
        idAt(dispatch, channel + CHANNEL.length),
        idAt(dispatch, dispatch.indexOf(ID, author) + ID.length),
      );
      const form = forms.get(key);
      return form && shortenedBy(form, dispatch);
    },
  };
}

/** In JSON, a text has quotes only with a backslash before them. So these are keys, in any depth. */
const CHANNEL = '"channel_id":"';
const AUTHOR = '"author":{';
const ID = '"id":"';

/** The id at an offset, or any other text: only an equal payload counts. */
function idAt(dispatch: string, start: number): string {
  return dispatch.slice(start, dispatch.indexOf('"', start));
}

/** The rest of a JSON string, up to its last quote. JSON has control characters only escaped. */
// deno-lint-ignore no-control-regex
const STRING = /[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*/y;
const DIGITS = /\d+/y;
/** A backslash may begin an escaped blank or slash. */
const MAY_BE_COMMAND_OR_BLANK = /^(?:$|[\s\\/])/;

function shortenedBy({ number, texts, parts }: RepeatForm, dispatch: string): string | undefined {
  let at = dispatch.indexOf(DATA) + DATA.length - 1;
  let id = "";
  let content = "";
  let index = 0;
  for (const part of parts) {
    const fixed = texts[index++] ?? "";
    if (!dispatch.startsWith(fixed, at)) return undefined;
    const start = at + fixed.length;
    const value = part === "id" || part === "number" ? DIGITS : STRING;
    value.lastIndex = start;
    if (!value.test(dispatch)) return undefined;
    at = value.lastIndex;
    if (part === "id") id = dispatch.slice(start, at);
    if (part === "content") content = dispatch.slice(start, at);
  }
  const last = texts[index] ?? "";
  const isEqual = dispatch.startsWith(last, at) && at + last.length === dispatch.length;
  if (!isEqual || MAY_BE_COMMAND_OR_BLANK.test(content)) return undefined;
  return `[${number},"${id}","${content}"]`;
}
