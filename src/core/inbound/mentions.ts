/**
 * Shows Discord's ids as the names that people see, and makes mentions of names in an answer.
 * Both directions are here, so that an answer may repeat a name as the model has read it.
 */

import type { MayPing } from "../outbound/outbound.ts";

/** Names by id: `"@5"` is a person, `"@&5"` a role, `"#5"` a channel. Untrusted. Empty: the bot. */
export type MentionNames = Readonly<Record<string, string>>;

/** Discord's markup for people, roles and channels. */
export const MENTION = /<(@&|@|#)!?(\d{1,20})>/g;
const OTHER = /<a?(:\w{1,32}:)\d{1,20}>|<t:(-?\d{1,12})(?::[A-Za-z])?>/g;

/**
 * A text as people see it: `@ada (5)`, `@Moderators (role 5)`, `#plans (5)`, `:krill:`, and `@you`
 * for the bot. Markup stays where the name is unknown, and times without `timeOf`.
 */
export function readable(
  text: string,
  names: MentionNames = {},
  timeOf?: (at: number) => string,
): string {
  if (!text.includes("<")) return text; // most texts
  return text.replace(MENTION, (markup, sign: string, id: string) => {
    const name = names[`${sign}${id}`];
    if (name === undefined) return markup;
    return name === "" ? "@you" : `${sign[0]}${plainName(name)} (${sign[1] ? "role " : ""}${id})`;
  }).replace(
    OTHER,
    (markup, emoji?: string, seconds?: string) =>
      emoji ?? timeOf?.(Number(seconds) * 1_000) ?? markup,
  );
}

/** People choose their names, so only we may write brackets. */
export function plainName(name: string): string {
  return name.replace(/[([]/g, "‹").replace(/[)\]]/g, "›");
}

const NAMED = String
  .raw`(?<sign>[@#])(?<name>[^\s@#()<>][^\n@#()<>]{0,99}) \((?<role>role )?(?<id>\d{17,20})\)`;
const OTHERS = String.raw`(?<word>[^\s@#()<>]{1,100}) \((?<of>\d{17,20})\)|(?<bare>[@#]\d{17,20})`;

/**
 * Makes mentions of names with ids, and of bare names: of a person or role only if the answer may
 * ping it (R4). `texts`: what the model has read. `isCode`: whether a position shows no mention.
 */
export function clickable(
  text: string,
  isCode: (at: number) => boolean,
  texts: () => readonly string[] = () => [],
  people: readonly (readonly [id: string, name: string])[] = [],
  { users, roles }: MayPing = { users: [], roles: [] },
): string {
  if (!/[@#][\p{L}\p{N}]|\(\d{17}/u.test(text)) return text; // most answers
  const read = texts().join("\n");
  const labels = new Map<string, string>();
  const add = (label: string, mention: string) =>
    labels.set(label, (labels.get(label) ?? mention) === mention ? mention : label);
  for (const [id, name] of people) add(`@${name}`, `<@${id}>`);
  for (const { groups = {} } of read.matchAll(new RegExp(NAMED, "g"))) {
    add(`${groups["sign"]}${groups["name"]}`, mentionOf(groups));
  }
  const open = [...users.map((id) => `<@${id}>`), ...roles.map((id) => `<@&${id}>`)];
  const known = [...labels].filter(([, to]) => to.startsWith("<#") || open.includes(to))
    .sort(([one], [other]) => other.length - one.length)
    .map(([label]) => `|${RegExp.escape(label)}(?![\\p{L}\\p{N}_])`);
  const pattern = `(?<![\\p{L}\\p{N}_<@#/.])(?:${NAMED}|${OTHERS}${known.join("")})(?!\\d)`;
  return text.replace(new RegExp(pattern, "gu"), (whole: string, ...rest: readonly unknown[]) => {
    const [at, , groups] = rest.slice(-3) as [number, string, Record<string, string | undefined>];
    if (isCode(at)) return whole;
    const { sign, name = "", id, word, of, bare } = groups;
    if (word) return read.includes(` ${whole}`) || read.includes(`@${whole}`) ? `<@${of}>` : whole;
    if (!id) return bare ? `<${bare}>` : labels.get(whole) ?? whole;
    const isName = !/\s/.test(name) || read.includes(whole);
    return isName ? mentionOf(groups) : `${sign}${name} (${mentionOf(groups)})`;
  });
}

function mentionOf({ sign, role, id }: Record<string, string | undefined>): string {
  return `<${sign}${role ? "&" : ""}${id}>`;
}
