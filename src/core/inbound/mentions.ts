/**
 * Shows Discord's ids as the names that people see, and makes mentions of names in an answer. Both
 * directions are here, so that an answer may repeat a name as the model has read it. Labels the
 * entries of a session, its memory.
 */

import type { MessageId, UserId } from "../discord/ids.ts";
import type { ModelMessage } from "../model.ts";
import type { MayPing } from "../outbound/outbound.ts";
import type { InboundMessage, Sender } from "./inbound.ts";

/** Names by id: `"@5"` is a person, `"@&5"` a role, `"#5"` a channel. Untrusted. Empty: the bot. */
export type MentionNames = Readonly<Record<string, string>>;

/** A name with an id that a person has typed: a model must not take it for ours. */
const TYPED =
  /((?:[@#]|\[(?:from|in reply to): )[^\n@#()<>[\]"\\]{1,100}) \((?=(?:role )?\d{17,20}\))/g;

/** Discord's markup for people, roles and channels. */
export const MENTION = /<(@&|@|#)!?(\d{1,20})>/g;
const OTHER =
  /<a?(:\w{1,32}:)\d{1,20}>|<(\/[^<>:\n]{1,100}):\d{1,20}>|<t:(-?\d{1,12})(?::[A-Za-z])?>/g;

/**
 * A text as people see it: `@ada (5)`, `@Moderators (role 5)`, `#plans (5)`, `:krill:`, `/help`,
 * and `@you` for the bot. Markup stays where the name is unknown, and times without `timeOf`.
 */
export function readable(
  text: string,
  names: MentionNames = {},
  timeOf?: (at: number) => string,
): string {
  return withPlainMarkup(withNames(text, names), timeOf);
}

/** As {@link readable}, with the markup of emojis, commands and times. */
function withNames(text: string, names: MentionNames = {}): string {
  const typed = text.includes("(") ? text.replace(TYPED, "$1\u00a0(") : text;
  if (!typed.includes("<")) return typed; // most texts
  return typed.replace(MENTION, (markup, sign: string, id: string) => {
    const name = names[`${sign}${id}`];
    if (name === undefined) return markup;
    return name === "" ? "@you" : `${sign[0]}${plainName(name)} (${sign[1] ? "role " : ""}${id})`;
  });
}

/** Shows emojis and commands, and times with `timeOf`, as people see them. */
export function withPlainMarkup(text: string, timeOf?: (at: number) => string): string {
  if (!text.includes("<")) return text; // most texts
  return text.replace(
    OTHER,
    (markup, emoji?: string, command?: string, seconds?: string) =>
      emoji ?? command ?? timeOf?.(Number(seconds) * 1_000) ?? markup,
  );
}

const EMOJI = /<a?:(\w{2,32}):\d{1,20}>/g;
/** Maximum number of emojis that the model reads with their ids in one place. */
const MAX_EMOJIS = 20;

/** The servers' own emojis in texts, as a model reads them beside `:krill:`: `"<:krill:12>"`. */
export function emojisIn(texts: readonly string[]): string | undefined {
  const found = texts.flatMap((text) => text.match(EMOJI) ?? []); // most texts have none
  return found.length === 0 ? undefined : [...new Set(found)].slice(0, MAX_EMOJIS).join(" ");
}

/** Makes emojis of the names of emojis that the model has read with their ids (R4). */
export function withEmojis(
  text: string,
  isCode: (at: number) => boolean,
  texts: () => readonly string[],
): string {
  if (!/:\w{2,32}:/.test(text)) return text; // most answers
  const all = texts().flatMap((one) => [...one.matchAll(EMOJI)]);
  const known = new Map(all.map(([markup, name]) => [name, markup]));
  return known.size === 0 ? text : text.replace(
    new RegExp(`${LINK}|<[^<>\\s]{1,100}>|(?<!\\w):(?<emoji>\\w{2,32}):(?!\\w)`, "g"),
    (found, _link, emoji: string | undefined, at: number) =>
      emoji === undefined || isCode(at) ? found : known.get(emoji) ?? found,
  );
}

/** People choose their names, so only we may write brackets, signs, quotes and line breaks. */
export function plainName(name: string): string {
  return name.replace(/[([<]/g, "‹").replace(/[)\]>]/g, "›").replace(/["\\]/g, "'")
    .replace(/@/g, "").replace(/#/g, "＃").replace(/\s/g, " ") || "?";
}

/** A name with its id as a model reads it: in a text, in a line about an author, in the context. */
const READ =
  /(?:([@#])|\[(?:from|in reply to): |"from":")([^\n@#()<>[\]"\\]{1,100})(?: \(|","from_id":")(role )?(\d{17,20})[)"]/g;
const LINK = String.raw`(?<link>https?:\/\/[^\s<>]+|\[[^[\]\n]*\]\([^()\n]*\))`;
const BEGIN = String.raw`(?<![\p{L}\p{N}_<@#/.-])`; // not within a word or an address
const NAMES = new RegExp(`${BEGIN}[@#]?(?=[^\\s@#])`, "gu");

/**
 * Makes mentions of names with ids that the model has read, and of bare names in `named`: of a
 * person or role only if the answer may ping it (R4). `isCode`: whether a position shows no mention.
 */
export function clickable(
  text: string,
  isCode: (at: number) => boolean,
  texts: () => readonly string[] = () => [],
  named: readonly (readonly [key: string, name: string])[] = [],
  { users, roles }: MayPing = { users: [], roles: [] },
): string {
  if (!/[@#][\p{L}\p{N}]|\(\d{17}/u.test(text)) return text; // most answers
  const known = new Map<string, string>(); // mentions by id, and by name and id
  const labels = new Map<string, string>(); // mentions by bare name
  const learn = (key: string, id: string, name: string) =>
    known.set(id, `<${key}>`).set(`${name} ${id}`, `<${key}>`);
  const ids = new Set(text.match(/\d{17,20}/g)); // only these can be repeated
  const read = ids.size === 0
    ? []
    : texts().filter((one) => [...ids].some((id) => one.includes(id)));
  for (const [, sign = "@", name = "", role, id = ""] of read.join("\n").matchAll(READ)) {
    learn(`${sign}${role ? "&" : ""}${id}`, id, name);
  }
  for (const [key, name] of named) {
    learn(key, key.replace(/^\D+/, ""), name);
    const [label, to] = [`${key[0]}${name}`, `<${key}>`];
    labels.set(label, (labels.get(label) ?? to) === to ? to : label); // two may have one name
  }
  const open = [...users.map((id) => `<@${id}>`), ...roles.map((id) => `<@&${id}>`)];
  const bare = [...labels].filter(([, to]) => to.startsWith("<#") || open.includes(to))
    .sort(([one], [other]) => other.length - one.length)
    .map(([label]) => `|${RegExp.escape(label)}`).join("");
  const whole = String.raw`(?:[@#]\d{17,20}${bare})(?![.・-]?[\p{L}\p{M}\p{N}_])`;
  const name = String.raw`${BEGIN}(?=(?<bare>${whole}))\k<bare>`;
  const id = String.raw` \((?:role )?(?<id>\d{17,20})\)`;
  const pattern = String.raw`${LINK}|${id}|${name}(?![*~"',]* \((?:role )?\d{17})`;
  let [sent, last] = ["", 0];
  for (const { 0: { length }, index, groups = {} } of text.matchAll(new RegExp(pattern, "gu"))) {
    const { link, id, bare = "" } = groups;
    let [from, to] = [index, link ?? labels.get(bare) ?? known.get(bare.slice(1))];
    const before = id ? text.slice(Math.max(last, index - 110), index) : "";
    const [marks = ""] = /[*~"',]*$/.exec(before) ?? [];
    for (const { 0: sign, index: at } of before.matchAll(NAMES)) {
      const name = before.slice(at + sign.length, before.length - marks.length);
      to = known.get(`${name} ${id}`) ?? (sign && !/\s/.test(name) ? known.get(`${id}`) : to);
      from = index - before.length + at;
      if (to) break;
    }
    if (!to || isCode(from)) continue;
    sent += `${text.slice(last, from)}${to}${marks}`;
    last = index + length;
  }
  return sent + text.slice(last);
}

/** Kind of content in a fence. The model should act only on a `message`, and read an `event`. */
export type FenceName =
  | "context"
  | "quoted"
  | "extras"
  | "message"
  | "event"
  | "file"
  | "result"
  | "summary"
  | "transcript";

export interface Part {
  /** As the model reads it, escaped for its fence. */
  readonly text: string;
  /** Neighbours of one fence stand in it together; absent: a line of Barnacle's own. */
  readonly fence?: FenceName;
  /** Who wrote a `message`, as its line says. */
  readonly from?: string;
  /** Whether it says that the turn shows an image; absent: no. */
  readonly isImage?: boolean;
  /**
   * Ids of the messages, people and events that its words are from; none if they are Barnacle's own.
   * Absent: unknown, so that its whole turn goes with any person.
   */
  readonly of?: readonly string[];
}

/** A text with its parts. */
export interface PartedText {
  readonly text: string;
  readonly parts: readonly Part[];
  /** Boundary of its fences. */
  readonly boundary: string;
}

/** The text of parts, as the model reads it. */
export function partedText(parts: readonly Part[], boundary: string): PartedText {
  const lines: string[] = [];
  let open: FenceName | undefined;
  for (const { fence, text } of [...parts, { fence: undefined, text: "" }]) {
    if (fence !== open) {
      if (open) lines.push(`</${open}>`);
      if (fence) lines.push(`<${fence} boundary="${boundary}">`);
      open = fence;
    }
    lines.push(text);
  }
  lines.pop(); // of the end that closes the last fence
  return { text: lines.join("\n"), parts, boundary };
}

/** Why a session began anew: once a day, after an idle time, or by a command (S4a). */
export type ResetCause = "daily" | "idle" | "command";

/**
 * Why entries were folded: the window was full, the model's server refused the request, or a person
 * asked for it.
 */
export type FoldCause = "full" | "refused" | "command";

/** A summary of all entries since the last reset, up to a checkpoint. */
export interface Summary {
  /** Boundary of the fence around the text: always the same one, so that providers can cache it. */
  readonly boundary: string;
  /** Text by the model about words of people. Untrusted. */
  readonly text: string;
  /** Whether no model wrote it: then it has the first words of each message; absent: one did. */
  readonly isPlain?: boolean;
}

/** The newest checkpoint of a session. */
export interface Checkpoint {
  /** Absent after a reset: then the model knows nothing of earlier entries. */
  readonly summary?: Summary;
  readonly at: number;
}

/** Entries of a session since its newest checkpoint. */
export interface OpenEntries {
  /** Number of entries that are older than these, but newer than the checkpoint. */
  readonly older: number;
  /** The newest ones, oldest first. */
  readonly entries: readonly Entry[];
  /** How often people have changed words in entries of the session, in this process; absent: never. */
  readonly changes?: number;
}

/**
 * The oldest entries of a session since its newest checkpoint, up to the end of a turn. The range
 * has no numbers of the store: the newest entries may be stored without one.
 */
export interface FoldRange {
  /** Number of entries, from the first one after the checkpoint. */
  readonly count: number;
  /**
   * The last of them. If a checkpoint was added or entries were removed, another entry is at this
   * position.
   */
  readonly last: { readonly messageId: MessageId; readonly role: Entry["role"] };
}

export interface Fold extends FoldRange, Pick<OpenEntries, "changes"> {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly cause: FoldCause;
  /** The summary of all entries since the last reset. */
  readonly summary: Summary;
  /** Id of the model that wrote it; absent if none did. */
  readonly modelId?: string;
}

export interface Folded {
  /** Number of folded entries since the last reset; 0 if there are none. */
  readonly entries: number;
  /** Number of messages to which these entries belong. */
  readonly messages: number;
  /** UTF-16 units of the summary. */
  readonly summaryChars: number;
  /** When the newest of them were folded, as Unix time in milliseconds; absent if there are none. */
  readonly at?: number;
  /** Whether no model wrote the summary; absent: one did. */
  readonly isPlain?: boolean;
}

/**
 * One entry of a session's history: a message as the model read or wrote it. The text of a `user`
 * entry is that of its parts (H3), that of a `tool` entry the result, shortened for later turns.
 */
export type Entry = ModelMessage & Partial<PartedText> & {
  /** The message to the bot, or the message that the turn of this entry answers. */
  readonly messageId: MessageId;
  readonly at: number;
  /** Whether its turn showed images, of an entry without its parts; absent: no. */
  readonly showsImages?: boolean;
};

/** A message in a channel that was not addressed to the bot (H1). */
export interface Overheard {
  readonly messageId: MessageId;
  /** The author as {@link labelOf} writes it. Untrusted. */
  readonly tag: string;
  readonly authorId: UserId;
  /** The text, with a line for each extra. Untrusted. */
  readonly text: string;
  /** The message that it replies to; absent if it is no reply. */
  readonly replyTo?: MessageId;
  /** The message that it forwards; absent: none. */
  readonly forwards?: MessageId;
  /** Unix time in milliseconds, from the message's id. */
  readonly sentAt: number;
}

/**
 * The name by which a model knows a sender: `"ada"`, `"ada#1234"`, or `"Aria (PK:The Crew)"` for a
 * PluralKit member (P13). Members choose their names, so only we may write parentheses.
 */
export function labelOf({ username, tag, pluralkit }: Sender): string {
  if (!pluralkit) return tag ?? username;
  const { name, displayName = name, system } = pluralkit;
  return `${plainName(displayName)} (${system === undefined ? "PK" : `PK:${plainName(system)}`})`;
}

/** A message's text, with a line for each other part. */
export function withExtras({ text, extras }: Pick<InboundMessage, "text" | "extras">): string {
  return [text, ...extras.map((extra) => `[${extra.kind}: ${extra.text}]`)]
    .filter((part) => part !== "")
    .join("\n");
}

/** Keeps of a message its text, and a line for each extra. */
export function toOverheard(
  { id, sender, text, extras, quoted, forwards, sentAt, names }: InboundMessage,
): Overheard {
  return {
    messageId: id,
    tag: labelOf(sender),
    authorId: sender.id,
    text: withNames(withExtras({ text, extras }), names),
    replyTo: quoted?.id,
    sentAt,
    ...(forwards && { forwards }),
  };
}

/** Whether each word of a text stands in some others. */
export function hasOnlyWordsOf(text: string, texts: readonly string[]): boolean {
  const wordsOf = (one: string) => one.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return new Set(wordsOf(text)).isSubsetOf(new Set(texts.flatMap(wordsOf)));
}
