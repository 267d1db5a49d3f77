/**
 * Turns batches of dispatches into events.
 *
 * It keeps the index of guilds and the bot's identity, which decoding needs. Both start from the
 * store, because a RESUME does not bring them again.
 */

import { z } from "zod";
import type { AccountId, ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import { optional, snowflakeSchema } from "../../../core/discord/lenient.ts";
import type {
  GatewaySession,
  GuildSnapshot,
  InboundBatch,
  InboundEvent,
  Named,
  Self,
  SessionStarted,
} from "../../../core/inbound/inbound.ts";
import { parseForeignJson } from "../../../lib/text/json.ts";
import { bounded } from "../../../lib/text/quoted.ts";
import { decodeEdit, type DecodeFacts, decodeMessage } from "../decode/decode.ts";
import { decodeInteraction } from "../decode/decode_interaction.ts";
import {
  type GuildIndex,
  markNamesakes,
  mayChangeMarks,
  restoreIndex,
  snapshotOf,
} from "../decode/guild_index.ts";
import { OTHER_EVENTS } from "../decode/other_events.ts";
import { type DecodeProblem, type Dispatch, readyPayload } from "../decode/payloads.ts";
import { createPeople } from "../decode/senders.ts";
import { decodeServerEvent } from "../decode/server_events.ts";
import { SEPARATOR } from "../link/batches.ts";
import type { DispatchBatch } from "../link/protocol.ts";
import { applyDispatch, guildsLeft, type IndexChange, readSelf } from "./apply_dispatch.ts";
import type { EVENT_TYPES } from "./intents.ts";
import type { VoiceIndex } from "./voice_index.ts";

/**
 * The type of changes of members. Without the intent for members, Discord sends it only about
 * the bot itself; with that intent, about all members.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#list-of-intents}
 */
const MEMBER_UPDATE = "GUILD_MEMBER_UPDATE";

const OF_GUILD: ReadonlySet<string> = new Set(["GUILD_CREATE", "GUILD_UPDATE"]);

const WITHIN_GUILD: ReadonlySet<string> = new Set([
  "GUILD_ROLE_CREATE",
  "GUILD_ROLE_UPDATE",
  "GUILD_ROLE_DELETE",
  "CHANNEL_CREATE",
  "CHANNEL_UPDATE",
  "CHANNEL_DELETE",
  "THREAD_UPDATE", // may unlock or unarchive a thread
  "THREAD_LIST_SYNC", // makes a channel visible again
]);

const guildPayload = z.object({
  id: snowflakeSchema<"guild">(),
  unavailable: optional(z.boolean()),
});
const withinPayload = z.object({ guild_id: snowflakeSchema<"guild">() });
const threadPayload = withinPayload.extend({ newly_created: optional(z.boolean()) });
const memberPayload = withinPayload.extend({ user: z.object({ id: snowflakeSchema<"user">() }) });

/**
 * Returns the guild in which a dispatch may change the bot's permissions.
 *
 * @param self The bot's user id; `undefined` before the first READY.
 * @returns `undefined` if there is none, or if the payload has an unexpected shape.
 */
function guildWithChangedPermissions(
  { t, d }: Dispatch,
  self: UserId | undefined,
): GuildId | undefined {
  if (WITHIN_GUILD.has(t)) return withinPayload.safeParse(d).data?.guild_id;
  if (OF_GUILD.has(t)) {
    const guild = guildPayload.safeParse(d, { jitless: true }).data;
    return guild?.unavailable ? undefined : guild?.id;
  }
  if (t === "THREAD_CREATE") {
    const thread = threadPayload.safeParse(d).data; // for an old thread: the bot was added to it
    return thread?.newly_created ? undefined : thread?.guild_id;
  }
  if (t !== MEMBER_UPDATE) return undefined;
  const member = memberPayload.safeParse(d).data;
  return member && member.user.id === self ? member.guild_id : undefined;
}

const gonePayload = z.object({
  id: z.union([snowflakeSchema<"channel">(), snowflakeSchema<"guild">()]),
  unavailable: optional(z.boolean()),
});
const GONE: ReadonlySet<string> = new Set(["CHANNEL_DELETE", "THREAD_DELETE", "GUILD_DELETE"]);

/** The channel, thread or guild that a dispatch takes from the bot; `undefined` if it takes none. */
export function placeGone({ t, d }: Dispatch): ChannelId | GuildId | undefined {
  const gone = GONE.has(t) ? gonePayload.safeParse(d, { jitless: true }).data : undefined;
  return gone?.unavailable ? undefined : gone?.id;
}

const joinedPayload = z.object({
  id: snowflakeSchema<"guild">(),
  name: optional(z.string()),
  unavailable: optional(z.boolean()),
});

const MAX_NAME = 100;

/**
 * Returns the guild that the bot joined by this dispatch.
 *
 * @param index The index before the dispatch.
 * @param unread Guilds of the bot that the index lacks, because their snapshots could not be read.
 */
export function joinedGuild(
  { t, d }: Dispatch,
  index: GuildIndex,
  unread: readonly GuildId[],
): Named<GuildId> | undefined {
  if (t !== "GUILD_CREATE") return undefined;
  const guild = joinedPayload.safeParse(d, { jitless: true }).data; // compiling takes longer
  if (!guild || guild.unavailable || index.has(guild.id) || unread.includes(guild.id)) {
    return undefined; // `applyDispatch` reports a payload with an unexpected shape
  }
  return { id: guild.id, name: bounded(guild.name ?? guild.id, MAX_NAME) };
}

type Decode = (dispatch: Dispatch, facts: DecodeFacts) => InboundEvent | DecodeProblem | undefined;

type EventType = (typeof EVENT_TYPES)[number];

/** Decoders whose types the gateway thread passes on: without its type, no decoder would run. */
const passedOn = <Type extends EventType>(decoders: Readonly<Record<Type, Decode>>) => decoders;

/** Decoders of the dispatches that become events. All others change only the index of guilds. */
const DECODERS: Readonly<Record<EventType, Decode>> = {
  MESSAGE_CREATE: ({ d }, { accountId, self, index, people }) =>
    self
      ? decodeMessage(d, { accountId, self, index, people })
      : { kind: "problem", why: "came before READY" },
  MESSAGE_UPDATE: ({ d }, { accountId, self, index, people }) =>
    self ? decodeEdit(d, { accountId, self, index, people }) : undefined,
  INTERACTION_CREATE: ({ d }, facts) => decodeInteraction(d, facts),
  ...passedOn(OTHER_EVENTS),
};

const DECODERS_BY_TYPE: ReadonlyMap<string, Decode> = new Map(Object.entries(DECODERS));

interface ReadProblem {
  /** The dispatch's type; `"unknown"` if it has none. */
  readonly type: string;
  /** Names fields, and never their contents. */
  readonly why: string;
}

/** The result of a batch while it is read. */
interface Reading {
  readonly events: InboundEvent[];
  readonly changed: Set<GuildId>;
}

export function createReader(
  { accountId, self: storedSelf, guilds: stored, voice }: {
    readonly accountId: AccountId;
    /** The bot's identity from the store; absent before the first READY. */
    readonly self?: Self;
    readonly guilds: readonly GuildSnapshot[];
    /** Keeps who is in voice channels; absent: nothing needs it. */
    readonly voice?: VoiceIndex;
  },
  onProblem: (problem: ReadProblem) => void,
) {
  let self = storedSelf;
  let { index, dropped } = restoreIndex(stored);
  let problems = 0;
  let fromShard = 0;
  const people = createPeople();

  function report(problem: ReadProblem): void {
    problems++;
    onProblem(problem);
  }

  /** Returns the session of a READY; `undefined` if the READY has an unexpected shape. */
  function start({ d, s }: Dispatch): SessionStarted | undefined {
    const ready = readyPayload.safeParse(d, { jitless: true }); // compiling takes longer
    self = readSelf(d) ?? self;
    if (!ready.success || !self) return undefined;
    const { session_id: sessionId, resume_gateway_url: resumeUrl } = ready.data;
    const session: GatewaySession = { sessionId, resumeUrl, seq: s };
    return { kind: "session_started", session, self };
  }

  /** Adds the event of a dispatch; one with an unexpected shape is skipped. */
  function add(
    event: InboundEvent | DecodeProblem | undefined,
    type: string,
    events: InboundEvent[],
  ): void {
    if (event?.kind === "problem") report({ type, why: event.why });
    else if (event) events.push(event);
  }

  function addDispatch(dispatch: Dispatch, reading: Reading): void {
    const { events } = reading;
    const decode = DECODERS_BY_TYPE.get(dispatch.t);
    if (decode) {
      return add(decode(dispatch, { accountId, self, index, people }), dispatch.t, events);
    }
    const applied = applyDispatch(index, dispatch, self?.userId);
    const session = dispatch.t === "READY" ? start(dispatch) : undefined;
    if (session) events.push(session);
    updateIndex(dispatch, applied, reading);
  }

  /** The same, and adds the event that may start a turn (W7). */
  function addAll(dispatch: Dispatch, reading: Reading): void {
    const told = decodeServerEvent(dispatch, { accountId, self, index });
    if (told) reading.events.push(told);
    addDispatch(dispatch, reading);
  }

  /** Applies a READY, or a dispatch about a guild, to the index. */
  function updateIndex(
    dispatch: Dispatch,
    applied: IndexChange,
    { events, changed }: Reading,
  ): void {
    voice?.apply(dispatch, fromShard);
    const guild = self && joinedGuild(dispatch, index, dropped);
    if (guild) events.push({ kind: "guild_joined", guild });
    for (const id of applied.changed) changed.add(id);
    index = mayChangeMarks(index, applied.index, applied.changed)
      ? markNamesakes(applied.index)
      : applied.index;
    const guildId = guildWithChangedPermissions(dispatch, self?.userId);
    if (guildId) events.push({ kind: "permissions_changed", guildId });
    const gone = placeGone(dispatch);
    if (gone) events.push({ kind: "place_gone", id: gone });
    if (dispatch.t === "READY" && applied.problem === undefined) {
      const leftGuilds = guildsLeft(readyPayload.parse(dispatch.d, { jitless: true }), dropped);
      for (const id of leftGuilds) changed.add(id);
      dropped = dropped.filter((id) => !leftGuilds.includes(id) && !index.has(id));
    }
    const { problem: why } = applied;
    if (why !== undefined) report({ type: dispatch.t, why });
  }

  return {
    /**
     * Reads a batch. Calls `onProblem` for dispatches with an unexpected shape, and skips them.
     *
     * @throws {TypeError} If the batch is no JSON array.
     */
    read(
      { shardId, ticket, arrivedAt, seq, text, afterHole, isReplayed }: DispatchBatch,
    ): InboundBatch {
      fromShard = shardId;
      const reading: Reading = { events: [], changed: new Set() };
      const { events, changed } = reading;
      for (const item of parseItems(text, report)) {
        if (isDispatch(item)) addAll(item, reading);
        else report({ type: "unknown", why: "no dispatch" });
      }
      voice?.wasRead(shardId);
      return {
        accountId,
        shardId,
        ticket,
        arrivedAt,
        afterHole: afterHole || undefined,
        isReplayed: isReplayed || undefined,
        seq,
        bytes: text.length,
        events: withoutLeft(events, index),
        guilds: Array.from(changed, (guildId) => {
          const guild = index.get(guildId);
          return guild ? snapshotOf(guild) : { guildId, text: undefined };
        }),
      };
    },
    /** The bot's identity; `undefined` before the first READY. */
    get self(): Self | undefined {
      return self;
    },
    get index(): GuildIndex {
      return index;
    },
    /** `false` if a snapshot could not be read. Only a new session brings that guild again. */
    get isComplete(): boolean {
      return dropped.length === 0;
    },
    /** Number of skipped dispatches. */
    get problems(): number {
      return problems;
    },
    people,
  };
}

export type Reader = ReturnType<typeof createReader>;

/** Leaves out guilds that the bot left again within the batch, and repeated joins. */
function withoutLeft(events: readonly InboundEvent[], index: GuildIndex): readonly InboundEvent[] {
  const joined = new Set<GuildId>();
  return events.filter((event) => {
    if (event.kind !== "guild_joined") return true;
    const { guild: { id } } = event;
    const isFirst = !joined.has(id);
    joined.add(id);
    return isFirst && index.has(id);
  });
}

/** Parses a batch. If one text is no JSON, the batch is none, and each text is parsed by itself. */
function parseItems(text: string, report: (problem: ReadProblem) => void): readonly unknown[] {
  const batch = parseForeignJson(text);
  if (batch !== undefined) {
    if (!Array.isArray(batch)) throw new TypeError("A batch is no JSON array");
    return batch;
  }
  const items: unknown[] = [];
  for (const itemText of text.slice(1, -1).split(SEPARATOR)) {
    const item = parseForeignJson(itemText);
    if (item === undefined) report({ type: "unknown", why: "no JSON" });
    else items.push(item);
  }
  return items;
}

/** Checked without a schema: a schema copies, which costs as much as parsing. */
function isDispatch(item: unknown): item is Dispatch {
  return typeof item === "object" && item !== null && "t" in item && typeof item.t === "string" &&
    "s" in item && typeof item.s === "number";
}
