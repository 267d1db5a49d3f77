/**
 * Finds placeholders of examples that the operator has not replaced: `"YOUR_SERVER_ID"` (P12).
 *
 * As a name, a placeholder matches no server and no person. So the bot would stay silent without any
 * error.
 */

import { quoted } from "../../lib/text/quoted.ts";
import { isList, isRecord, type KeyFault, type Segment } from "../text/tree.ts";

/**
 * `YOUR_…`, `…_HERE`, `CHANGE_ME` or `REPLACE_ME` in capitals, or a word for a value in angle
 * brackets. A person's name may begin with `your_`, but then it is in small letters.
 */
const PLACEHOLDER =
  /^(?:@|[a-z]+:)?(?:YOUR_[A-Z0-9_]+|[A-Z0-9_]+_HERE|(?:CHANGE|REPLACE)_?ME|<(?:[a-z]+[ _-])*(?:id|name|token|key|server|guild|channel|user|role)>)$/;

/** Whether a text is a placeholder, with or without a prefix such as `user:`. */
export function isPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text.trim().replace(/^<YOUR_([A-Z0-9_]+)>$/, "YOUR_$1"));
}

/** Words for a secret or a part of its address, at the end of a placeholder. */
const WORD =
  "(?:api[-_ ]?)?key|token|secret|password|passwd|passphrase|pass|pw|id|url|webhook|topic|path|" +
  "user(?:name)?|host(?:name)?|database|db";

/** `change-me` and the like. */
const TO_REPLACE = "(?:change|replace)[-_ ]?(?:me|this)";

/** The words of a placeholder in square brackets: `[your key]`. A list in JSON has quotes. */
const IN_BRACKETS = `\\[(?:your[-_ ][^\\]]*|(?:[a-z]+[-_ ])*(?:${WORD}))\\]`;

/** The public start of a key, by which its service is known. */
const PREFIX =
  "sk-(?:[a-z0-9]{1,8}-){0,2}|(?:AIza(?:Sy)?|AKIA)[-_]?|(?:gsk|hf|r8|tk|gh[a-z]|github_pat)_|" +
  "(?:xai|pplx|tvly|nvapi|glpat|xox[a-z])-|[ps]k_(?:(?:live|test)_)?";

/**
 * Placeholders for secrets, in any case: no token and no key looks like this. A text of asterisks
 * only is none, because `why` reads the stored text of a config, whose secrets are blanked so (C8).
 */
const SECRET_PLACEHOLDER = new RegExp(
  "^(?:Bearer |Bot )?(?:" + [
    `(?:${PREFIX})?(?:(?:(?:paste|enter|insert|put|add|replace[-_ ]with)[-_ ])?your[-_ ].*)`,
    `(?:${PREFIX})(?:x{3,}|\\*{3,})`,
    `(?:${PREFIX})?(?:x{3,12}|\\.{3}|…)`,
    `replace[-_ ]with[-_ ](?:[a-z]+[-_ ])*(?:${WORD})`,
    "my[-_ ]?(?:[a-z]+[-_ ])?api[-_ ]?key|my[-_ ](?:discord[-_ ])?bot[-_ ]token",
    `(?:sk-)?(?:.*[-_ ]here|<.*>|${TO_REPLACE})`,
    IN_BRACKETS,
  ].join("|") + ")$",
  "i",
);

/** The name of a secret in its place, in capitals: a local server may take "secret" as its key. */
const SECRET_NAME = /^(?:[A-Z]+[-_])*(?:TOKEN|API[-_]?KEY|SECRET|PASSWORD|PASSPHRASE)$/;

/**
 * An address of a placeholder: its host is `your-webhook-url` or `your-domain.com`, or a part of it
 * is `YOUR_…` or in angle brackets. A customer's `www1.your-server.de` is a real host.
 */
const ADDRESS_PLACEHOLDER =
  /^[a-z]+:\/\/(?:(?:[^/@]*@)?your[-_](?:[a-z0-9_-]+(?=[:/?]|$)|(?:app|bot|domain|host|instance|server|site|webhook)\.)|.*[/:@=](?:YOUR[-_][A-Z0-9_-]+|<[^>]*>))/;

/** A part of an address that is a placeholder, in any case: a password or a part of the path. */
const PART_PLACEHOLDER = new RegExp(
  `^(?:your[-_](?:[a-z]+[-_])*(?:${WORD})|${IN_BRACKETS}|${TO_REPLACE}|x{4,12}|\\*{3,}|\\.{3}|…)$`,
  "i",
);

/** The name of a host or a password, or a row of X, in capitals, as a part of an address. */
const PART_NAME = /^(?:(?:[A-Z]+_)*HOST(?:NAME)?|PASS(?:WD)?|X{4,})$/;

/**
 * Whether a part of an address is a placeholder. All parts count, so that each service may have its
 * own form of address.
 */
function isAddressPlaceholder(text: string): boolean {
  const [, rest] = /^[a-z]+:\/\/(.+)$/.exec(text) ?? [];
  const parts = rest?.split(/[/:@?&=#]/) ?? [];
  return ADDRESS_PLACEHOLDER.test(text) ||
    parts.some((part) => [PART_PLACEHOLDER, PART_NAME, SECRET_NAME].some((one) => one.test(part)));
}

export function isSecretPlaceholder(text: string): boolean {
  const secret = text.trim();
  return isPlaceholder(secret) || SECRET_PLACEHOLDER.test(secret) || SECRET_NAME.test(secret) ||
    isAddressPlaceholder(secret);
}

/** How to replace the placeholder of a secret at a path. */
export function secretHint(path: readonly Segment[]): string {
  return knownHint(path) ?? OWN_VALUE;
}

/** All placeholders of a file, in its order. */
export function placeholdersIn(value: unknown): readonly KeyFault[] {
  const found: KeyFault[] = [];
  const visit = (part: unknown, path: readonly Segment[]): void => {
    if (typeof part === "string" && isPlaceholder(part)) found.push(placeholder(part, path));
    if (isList(part)) {
      for (const [index, entry] of part.entries()) {
        visit(entry, [...path, index]);
      }
    }
    if (!isRecord(part)) return;
    for (const [key, child] of Object.entries(part)) {
      const here = [...path, key];
      if (isPlaceholder(key)) found.push(placeholder(key, here));
      visit(child, here);
    }
  };
  visit(value, []);
  return found;
}

function placeholder(text: string, path: readonly Segment[]): KeyFault {
  return { path, message: `${quoted(text.trim())} is a placeholder`, hint: hintFor(text, path) };
}

const DEVELOPER_MODE = "switch on Developer Mode in Discord's settings, under Advanced; then ";

/** By the place of a secret, by the words of the placeholder, or else by the key that has it. */
function hintFor(text: string, path: readonly Segment[]): string {
  const known = knownHint(path);
  if (known !== undefined) return known;
  const words = [text, ...path.toReversed().map(String)].map((word) => word.toLowerCase());
  for (const word of words) {
    const hint = HINTS.find(([pattern]) => pattern.test(word))?.[1];
    if (hint !== undefined) return hint;
  }
  return OWN_VALUE;
}

const OWN_VALUE = "write your own value there";

const BOT_TOKEN =
  "get the bot token in Discord's developer portal, under your application, Bot, Reset Token";

function knownHint(path: readonly Segment[]): string | undefined {
  const place = path.join(" ");
  return SECRET_HINTS.find(([pattern]) => pattern.test(place))?.[1];
}

/** By the path of the secret, with blanks between its keys. */
const SECRET_HINTS: readonly (readonly [place: RegExp, hint: string])[] = [
  [/^channels discord (?:accounts \S+ )?token$/, BOT_TOKEN],
  [/ pluralkit token$/, "send `pk;token` to PluralKit's bot, which answers with your token"],
  [
    /^models providers .+ (?:apiKey|headers \S+)$/,
    'write the key of your model provider, or "${NAME}" for a variable',
  ],
  [
    /^http token$|^hooks .+ secret$/,
    "write at least 32 random characters, such as those of `openssl rand -hex 32`",
  ],
  [/^alerts (?:webhook|ntfy)$|^posts .+ url$/, "copy the whole address, as the service shows it"],
  [/^mcp servers .+ (?:env|headers|oauth) \S+$/, "write the value that this server needs"],
  [/ (?:apiKey|accessKeyId|secretAccessKey|sessionToken)$/, "write the key of that service"],
];

const HINTS: readonly (readonly [word: RegExp, hint: string])[] = [
  [/bot_?token/, BOT_TOKEN],
  [/channel/, `${DEVELOPER_MODE}right-click the channel, Copy Channel ID`],
  [/server|guild/, `${DEVELOPER_MODE}right-click the server, Copy Server ID`],
  [/role/, `${DEVELOPER_MODE}right-click the role in the server's settings, Copy Role ID`],
  [
    /user|owner|member|person|allowfrom|approvers|dms/,
    `${DEVELOPER_MODE}right-click the user, Copy User ID`,
  ],
];
