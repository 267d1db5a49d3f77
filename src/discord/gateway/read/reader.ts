/**
 * Batches of dispatches in, what they mean out.
 *
 * It holds the index of guilds and who we are, which every message is read
 * with. Both start from the store, because a RESUME brings neither again.
 *
 * @module
 */

import type { AccountId, GuildId } from "../../../core/discord/ids.ts";
import type { InboundBatch, InboundEvent, SessionStarted } from "../../../core/inbound/events.ts";
import type { GatewaySession, GuildSnapshot, Self } from "../../../core/inbound/inbound.ts";
import type { DispatchBatch } from "../link/protocol.ts";
import { SEPARATOR } from "../link/batches.ts";
import { decodeMessage, type DecodeProblem } from "../decode/decode.ts";
import { decodeInteraction } from "../decode/decode_interaction.ts";
import { decodeDeletion } from "../decode/decode_deletion.ts";
import { applyDispatch, GUILD_DISPATCH_TYPES, guildsLeft, readSelf } from "./apply_dispatch.ts";
import { type GuildIndex, restore, snapshotOf } from "../decode/guild_index.ts";
import { joinedGuild } from "./joined_guild.ts";
import { type Dispatch, readyPayload } from "../decode/payloads.ts";
import { guildWithChangedPermissions, MEMBER_UPDATE } from "./permission_changes.ts";

/** What a dispatch is decoded with, besides itself. */
interface DecodeFacts {
  readonly accountId: AccountId;
  /** `undefined` before the first READY. */
  readonly self: Self | undefined;
  readonly index: GuildIndex;
}

type Decode = (dispatch: Dispatch, facts: DecodeFacts) => InboundEvent | DecodeProblem | undefined;

/** Decoders of the dispatches that are events by themselves. Others change the index of guilds. */
const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  [
    "MESSAGE_CREATE",
    ({ d }, { accountId, self, index }) =>
      self
        ? decodeMessage(d, { accountId, self, index })
        : { kind: "problem", why: "came before READY" },
  ],
  ["INTERACTION_CREATE", ({ d }, facts) => decodeInteraction(d, facts)],
  ["MESSAGE_DELETE", decodeDeletion],
  ["MESSAGE_DELETE_BULK", decodeDeletion],
]);

/** Types of the dispatches that are to leave the worker. */
export const READ_TYPES: readonly string[] = [
  ...GUILD_DISPATCH_TYPES,
  MEMBER_UPDATE,
  ...DECODERS.keys(),
];

export interface ReaderStart {
  readonly accountId: AccountId;
  /** From the store; absent before the first READY. */
  readonly self?: Self;
  readonly guilds: readonly GuildSnapshot[];
}

/** A dispatch that did not fit; the reason names fields, never their contents. */
export interface ReadProblem {
  readonly type: string;
  readonly why: string;
}

/** A batch while it is read. */
interface Reading {
  readonly events: InboundEvent[];
  /** Guilds that it has changed. */
  readonly changed: Set<GuildId>;
}

export interface Reader {
  read(batch: DispatchBatch): InboundBatch;
  readonly self: Self | undefined;
  readonly index: GuildIndex;
  /** `false`: a snapshot could not be read; only a new session brings it again. */
  readonly isComplete: boolean;
  /** Dispatches passed over so far. */
  readonly problems: number;
}

export function createReader(
  { accountId, self: storedSelf, guilds: stored }: ReaderStart,
  onProblem: (problem: ReadProblem) => void,
): Reader {
  let self = storedSelf;
  let { index, dropped } = restore(stored);
  let problems = 0;

  function passOver(problem: ReadProblem): void {
    problems++;
    onProblem(problem);
  }

  /** The session that a READY begins; `undefined` if the READY does not fit. */
  function start({ d, s }: Dispatch): SessionStarted | undefined {
    const ready = readyPayload.safeParse(d);
    self = readSelf(d) ?? self;
    if (!ready.success || !self) return undefined;
    const { session_id: sessionId, resume_gateway_url: resumeUrl } = ready.data;
    const session: GatewaySession = { sessionId, resumeUrl, seq: s };
    return { kind: "session_started", session, self };
  }

  /** The event of a dispatch; one that does not fit is passed over. */
  function decoded(decode: Decode, dispatch: Dispatch): InboundEvent | undefined {
    const event = decode(dispatch, { accountId, self, index });
    if (event?.kind !== "problem") return event;
    passOver({ type: dispatch.t, why: event.why });
    return undefined;
  }

  /** Folds a READY, or a dispatch about a guild, into the index. */
  function updateIndex(dispatch: Dispatch, { events, changed }: Reading): void {
    const guild = self && joinedGuild(dispatch, index, dropped);
    if (guild) events.push({ kind: "guild_joined", guild });
    const folded = applyDispatch(index, dispatch, self?.userId);
    index = folded.index;
    for (const id of folded.changed) changed.add(id);
    const guildId = guildWithChangedPermissions(dispatch, self?.userId);
    if (guildId) events.push({ kind: "permissions_changed", guildId });
    if (dispatch.t === "READY" && folded.problem === undefined) {
      const left = guildsLeft(readyPayload.parse(dispatch.d), dropped);
      for (const id of left) changed.add(id);
      dropped = dropped.filter((id) => !left.includes(id) && !index.has(id));
    }
    if (folded.problem !== undefined) passOver({ type: dispatch.t, why: folded.problem });
  }

  return {
    read({ shardId, ticket, seq, text, afterHole }) {
      const reading: Reading = { events: [], changed: new Set() };
      const { events, changed } = reading;
      for (const dispatch of parseDispatches(text, passOver)) {
        const decode = DECODERS.get(dispatch.t);
        if (decode) add(decoded(decode, dispatch), events);
        else {
          if (dispatch.t === "READY") add(start(dispatch), events);
          updateIndex(dispatch, reading);
        }
      }
      return {
        accountId,
        shardId,
        ticket,
        ...(afterHole && { afterHole }),
        seq,
        bytes: text.length,
        events: withoutLeft(events, index),
        guilds: Array.from(changed, (guildId) => {
          const guild = index.get(guildId);
          return guild ? snapshotOf(guild) : { guildId, text: undefined };
        }),
      };
    },
    get self() {
      return self;
    },
    get index() {
      return index;
    },
    get isComplete() {
      return dropped.length === 0;
    },
    get problems() {
      return problems;
    },
  };
}

function add(event: InboundEvent | undefined, events: InboundEvent[]): void {
  if (event) events.push(event);
}

/** Without guilds that the bot has joined and left again, or joined twice, within one batch. */
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

function parseDispatches(text: string, passOver: (problem: ReadProblem) => void): Dispatch[] {
  return parseItems(text, passOver).filter((item): item is Dispatch => {
    if (isDispatch(item)) return true;
    passOver({ type: "unknown", why: "no dispatch" });
    return false;
  });
}

/** What a batch holds. Nobody has parsed it before: if a text is no JSON, each is tried alone. */
function parseItems(text: string, passOver: (problem: ReadProblem) => void): readonly unknown[] {
  const batch = parseJson(text);
  if (batch !== undefined) {
    if (!Array.isArray(batch)) throw new TypeError("A batch is no JSON array");
    return batch;
  }
  const items: unknown[] = [];
  for (const itemText of text.slice(1, -1).split(SEPARATOR)) {
    const item = parseJson(itemText);
    if (item === undefined) passOver({ type: "unknown", why: "no JSON" });
    else items.push(item);
  }
  return items;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // its message quotes the text, which may hold people's words
  }
}

/** Checked by hand, as are plain messages: a schema that copies each costs as much as parsing. */
function isDispatch(item: unknown): item is Dispatch {
  return typeof item === "object" && item !== null && "t" in item && typeof item.t === "string" &&
    "s" in item && typeof item.s === "number";
}
