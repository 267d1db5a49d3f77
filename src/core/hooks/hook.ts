/**
 * Hooks: events that other programs send over HTTP, for a place of the bot (W1), and events of a
 * server that start a turn: `agents.list[].on` (W7).
 *
 * An event keeps only the texts that the hook's templates take from the body, never the body.
 *
 * The event of a request (W4) is made of its body, which is JSON, a form or a text, by the templates
 * of its hook, which are text with values of the body between `{{` and `}}`.
 *
 * A template has paths, alternatives, words for values, and lists, and no code: no sender can make a
 * template cost more than its length and the body's. The packages for JSONPath evaluate scripts, or
 * are larger than all of this.
 *
 * The body is checked before it is parsed: a megabyte can hold 200,000 keys, or 500,000 nested lists,
 * which would cost the main thread more than any event is worth.
 */

import { hash } from "node:crypto";
import { bounded, clip, isRecord, pathTo, quoted } from "../../lib/text/quoted.ts";
import type { AccountId, ChannelId, GuildId, MessageId, RoleId, UserId } from "../discord/ids.ts";
import { parseTarget, type Target } from "../outbound/target.ts";

/** The events, each with the gateway intent that it needs. */
export const SERVER_EVENTS = {
  member_join: "guild_members",
  role_given: "guild_moderation",
  forum_post: "guilds",
  thread_closed: "guilds",
  event_started: "guild_scheduled_events",
  boost: "guild_members",
  pin: "guild_messages",
  reaction: "guild_message_reactions",
} as const;

export type ServerEventName = keyof typeof SERVER_EVENTS;

/** An event of a server, as Discord told it at once, or later over REST. No bot has caused it. */
export interface ServerEvent {
  readonly kind: "server_event";
  readonly event: ServerEventName;
  readonly guildId: GuildId;
  /** Absent for events of a whole server. */
  readonly channelId?: ChannelId;
  /** A thread's channel; otherwise the channel itself. */
  readonly parentId?: ChannelId;
  /** Only its members read it, so not the readers of its channel. */
  readonly isPrivateThread: boolean;
  /** The message that it is about. */
  readonly messageId?: MessageId;
  /** The member whom it is about, or who has caused it. */
  readonly userId?: UserId;
  /** Ids of the messages and people whose words it has. */
  readonly sources: readonly string[];
  /** The given roles, or those of the member. */
  readonly roles: readonly RoleId[];
  /** `"📌"` or `"<:name:id>"`; empty without one. */
  readonly emoji?: string;
  /** Tells it from all others of its kind, however often Discord tells of it. */
  readonly key: string;
  /** Unix time in milliseconds; 0 if Discord does not tell it. */
  readonly at: number;
  /** Discord's payload, and the template of its words. */
  readonly body: unknown;
  readonly template: string;
}

/** How a sender proves that it knows the secret of a hook. */
export const HOOK_SCHEMES = ["bearer", "github", "standard"] as const;

export type HookScheme = typeof HOOK_SCHEMES[number];

/** Values of the body by path: each path must have one of its values. */
export type HookCondition = Readonly<Record<string, readonly string[]>>;

/** The rules of a hook that read events: `hooks.<name>`. */
export interface HookReading {
  /** Template of the text for the model, and of the post without a model; absent: the whole body. */
  readonly template?: string;
  /** Template of the sender's id of an event; absent: the id of the scheme's header. */
  readonly id?: string;
  /** Template of the key of an incident, which has a thread; absent: there are no threads. */
  readonly thread?: string;
  /** Template of the current state, for the first post of an incident. */
  readonly title?: string;
  /** Which events count; absent: all. */
  readonly only?: HookCondition;
  /** Which events end their incident; absent: none. */
  readonly ends?: HookCondition;
}

/** The rules by which events are answered: of a hook, or of a server (W7). */
export interface AnswerRules {
  /** A valid target, as the config writes it. */
  readonly to: string;
  /** Absent: the first account. */
  readonly account?: string;
  /** Absent: the first agent. */
  readonly agent?: string;
  /** Whether an agent reads events; otherwise, the template is posted. */
  readonly model: boolean;
  /** What the agent is to do with an event. By the operator, so it is trusted. */
  readonly prompt?: string;
  /** The only tools of its turns. */
  readonly tools: readonly string[];
  /** Template of the key of an incident; absent: there are no threads. */
  readonly thread?: string;
  /** Maximum messages or turns a minute; further events wait, and are merged. */
  readonly perMinute: number;
  /** Maximum answers per UTC day; only of a server, as the next two. */
  readonly perDay?: number;
  /** Between two answers. */
  readonly cooldownMs?: number;
  /** Without a further event, before an answer. */
  readonly gatherMs?: number;
}

/** The sections of the config whose events an agent answers. */
interface EventSources {
  /** Absent: there is no hook. */
  readonly hooks?: Readonly<Record<string, AnswerRules>>;
  /** Entries of `agents.list[].on`, by the names of their events among those of hooks. */
  readonly serverEvents: Readonly<Record<string, AnswerRules>>;
}

const ENTRY = /^on:(\w+):(\d+)\.(\d+):/;

/** Whether events are those of a server (W7). */
export function isEntry(hook: string): boolean {
  return ENTRY.test(hook);
}

/** The rules of events; `undefined` if the config has them no more. */
export function rulesOfHook(
  { hooks = {}, serverEvents }: EventSources,
  hook: string,
): AnswerRules | undefined {
  if (isEntry(hook)) return serverEvents[hook];
  return Object.hasOwn(hooks, hook) ? hooks[hook] : undefined;
}

export function hasEvents({ hooks, serverEvents }: EventSources): boolean {
  return hooks !== undefined || Object.values(serverEvents).some(({ model }) => model);
}

/** The config path of the rules: `hooks.uptime`, `agents.list[0].on[0]`. */
export function pathOfHook(hook: string): string {
  const [, event, agent, at] = ENTRY.exec(hook) ?? [];
  if (event !== undefined) return `agents.list[${agent}].on[${at}]`;
  return pathTo("hooks", hook);
}

/** `the hook "uptime"`, `the entry agents.list[0].on[0] (pin)`. */
export function hookText(hook: string): string {
  const event = ENTRY.exec(hook)?.[1];
  if (event !== undefined) return `the entry ${pathOfHook(hook)} (${event})`;
  return `the hook ${quoted(hook)}`;
}

export interface NewHookEvent {
  readonly accountId: AccountId;
  readonly hook: string;
  /** The sender's id of it; absent if it sent none, and then each request is an event. */
  readonly senderId?: string;
  /** Key of its incident; `""` without one. */
  readonly key: string;
  /** The state that it tells, for the first post; `""` without one. */
  readonly title: string;
  /** For the model. Untrusted. */
  readonly text: string;
  /** For people: its values cannot make markup. */
  readonly post: string;
  readonly isEnd: boolean;
  /** Ids of the messages and people that its words are from; absent: none is known. */
  readonly sources?: readonly string[];
}

/** An event with its id, so that many are stored at once. */
export type NumberedEvent = NewHookEvent & Pick<HookEvent, "messageId">;

export interface HookEvent extends NewHookEvent {
  /** The id that its sender got: `barnacle why <id>`. */
  readonly messageId: MessageId;
  readonly receivedAt: number;
  /** Its number, in the order of their arrival. */
  readonly id: number;
  /** The run that has it; absent while it waits. */
  readonly runId?: MessageId;
}

export interface StoredHookEvent {
  readonly messageId: MessageId;
  /** Whether the sender had sent it before. */
  readonly isRepeated: boolean;
}

/** The hook whose event a message is: Discord lacks it, and no person wrote it. */
export interface Hooked {
  readonly hook: string;
  /** What to do with the event, by the operator. */
  readonly prompt?: string;
  readonly count: number;
  /** Posted if no model answers, so that no event is lost. */
  readonly post: string;
  /** Ids of the messages and people that its words are from; absent: none is known. */
  readonly of?: readonly string[];
  /** The newcomers whom the answer may mention; absent: no one. */
  readonly greets?: readonly UserId[];
}

/**
 * The place of a hook.
 *
 * @throws {TypeError} If the config was not checked.
 */
export function placeOfHook({ to }: { readonly to: string }): Target {
  const target = parseTarget(to);
  if (target.kind === "problem") throw new TypeError(target.problem);
  return target;
}

/** Maximum bytes of a request's body. */
export const HOOK_BODY_BYTES = 1024 * 1024;
/** Maximum bytes of all bodies that are read at once. */
export const HOOK_BODIES_BYTES = 8 * HOOK_BODY_BYTES;
/** Maximum bytes of those whose sender has proved nothing before, as with a signature of the body. */
export const UNKNOWN_BODIES_BYTES = 6 * HOOK_BODY_BYTES;
/** Maximum number of events of a hook that wait. */
export const HOOK_WAITING_MAX = 10_000;
/** Days after which events of hooks are forgotten, with the ids by which a repeated one is known. */
export const HOOK_EVENTS_KEPT_DAYS = 30;
/** Maximum characters of an event's text for the model. */
const HOOK_TEXT_CHARS = 8_000;
/** Maximum characters of an event's text for people: one message has room for it. */
const HOOK_POST_CHARS = 1_800;

/**
 * The id of the sender of a hook's events. No person has it: ids below 2 ** 22 are of the first
 * millisecond of Discord's epoch.
 */
export function hookSenderId(name: string): UserId {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193) >>> 0;
  }
  return String(2 + hash % (2 ** 22 - 2)) as UserId;
}

/** A body, or why it cannot be read. */
type HookBody =
  | { readonly kind: "body"; readonly value: unknown; readonly text: string }
  | { readonly kind: "problem"; readonly why: string };

/** Maximum number of values in a body, and of lists or objects within each other. */
export const BODY_VALUES_MAX = 10_000;
const BODY_DEPTH_MAX = 64;

/** Reads a body of at most 1 MiB. */
export function readHookBody(bytes: Uint8Array, contentType: string): HookBody {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return problem("The body is not UTF-8");
  }
  const [type = ""] = contentType.toLowerCase().split(";");
  switch (type.trim()) {
    case "application/x-www-form-urlencoded":
      return readForm(text);
    case "":
    case "text/plain":
      return { kind: "body", value: text, text };
    default:
      return /^(?:application|text)\/(?:[\w.-]+\+)?json$/.test(type.trim())
        ? readJson(text)
        : problem("Send JSON, a form, or plain text, with its Content-Type");
  }
}

function readJson(text: string): HookBody {
  const why = tooMuchIn(text);
  if (why !== undefined) return problem(why);
  try {
    return { kind: "body", value: JSON.parse(text), text };
  } catch {
    return problem("The body is not valid JSON");
  }
}

/** By default, GitHub sends its JSON in a field of a form. */
function readForm(text: string): HookBody {
  if (text.split("&", BODY_VALUES_MAX + 1).length > BODY_VALUES_MAX) return problem(TOO_MANY);
  const fields = new URLSearchParams(text);
  const payload = fields.get("payload");
  if (payload?.trimStart().startsWith("{")) return readJson(payload);
  return { kind: "body", value: Object.fromEntries(fields), text };
}

const TOO_MANY = `The body has more than ${BODY_VALUES_MAX} values`;

/** Counts values and depth without parsing. */
function tooMuchIn(text: string): string | undefined {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // a string; only an unescaped quote ends it
        for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) {
          if (text.charCodeAt(at) === 0x5c) at++;
        }
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > BODY_DEPTH_MAX) return `The body is nested deeper than ${BODY_DEPTH_MAX}`;
        if (++values > BODY_VALUES_MAX) return TOO_MANY;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
      case 0x2c:
        if (++values > BODY_VALUES_MAX) return TOO_MANY;
    }
  }
  return undefined;
}

export function memberOf(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return /^\d+$/.test(name) ? value[Number(name)] : undefined;
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Maximum characters of a text in a body that is too long. */
const STRING_CHARS = 2_000;

/** Ids, and addresses for programs. `html_url` is the page for people. */
const FOR_PROGRAMS = /^(?:node_)?id$|_id$|(?<!^html)_url$/;

/**
 * The whole body as text for a model. Of GitHub's events, most is the same in each: if a body is
 * longer than `max`, it loses values for programs, and a repository within a part becomes its name.
 */
function bodyText(body: unknown, max: number): string {
  if (typeof body === "string") return body;
  const text = JSON.stringify(body, undefined, 1);
  return text.length <= max ? text : JSON.stringify(withoutRest(body, "", 0), undefined, 1);
}

function withoutRest(value: unknown, key: string, depth: number): unknown {
  if (typeof value === "string") return bounded(value, STRING_CHARS);
  if (Array.isArray(value)) return value.map((item) => withoutRest(item, key, depth + 1));
  if (!isRecord(value)) return value;
  if (depth > 1 && /repo/.test(key) && "full_name" in value) return value["full_name"];
  const isForPeople = ([name, member]: readonly [string, unknown]) =>
    member !== null && name !== "_links" && !FOR_PROGRAMS.test(name) &&
    !(name === "url" && "html_url" in value);
  return Object.fromEntries(
    Object.entries(value).filter(isForPeople)
      .map(([name, member]) => [name, withoutRest(member, name, depth + 1)]),
  );
}

function problem(why: string): HookBody {
  return { kind: "problem", why };
}

export interface HookValues {
  readonly body: unknown;
  /** The body as it was sent; empty for an event of a server. */
  readonly text?: string;
  /** Absent for an event of a server. */
  readonly headers?: Headers;
}

/** `plain`: for models and keys. `markdown`: values cannot make markup or mentions. */
type HookForm = "plain" | "markdown";

/** Maximum characters of one value, and items of a list. */
const VALUE_CHARS = 2_000;
const LIST_MAX = 20;

const TAG = /\{\{\s*(?:#each\s+([^{}]+?)|(\/each)|([^{}]+?))\s*\}\}/g;

type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly alternatives: readonly Alternative[] }
  | { readonly kind: "each"; readonly path: Path; readonly parts: readonly Part[] };

interface Alternative {
  readonly path: Path | { readonly literal: string };
  readonly words: ReadonlyMap<string, string>;
}

/** `"*"` stands for all items. */
type Path = {
  readonly root: "value" | "body" | "text" | "header";
  readonly names: readonly string[];
};

/** Why a text is no template; `undefined` if it is one. */
export function templateProblem(template: string): string | undefined {
  const parsed = parse(template);
  return typeof parsed === "string" ? parsed : undefined;
}

/** Why a text is no path; `undefined` if it is one. */
export function pathProblem(path: string): string | undefined {
  return readPath(path) ? undefined : `"${path}" is no path, such as alerts[0].labels.name`;
}

/** Renders a valid template; blank lines at its ends are removed. */
export function renderTemplate(template: string, values: HookValues, form: HookForm): string {
  const parts = parse(template);
  return typeof parts === "string" ? "" : render(parts, values.body, values, form).trim();
}

export function valuesAt(path: string, values: HookValues): readonly string[] {
  const read = readPath(path);
  return read ? textsOf(read, values.body, values) : [];
}

function parse(template: string): readonly Part[] | string {
  const outer: Part[] = [];
  let parts = outer;
  let each: { readonly path: Path; readonly parts: Part[] } | undefined;
  let end = 0;
  for (const match of template.matchAll(TAG)) {
    const [whole, list, isEnd, value] = match;
    if (match.index > end) parts.push({ kind: "text", text: template.slice(end, match.index) });
    end = match.index + whole.length;
    if (list !== undefined) {
      const path = readPath(list);
      if (!path) return pathProblem(list) ?? "";
      if (each) return "{{#each}} within {{#each}} is not possible";
      each = { path, parts: [] };
      ({ parts } = each);
    } else if (isEnd !== undefined) {
      if (!each) return "{{/each}} has no {{#each}} before it";
      outer.push({ kind: "each", ...each });
      each = undefined;
      parts = outer;
    } else {
      const alternatives = readAlternatives(value ?? "");
      if (typeof alternatives === "string") return alternatives;
      parts.push({ kind: "value", alternatives });
    }
  }
  if (each) return "{{#each}} has no {{/each}} after it";
  const rest = template.slice(end);
  if (rest !== "") parts.push({ kind: "text", text: rest });
  const stray = parts.find((part) => part.kind === "text" && /\{\{|\}\}/.test(part.text));
  return stray ? "{{ and }} do not match" : outer;
}

/** `a.b || c | 0=down | 1=up || "none"`. */
function readAlternatives(written: string): readonly Alternative[] | string {
  const found: Alternative[] = [];
  for (const part of written.split("||")) {
    const [first = "", ...mapped] = part.split("|").map((one) => one.trim());
    const literal = /^"([^"]*)"$/.exec(first)?.[1];
    const path = literal === undefined ? readPath(first) : { literal };
    if (!path) return pathProblem(first) ?? "";
    const words = new Map<string, string>();
    for (const one of mapped) {
      const [, value, word] = /^([^=]+?)\s*=\s*(.*)$/.exec(one) ?? [];
      if (value === undefined || word === undefined) return `"${one}" must be <value>=<words>`;
      words.set(value, word);
    }
    found.push({ path, words });
  }
  return found;
}

const NAME = /(?:^|\.)([^.@[\]"|{}\s]+)|\[(\d+|\*)\]|\["([^"]+)"\]/gy;

function readPath(written: string): Path | undefined {
  const text = written.trim();
  const header = /^@header\.([\w-]+)$/.exec(text)?.[1];
  if (header !== undefined) return { root: "header", names: [header.toLowerCase()] };
  if (text === "@text") return { root: "text", names: [] };
  if (text === "@body") return { root: "body", names: [] };
  if (text === "@item") return { root: "value", names: [] };
  const names: string[] = [];
  NAME.lastIndex = 0;
  while (NAME.lastIndex < text.length) {
    const match = NAME.exec(text);
    if (!match) return undefined;
    names.push(match[1] ?? match[2] ?? match[3] ?? "");
  }
  return names.length > 0 ? { root: "value", names } : undefined;
}

function render(parts: readonly Part[], here: unknown, values: HookValues, form: HookForm): string {
  return parts.map((part) => {
    switch (part.kind) {
      case "text":
        return part.text;
      case "value":
        return valueText(part.alternatives, here, values, form);
      case "each": {
        const items = itemsAt(part.path, here, values);
        const shown = items.slice(0, LIST_MAX).map((item) =>
          render(part.parts, item, values, form)
        );
        const more = items.length - shown.length;
        return shown.join("") + (more > 0 ? `\n… and ${more} more` : "");
      }
    }
  }).join("");
}

function valueText(
  alternatives: readonly Alternative[],
  here: unknown,
  values: HookValues,
  form: HookForm,
): string {
  for (const { path, words } of alternatives) {
    if ("literal" in path) return path.literal;
    const texts = textsOf(path, here, values);
    if (texts.every((text) => text === "")) continue;
    return texts.map((text) => words.get(text) ?? inForm(clipped(text), form)).join(", ");
  }
  return "";
}

function itemsAt(path: Path, here: unknown, values: HookValues): readonly unknown[] {
  const found = foundAt(path, here, values);
  return found.flatMap((one): readonly unknown[] => Array.isArray(one) ? one : [one]);
}

function textsOf(path: Path, here: unknown, values: HookValues): readonly string[] {
  return foundAt(path, here, values).map((value) => textOf(value).trim());
}

function foundAt({ root, names }: Path, here: unknown, values: HookValues): readonly unknown[] {
  switch (root) {
    case "header":
      return [values.headers?.get(names[0] ?? "")].filter((one) => typeof one === "string");
    case "text":
      return [values.text ?? ""];
    case "body":
      return [values.body];
    case "value":
      return names.reduce<readonly unknown[]>(step, [here]);
  }
}

function step(found: readonly unknown[], name: string): readonly unknown[] {
  return found.flatMap((value): readonly unknown[] => {
    if (name === "*") return Array.isArray(value) ? value.slice(0, LIST_MAX) : [];
    const member = memberOf(value, name);
    return member === undefined || member === null ? [] : [member];
  });
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "object":
      return JSON.stringify(value, undefined, 1);
    default:
      return String(value);
  }
}

function clipped(text: string): string {
  return text.length <= VALUE_CHARS ? text : `${text.slice(0, VALUE_CHARS)}…`;
}

const ONLY_ADDRESS = /^https?:\/\/[^\s<>]+$/;

/** An address in a text, without the signs that end a sentence or a pair of brackets. */
const ADDRESS = /(https?:\/\/[^\s<>]*[^\s<>.,:;!?'"()[\]{}*_~`|\\])/;

/** Controls, which Discord and terminals do not show, and marks that turn the words behind them. */
const HIDDEN = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Addresses stay addresses, without a preview. All other characters of markup and mentions lose their
 * effect.
 */
function inForm(written: string, form: HookForm): string {
  const text = written.toWellFormed();
  if (form === "plain") return text;
  if (ONLY_ADDRESS.test(text)) return `<${text}>`;
  return text.replace(HIDDEN, "").split(ADDRESS).map((part, at) =>
    at % 2 === 1
      ? `<${part}>`
      : part.replace(/[\\*_~`|<[\]]|^\s*[>#-]/gm, (found) => found.replace(/\S/, "\\$&"))
  ).join("");
}

/** Maximum characters of a sender's id, of a key, and of a state. */
const ID_CHARS = 200;
const KEY_CHARS = 200;
const TITLE_CHARS = 300;

/**
 * Reads an event.
 *
 * @param deliveryId The sender's id of the scheme's header; absent without one.
 * @returns `undefined` if the hook leaves such events out.
 */
export function readHookEvent(
  { hook, accountId, rules }: {
    readonly hook: string;
    readonly accountId: AccountId;
    readonly rules: HookReading;
  },
  values: HookValues,
  deliveryId: string | undefined,
): NewHookEvent | undefined {
  if (rules.only && !holds(rules.only, values)) return undefined;
  const line = (template: string | undefined, max: number) =>
    template === undefined ? "" : bounded(oneLine(renderTemplate(template, values, "plain")), max);
  const key = line(rules.thread, KEY_CHARS);
  const { template = "{{ @body }}" } = rules;
  const text = clip(
    rules.template === undefined
      ? bodyText(values.body, HOOK_TEXT_CHARS).toWellFormed().trim()
      : renderTemplate(template, values, "plain"),
    HOOK_TEXT_CHARS,
  );
  const stateTemplate = rules.title ?? rules.thread;
  const title = stateTemplate === undefined
    ? ""
    : bounded(oneLine(renderTemplate(stateTemplate, values, "markdown")), TITLE_CHARS);
  // Without a model, people see what the model would have seen.
  const post = rules.template === undefined && title !== ""
    ? title
    : renderTemplate(template, values, "markdown");
  return {
    hook,
    accountId,
    senderId: idOf(line(rules.id, Infinity) || deliveryId || ""),
    key,
    title,
    text,
    post: bounded(post, HOOK_POST_CHARS),
    isEnd: rules.ends !== undefined && holds(rules.ends, values),
  };
}

/** A cut id could be that of two events, and the second one would be lost. */
function idOf(sent: string): string | undefined {
  if (sent.length <= ID_CHARS) return sent || undefined;
  return `sha256:${hash("sha256", sent, "hex")}`;
}

export function holds(condition: HookCondition, values: HookValues): boolean {
  return Object.entries(condition).every(([path, allowed]) =>
    valuesAt(path, values).some((value) => allowed.includes(value))
  );
}

/** Without line breaks and invisible characters: a key is a name. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
}
