/**
 * Explains zod's issues in terms of the file: the value, the allowed values, the likely intent.
 *
 * Keys that operators often misplace name their right place. If such a key could only let more
 * messages in, it is a warning: without it, Barnacle is stricter. If it was meant to keep messages
 * out, it stays an error, because its writer relies on it.
 *
 * A placeholder of an example (`"YOUR_SERVER_ID"`) matches no server and no person: the bot would stay
 * silent without any error (P12).
 */

import { findNodeAtLocation, type Node } from "jsonc-parser";
import { z } from "zod";
import { isRecord, quoted } from "../../lib/text/quoted.ts";
import {
  allowedBy,
  childOf,
  coreSchema,
  isSecret,
  type Schema,
  schemaAt,
  shapeOf,
} from "../schema/parts/key.ts";
import { type Span, withoutSecrets } from "../text/problem.ts";
import {
  type Fault,
  isList,
  type KeyFault,
  keyNodeAt,
  nameOf,
  type Remark,
  type Segment,
} from "../text/edit.ts";

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

/** The same for a secret, whose words are in any case, and which may be a part of an address. */
const SECRET_PLACEHOLDER =
  /(?:^|[-_/:@= \[])your[-_ ](?:[a-z]+[-_ ])*(?:key|token|secret|password|id|url|webhook|host|domain|topic|here)\b|(?:^|[-_/:@= ])<[^>]*>|[-_ ]here$|(?:change|replace)[-_ ]?(?:me|this|with)\b|(?:^|[-_/:])(?:x{3,12}|\*{3,}|\.{3}|…)(?:$|@)/i;

/** The name of a secret in its place, in capitals: a local server may take "secret" as its key. */
const SECRET_NAME = /^(?:[A-Z]+[-_])*(?:TOKEN|API[-_]?KEY|SECRET|PASSWORD|PASSPHRASE)$/;

export function isSecretPlaceholder(text: string): boolean {
  const secret = text.trim();
  return !/^\*+$/.test(secret) && // a blanked one
    (isPlaceholder(secret) || SECRET_PLACEHOLDER.test(secret) || SECRET_NAME.test(secret));
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
  return { path, message: `${quoted(text.trim())} is a placeholder`, hint: PLACEHOLDER_HINT };
}

/** How to replace any placeholder, for its problem. */
const PLACEHOLDER_HINT: string =
  "write your own value there; for an ID, switch on Developer Mode in Discord's settings, under " +
  "Advanced, then right-click the server, channel, role or user, and copy its ID";

/** The right places of keys of an account that Barnacle ignores with a warning (C3). */
export const IGNORED_KEYS: Readonly<Record<string, string>> = {
  requireMention:
    'it belongs in a guild, "guilds": { "*": { "requireMention": … } }, or in a channel',
  systemPrompt: 'it belongs in a channel, or as "prompt" in an agent of agents.list',
};

/**
 * Hints for names that belong elsewhere or have another name here (C13), by the name as written.
 */
const ELSEWHERE: Readonly<Record<string, string>> = {
  token_from_env: 'write "token": "${NAME}" in channels.discord',
  log_level: 'write "level" in log',
  RateLimitConfig: 'write "rateLimit" in channels.discord',
  ReconnectConfig: 'write "reconnect" in channels.discord.gateway',
  AgentRouter: 'write "router" at the top of the file',
  tool_config: 'write "timeoutSec" in tools',
  async_tool_timeout: 'write "timeoutSec" in tools',
  heartbeat_priority: "remove it: heartbeats always go first",
  tcp_keepalive: 'write "tcpKeepaliveSec" in channels.discord.gateway',
  gateway_options: 'write "gateway" in channels.discord',
  rate_limit: 'write "rateLimit" in channels.discord',
  required_vars: 'write "requiredVars" in preflight',
  check_network: 'write "network" in preflight',
  check_dns: 'write "dns" in preflight',
  max_retries: 'write "maxRetries" in channels.discord.gateway.reconnect',
  validate_env: "remove it: preflight in this file checks the environment, " +
    "and `barnacle doctor` prints the result",
  generate_invite_url: "remove it: `barnacle invite` prints the link",
  graceful_shutdown: "remove it: always on; shutdown.graceSec limits the time to finish answers",
  model: 'write it in agents: "agents": { "defaults": { "model": "<provider>/<model>" } }',
  token: 'write it in channels: "channels": { "discord": { "token": … } }',
  guilds: 'write it in channels: "channels": { "discord": { "guilds": … } }',
  roles: 'write roles in users: "users": ["role:<id>"]',
  dmPolicy: 'write "policy" in channels.discord.dm',
  discord: 'write it in channels: "channels": { "discord": { … } }',
  providers: 'write it in models: "models": { "providers": { … } }',
  agent: "write agents in agents.list, and defaults for all in agents.defaults",
  gateway: "here, gateway is the connection to Discord: write it in channels.discord",
};

/** The right place of a well-known key; `undefined` for other names. */
function rightPlaceOf(name: string): string | undefined {
  return Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
}

/** The number of letters to change from one word to the other. */
export type Distance = (one: string, other: string) => number;

/** Finds the most similar name. A third of its letters may differ, or two, and their case. */
export function nearestOf(
  written: string,
  names: readonly string[],
  distance: Distance,
): string | undefined {
  const plain = (word: string): string => word.toLowerCase().replace(/[_\s-]/g, "");
  if (written.length > 60) return undefined;
  let best: string | undefined;
  let least = written.length < 4 ? 2 : Math.max(3, Math.floor(written.length / 3) + 1);
  for (const word of names) {
    const [one, other] = [plain(written), plain(word)];
    const isShort = one.length >= 3 && other.startsWith(one); // "allow" for "allowlist"
    const far = isShort || lettersOf(one) === lettersOf(other) ? 1 : distance(one, other);
    if (far < least) [best, least] = [word, far];
  }
  return best;
}

/**
 * Finds the path in the schema that an operator probably meant, key by key.
 *
 * @returns `undefined` if one of the keys has no similar one.
 */
export function nearestPath(
  root: Schema,
  written: readonly Segment[],
  distance: Distance,
): readonly Segment[] | undefined {
  const path: Segment[] = [];
  let schema = root;
  for (const segment of written) {
    const own = childOf(schema, segment);
    const name = own
      ? segment
      : nearestOf(String(segment), Object.keys(shapeOf(schema) ?? {}), distance);
    const child = name === undefined ? undefined : own ?? childOf(schema, name);
    if (name === undefined || !child) return undefined;
    path.push(name);
    schema = child;
  }
  return path;
}

/** Two swapped letters count as one slip. */
function lettersOf(word: string): string {
  return word.split("").sort().join("");
}

export type Issue = z.core.$ZodIssue;

interface IssueContext {
  readonly schema: Schema;
  readonly root: Node;
  readonly text: string;
  readonly isSecret: (path: readonly Segment[]) => boolean;
}

/** Maximum number of issues to report; a file of a megabyte may contain a million. */
const MAX_ISSUES = 200;

export async function remarksOf(
  issues: readonly Issue[],
  context: IssueContext,
): Promise<readonly Remark[]> {
  const nearest = await import("fastest-levenshtein"); // only faulty configs need it
  return issues.slice(0, MAX_ISSUES).flatMap((issue) =>
    faultsOf(issue, [], context, nearest.distance)
  )
    .map((fault): Remark => ({ severity: "error", ...fault }))
    .sort((one, other) => one.offset - other.offset)
    .filter(({ offset, message }, at, all) =>
      // zod names 1e99 twice: as a number, and as a whole one
      all[at - 1]?.offset !== offset || all[at - 1]?.message !== message
    );
}

function faultsOf(
  issue: Issue,
  above: readonly Segment[],
  context: IssueContext,
  distance: Distance,
): readonly Fault[] {
  const path = [...above, ...issue.path.filter((part) => typeof part !== "symbol")];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.slice(0, MAX_ISSUES).map((name) =>
        unknownKey(name, path, context, distance)
      );
    case "invalid_key":
      return [wrongKey(path, issue.issues[0]?.message, hintIn(issue.issues[0]), context)];
    case "invalid_union": {
      // If an option has the right kind, only its issues matter; else report all options.
      const option = issue.errors.find((issues) => issues.every(isWithin));
      if (!option || option.length === 0) return [wrongValue(issue, path, context, distance)];
      return option.flatMap((inner) => faultsOf(inner, path, context, distance));
    }
    default:
      return [wrongValue(issue, path, context, distance)];
  }
}

/** Whether an issue is about a part of a value, and not about its kind. */
function isWithin({ path, code }: Issue): boolean {
  return path.length > 0 || code === "custom" || code === "unrecognized_keys" ||
    code === "invalid_format";
}

/** The forms of a secret, for a key that its object does not have. */
const SECRET_FORMS = 'write a text, or { "file": "<name>" }';

function unknownKey(
  name: string,
  above: readonly Segment[],
  context: IssueContext,
  distance: Distance,
): Fault {
  const path = [...above, name];
  const schema = schemaAt(context.schema, above);
  const isInSecret = schema !== undefined && isSecret(schema);
  const plain = schema && coreSchema(schema);
  const names = plain instanceof z.ZodRecord
    ? wordsOf(plain.keyType as Schema)
    : Object.keys((schema && shapeOf(schema)) ?? {});
  const suggestion = nearestOf(name, names, distance);
  const known = rightPlaceOf(name);
  const hint = (above.length === 0 ? known : undefined) ??
    (isInSecret ? SECRET_FORMS : undefined) ??
    (suggestion === undefined
      ? known ?? placeOf(name, context.schema) ?? listOf(names)
      : `did you mean ${quoted(suggestion)}?`);
  return {
    ...keySpan(path, context.root),
    path,
    message: `There is no key ${quoted(name)} here`,
    hint,
  };
}

/** The hint for a key that its section takes for the name of an entry, though it is one of others. */
function entryHint(path: readonly Segment[], { schema: root }: IssueContext): string | undefined {
  const [above, entry] = [schemaAt(root, path.slice(0, -1)), schemaAt(root, path)];
  if (!above || !entry || !(coreSchema(above) instanceof z.ZodRecord) || !shapeOf(entry)) {
    return undefined;
  }
  const name = String(path.at(-1));
  const places = placesOf(name, root);
  if (places.length === 0) return undefined;
  const place = placeOf(name, root) ?? `\`barnacle config explain ${name}\` lists its places`;
  return `here, ${quoted(name)} is the name of an entry; as a key, ${place}`;
}

/** The sections that have a key of this name, if there are at most three. */
function placeOf(name: string, root: Schema): string | undefined {
  const places = placesOf(name, root);
  return places.length === 0 || places.length > 3
    ? undefined
    : `it belongs in ${places.join(" or ")}`;
}

function placesOf(name: string, root: Schema): readonly string[] {
  const places: string[] = [];
  const visit = (schema: Schema, path: string): void => {
    for (const [key, child] of Object.entries(shapeOf(schema) ?? {})) {
      const here = path === "" ? key : `${path}.${key}`;
      if (key === name) places.push(path === "" ? "the top of the file" : path);
      if (here !== "channels.discord.accounts") visit(child, here);
    }
    const item = shapeOf(schema) ? undefined : childOf(schema, "*");
    if (item) visit(item, `${path}.*`);
  };
  visit(root, "");
  return places;
}

function listOf(names: readonly string[]): string {
  if (names.length === 0) return "remove it";
  return `the keys here are ${names.join(", ")}`;
}

function wrongKey(
  path: readonly Segment[],
  message: string | undefined,
  hint: string | undefined,
  { root }: IssueContext,
): Fault {
  const name = String(path.at(-1));
  return {
    ...keySpan(path, root),
    path,
    message: `${message ?? "This key is not allowed"}, found ${quoted(name)}`,
    hint,
  };
}

function wrongValue(
  issue: Issue,
  path: readonly Segment[],
  context: IssueContext,
  distance: Distance,
): Fault {
  const { root, text } = context;
  const schema = schemaAt(context.schema, path);
  const node = findNodeAtLocation(root, [...path]);
  const allowed = schema && allowedBy(schema);
  if (!node && issue.code === "custom") return unwritten(issue, path, context);
  if (!node) {
    const hint = allowed === undefined
      ? undefined
      : `add ${quoted(String(path.at(-1)))}: ${allowed}`;
    return {
      ...keySpan(path.slice(0, -1), root),
      path,
      message: `${quoted(String(path.at(-1)))} is missing`,
      hint,
    };
  }

  const span = { offset: node.offset, length: node.length, path };
  const written = text.slice(node.offset, node.offset + node.length);
  const isSecret = context.isSecret(path);
  if (!isSecret && node.type === "number" && /^\d{15,20}$/.test(written) && takesText(schema)) {
    return {
      ...span,
      message: "Write an id in quotes: as a number, it would be rounded",
      hint: `write "${written}"`,
    };
  }

  const hint = hintIn(issue) ?? meantBy(node, schema, distance) ?? entryHint(path, context) ??
    formHint(node, schema);
  return { ...span, message: messageOf(issue, allowed, foundIn(node, written, isSecret)), hint };
}

/** The default of a key conflicts with other keys of its section. */
function unwritten(issue: Issue, path: readonly Segment[], { root }: IssueContext): Fault {
  const hint = hintIn(issue);
  return { ...keySpan(path.slice(0, -1), root), path, message: issue.message, hint };
}

/** Keeps our own messages, and replaces zod's. */
function messageOf(issue: Issue, allowed: string | undefined, found: string): string {
  if (issue.message.startsWith("Expected")) return `${issue.message}, found ${found}`;
  if (issue.code === "custom" || allowed === undefined) return issue.message;
  if (issue.code === "too_big" && (issue.origin === "array" || issue.origin === "string")) {
    return `Expected at most ${issue.maximum} ${
      issue.origin === "array" ? "entries" : "characters"
    }`;
  }
  if (issue.code === "too_small" && issue.origin === "array") return "Expected at least one entry";
  return `Expected ${allowed}, found ${found}`;
}

function foundIn(node: Node, written: string, isSecret: boolean): string {
  if (node.type === "string") {
    return isSecret ? "a text" : quoted(withoutSecrets(String(node.value)));
  }
  if (node.type === "object" || node.type === "array" || isSecret) return nameOf(node);
  return written;
}

function hintIn(issue: Issue | undefined): string | undefined {
  if (issue?.code !== "custom") return undefined;
  const hint: unknown = issue.params?.["hint"];
  return typeof hint === "string" ? hint : undefined;
}

function meantBy(node: Node, schema: Schema | undefined, distance: Distance): string | undefined {
  if (node.type !== "string" || !schema) return undefined;
  const words = wordsOf(schema);
  const isAll = words.includes("open") && /^(?:\*|all|any(?:one|body)?|every(?:one|body))$/i
    .test(String(node.value).trim());
  const suggestion = isAll ? "open" : nearestOf(String(node.value), words, distance);
  return suggestion === undefined ? undefined : `did you mean ${quoted(suggestion)}?`;
}

/** Shows the right form of a value, such as an object for a list, or a number without quotes. */
function formHint(node: Node, schema: Schema | undefined): string | undefined {
  if (!schema) return undefined;
  const plain = coreSchema(schema);
  const isObject = plain instanceof z.ZodObject || plain instanceof z.ZodRecord;
  if (isObject && node.type === "array") {
    const [first] = node.children ?? [];
    const name = first?.type === "string"
      ? quoted(withoutSecrets(String(first.value)))
      : '"<name>"';
    return plain instanceof z.ZodRecord
      ? `write braces, with a name for each entry: { ${name}: {} }`
      : "write its keys in braces: { … }";
  }
  if (isObject) {
    return `write its keys in braces: { ${Object.keys(shapeOf(schema) ?? {})[0] ?? "…"}: … }`;
  }
  if (plain instanceof z.ZodNumber && node.type === "string") return numberHint(node.value);
  if (plain instanceof z.ZodBoolean && /^(?:true|false)$/i.test(String(node.value))) {
    return `write it without quotes: ${String(node.value).toLowerCase()}`;
  }
  if (plain instanceof z.ZodArray && node.type !== "array") {
    return node.type === "string" && takesText(plain.def.element)
      ? `write a list: [${quoted(String(node.value))}]`
      : "write a list in square brackets: [ … ]";
  }
  return undefined;
}

/** A text with other words may have a unit that is not the key's, so its number is not repeated. */
function numberHint(written: string): string | undefined {
  const number = /^(\d+|\d{1,3}(?:[,_ ]\d{3})+)(\.\d+)?$/.exec(written.trim());
  if (number) {
    const [, whole = "", rest = ""] = number;
    return `write the number without quotes: ${whole.replace(/[,_ ]/g, "")}${rest}`;
  }
  return /\d/.test(written)
    ? "write only the number, without quotes, unit and thousands separators"
    : undefined;
}

function wordsOf(schema: Schema): readonly string[] {
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodUnion) return plain.options.flatMap(wordsOf);
  const values = plain instanceof z.ZodEnum
    ? plain.options
    : plain instanceof z.ZodLiteral
    ? [...plain.values]
    : [];
  return values.filter((value) => typeof value === "string");
}

function takesText(schema: Schema | undefined): boolean {
  if (!schema) return false;
  const plain = coreSchema(schema);
  return plain instanceof z.ZodUnion ? plain.options.some(takesText) : plain instanceof z.ZodString;
}

/** The key at a path, or the value if there is no key, as in a list. */
function keySpan(path: readonly Segment[], root: Node): Span {
  const node = keyNodeAt(root, path);
  return { offset: node.offset, length: node === root || node.type !== "string" ? 1 : node.length };
}
