/**
 * Batches of dispatches in, what they mean out.
 *
 * It holds the index of guilds and who we are, which every message is read
 * with. Both start from the store, because a RESUME brings neither again.
 *
 * @module
 */

import type { AccountId, GuildId } from "../../core/ids.ts";
import type {
  GatewaySession,
  GuildSnapshot,
  InboundBatch,
  InboundEvent,
  Self,
} from "../../core/inbound.ts";
import type { DispatchBatch } from "./protocol.ts";
import { decodeMessage } from "./decode.ts";
import { type Dispatch, fold, FOLDED_TYPES, leftBy, readSelf } from "./fold.ts";
import { type GuildIndex, restore, snapshotOf } from "./guild_index.ts";
import { dispatchPayload, readyPayload } from "./payloads.ts";
import { MEMBER_UPDATE, permissionsChangedBy } from "./permission_changes.ts";

/** Types of the dispatches that are to leave the worker. */
export const READ_TYPES: readonly string[] = [...FOLDED_TYPES, MEMBER_UPDATE, "MESSAGE_CREATE"];

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
    if (!self) {
      passOver({ type: "MESSAGE_CREATE", why: "came before READY" });
      return undefined;
    }
    const event = decodeMessage(d, { accountId, self, index });
    if (event?.kind !== "problem") return event;
    passOver({ type: "MESSAGE_CREATE", why: event.why });
    return undefined;
  }

  return {
    read({ shardId, ticket, seq, text }) {
      const events: InboundEvent[] = [];
      const changed = new Set<GuildId>();
      const permissionsChanged = new Set<GuildId>();
      let started: InboundBatch["started"];
      for (const dispatch of dispatchesIn(text, passOver)) {
        if (dispatch.t === "MESSAGE_CREATE") {
          const event = readMessage(dispatch.d);
          if (event) events.push(event);
          continue;
        }
        if (dispatch.t === "READY") started = start(dispatch) ?? started;
        const folded = fold(index, dispatch, self?.userId);
        index = folded.index;
        for (const id of folded.changed) changed.add(id);
        const regranted = permissionsChangedBy(dispatch, self?.userId);
        if (regranted) permissionsChanged.add(regranted);
        if (dispatch.t === "READY" && folded.problem === undefined) {
          const left = leftBy(readyPayload.parse(dispatch.d), dropped);
          for (const id of left) changed.add(id);
          dropped = dropped.filter((id) => !left.includes(id) && !index.has(id));
        }
        if (folded.problem !== undefined) passOver({ type: dispatch.t, why: folded.problem });
      }
      return {
        accountId,
        shardId,
        ticket,
        ...(started && { started }),
        seq,
        events,
        guilds: Array.from(changed, (guildId) => {
          const guild = index.get(guildId);
          return guild ? snapshotOf(guild) : { guildId, text: undefined };
        }),
        ...(permissionsChanged.size > 0 && { permissionsChanged: [...permissionsChanged] }),
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

/** The worker has parsed each of them once, so a text that is no JSON is a fault of ours. */
function dispatchesIn(text: string, passOver: (problem: ReadProblem) => void): Dispatch[] {
  const batch: unknown = JSON.parse(text);
  if (!Array.isArray(batch)) throw new TypeError("A batch is no JSON array");
  return batch.flatMap((item: unknown) => {
    const dispatch = dispatchPayload.safeParse(item);
    if (dispatch.success) return [{ ...dispatch.data, d: dispatch.data.d }];
    passOver({ type: "unknown", why: "no dispatch" });
    return [];
  });
}
