/**
 * Hooks: events that other programs send over HTTP, for a place of the bot (W1), and events of a
 * server that start a turn: `agents.list[].on` (W7).
 *
 * An event keeps only the texts that the hook's templates take from the body, never the body.
 */

import { quoted } from "../../lib/text/quoted.ts";
import { pathTo } from "../config_file.ts";
import type { AccountId, ChannelId, GuildId, MessageId, RoleId, UserId } from "../discord/ids.ts";
import { parseTarget, type Target } from "../outbound/outbound.ts";

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

/** The rules of a hook: `hooks.<name>`. */
export interface HookRules extends HookReading {
  /** A valid target, as the config writes it. */
  readonly to: string;
  /** Absent: the first account. */
  readonly account?: string;
  /** Absent: the first agent. */
  readonly agent?: string;
  readonly scheme: HookScheme;
  /** Whether an agent reads events; otherwise, the template is posted. */
  readonly model: boolean;
  /** What the agent is to do with an event. By the operator, so it is trusted. */
  readonly prompt?: string;
  /** The only tools of its turns. */
  readonly tools: readonly string[];
  /** Maximum messages or turns a minute; further events wait, and are merged. */
  readonly perMinute: number;
  /** Maximum tokens per UTC day; absent: no limit. */
  readonly tokensPerDay?: number;
  /** Maximum cost per UTC day, in the currency of the prices; absent: no limit. */
  readonly moneyPerDay?: number;
}

/** The rules by which events are answered: of a hook, or of a server (W7). */
export type AnswerRules =
  /** Only of a server: answers per UTC day; milliseconds between two, and without a further event. */
  & { readonly perDay?: number; readonly cooldownMs?: number; readonly gatherMs?: number }
  & Pick<HookRules, "to" | "account" | "agent" | "model" | "prompt" | "tools">
  & Pick<HookRules, "perMinute" | "tokensPerDay" | "moneyPerDay">
  & Pick<HookReading, "thread">;

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
/** Maximum characters of an event's text for the model. */
export const HOOK_TEXT_CHARS = 8_000;
/** Maximum characters of an event's text for people: one message has room for it. */
export const HOOK_POST_CHARS = 1_800;

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
