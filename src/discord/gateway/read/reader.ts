/**
 * Batches of dispatches in, what they mean out.
 *
 * It holds the index of guilds and who we are, which every message is read
 * with. Both start from the store, because a RESUME brings neither again.
 *
 * @module
 */

import type { AccountId, GuildId, MessageId } from "../../../core/discord/ids.ts";
import type {
  GatewaySession,
  GuildSnapshot,
  InboundBatch,
  InboundEvent,
  Named,
  Press,
  Self,
} from "../../../core/inbound/inbound.ts";
import type { DispatchBatch } from "../link/protocol.ts";
import { SEPARATOR } from "../link/batches.ts";
import { decodeMessage, type DecodeProblem } from "./decode.ts";
import { decodePress } from "./decode_interaction.ts";
import { DELETED_TYPES, deletedBy } from "./deleted.ts";
import { type Dispatch, fold, FOLDED_TYPES, leftBy, readSelf } from "./fold.ts";
import { type GuildIndex, restore, snapshotOf } from "./guild_index.ts";
import { joinedBy } from "./joined.ts";
import { readyPayload } from "./payloads.ts";
import { MEMBER_UPDATE, permissionsChangedBy } from "./permission_changes.ts";

/** Types of the dispatches that are to leave the worker. */
export const READ_TYPES: readonly string[] = [
  ...FOLDED_TYPES,
  ...DELETED_TYPES,
  MEMBER_UPDATE,
  "MESSAGE_CREATE",
  "INTERACTION_CREATE",
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

/** What a batch has changed of what is known of guilds. */
interface Learned {
  readonly changed: Set<GuildId>;
  /** By their ids: a guild may be joined twice within a batch. */
  readonly joined: Map<GuildId, Named<GuildId>>;
  readonly regranted: Set<GuildId>;
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

  /** Who we are and the session that begins, where READY fits. */
  function start({ d, s }: Dispatch): InboundBatch["started"] {
    const ready = readyPayload.safeParse(d);
    self = readSelf(d) ?? self;
    if (!ready.success || !self) return undefined;
    const { session_id: sessionId, resume_gateway_url: resumeUrl } = ready.data;
    const session: GatewaySession = { sessionId, resumeUrl, seq: s };
    return { session, self };
  }

  function readMessage(d: unknown): InboundEvent | undefined {
    if (self) return passed("MESSAGE_CREATE", decodeMessage(d, { accountId, self, index }));
    passOver({ type: "MESSAGE_CREATE", why: "came before READY" });
    return undefined;
  }

  /** What fits; what does not is passed over. */
  function passed<Read extends object>(
    type: string,
    read: Read | DecodeProblem | undefined,
  ): Read | undefined {
    if (!read || !isProblem(read)) return read;
    passOver({ type, why: read.why });
    return undefined;
  }

  /** What a guild's own dispatch, or a READY, changes of what is known of guilds. */
  function learn(dispatch: Dispatch, { changed, joined, regranted }: Learned): void {
    const isNew = self && joinedBy(dispatch, index, dropped);
    if (isNew) joined.set(isNew.id, isNew);
    const folded = fold(index, dispatch, self?.userId);
    index = folded.index;
    for (const id of folded.changed) changed.add(id);
    const permitted = permissionsChangedBy(dispatch, self?.userId);
    if (permitted) regranted.add(permitted);
    if (dispatch.t === "READY" && folded.problem === undefined) {
      const left = leftBy(readyPayload.parse(dispatch.d), dropped);
      for (const id of left) changed.add(id);
      dropped = dropped.filter((id) => !left.includes(id) && !index.has(id));
    }
    if (folded.problem !== undefined) passOver({ type: dispatch.t, why: folded.problem });
  }

  return {
    read({ shardId, ticket, seq, text, afterHole }) {
      const events: InboundEvent[] = [];
      const presses: Press[] = [];
      const deleted: MessageId[] = [];
      const learned: Learned = { changed: new Set(), joined: new Map(), regranted: new Set() };
      let started: InboundBatch["started"];
      for (const dispatch of dispatchesIn(text, passOver)) {
        const { t, d } = dispatch;
        if (t === "MESSAGE_CREATE") {
          const event = readMessage(d);
          if (event) events.push(event);
        } else if (t === "INTERACTION_CREATE") {
          const press = passed(t, decodePress(d, { accountId, index }));
          if (press) presses.push(press);
        } else if (DELETED_TYPES.some((type) => type === t)) {
          deleted.push(...passed(t, deletedBy(dispatch)) ?? []);
        } else {
          if (t === "READY") started = start(dispatch) ?? started;
          learn(dispatch, learned);
        }
      }
      const { changed, regranted } = learned;
      const joined = [...learned.joined.values()].filter(({ id }) => index.has(id));
      return {
        accountId,
        shardId,
        ticket,
        ...(started && { started }),
        ...(afterHole && { afterHole }),
        seq,
        bytes: text.length,
        events,
        guilds: Array.from(changed, (guildId) => {
          const guild = index.get(guildId);
          return guild ? snapshotOf(guild) : { guildId, text: undefined };
        }),
        ...(regranted.size > 0 && { permissionsChanged: [...regranted] }),
        ...(presses.length > 0 && { presses }),
        ...(deleted.length > 0 && { deleted }),
        ...(joined.length > 0 && { joined }),
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

function isProblem(read: object): read is DecodeProblem {
  return "kind" in read && read.kind === "problem";
}

function dispatchesIn(text: string, passOver: (problem: ReadProblem) => void): Dispatch[] {
  return itemsIn(text, passOver).filter((item): item is Dispatch => {
    if (isDispatch(item)) return true;
    passOver({ type: "unknown", why: "no dispatch" });
    return false;
  });
}

/** What a batch holds. Nobody has parsed it before: if a text is no JSON, each is tried alone. */
function itemsIn(text: string, passOver: (problem: ReadProblem) => void): readonly unknown[] {
  const batch = parseJson(text);
  if (batch !== undefined) {
    if (!Array.isArray(batch)) throw new TypeError("A batch is no JSON array");
    return batch;
  }
  const items: unknown[] = [];
  for (const one of text.slice(1, -1).split(SEPARATOR)) {
    const item = parseJson(one);
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
