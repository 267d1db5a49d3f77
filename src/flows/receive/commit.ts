/**
 * Stores units of events in the order of their arrival: T0, gaps and T1. Then it reports everything
 * that may begin.
 *
 * @module
 */

import type {
  Accepted,
  AcceptedBatch,
  Changed,
  Echo,
  Foreign,
  Judged,
  MessageChange,
} from "../../core/inbound/inbox.ts";
import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { InboundBatch, SessionStarted } from "../../core/inbound/events.ts";
import type { GuildSnapshot } from "../../core/inbound/inbound.ts";
import type { PairingRequest, PairingService } from "../../core/inbound/pairing.ts";
import type { ReactionRecord } from "../../core/inbound/reactions.ts";
import type { WaitingRules } from "../../core/inbound/waiting_turns.ts";
import type { GatewayRecords } from "../../core/store/gateway.ts";
import type { Batches } from "../../core/store/inbox.ts";
import type { Account } from "../../core/account/account.ts";

/** Everything that storing needs from outside. The callbacks must not throw. */
export interface CommitPorts extends Pick<Account, "now"> {
  /** The store's methods for this flow; each is one transaction. */
  readonly store: {
    /** Gateway sessions and gaps. */
    readonly gateway: Pick<GatewayRecords, "startSession" | "openGap">;
    /** Messages with their verdicts. */
    readonly inbox: Batches;
  };
  /** Makes codes for unpaired senders, within the transaction that stores their messages (P3). */
  readonly pairing: PairingService;
  /** Returns the current limits of waiting turns, which apply within that transaction (X4). */
  readonly waiting: () => WaitingRules;
  /** Tells that every batch up to the one with this ticket is stored. */
  readonly committed: (ticket: number) => void;
  /** Tells that a shard's session lacks events, so a new session will follow. */
  readonly onSessionDue: (shardId: number) => void;
  /** Tells that a shard's new session is about to be stored (T0). */
  readonly onSessionStarting: (shardId: number) => void;
  /**
   * Tells that it is stored, together with its gap if there is one. Its events are not stored yet.
   */
  readonly onSessionStarted: (shardId: number) => void;
  /** Tells which messages now wait for a turn. */
  readonly onAccepted: (accepted: readonly Judged[]) => void;
  /** Tells which messages wait for a fact (P13). */
  readonly onUndecided: (undecided: readonly Judged[]) => void;
  /** Tells which unpaired senders got a code. */
  readonly onChallenged: (requests: readonly PairingRequest[]) => void;
  /** Tells in which channels a notice about waiting turns is to be sent. */
  readonly onRefused: (channels: readonly ChannelId[]) => void;
  /** Tells which waiting and running messages have changed or lost their turn (H6, S5). */
  readonly onTouched: (changed: Changed) => void;
  /** Tells in which channels an echo settled rows of the outbox. */
  readonly onSettled: (channels: readonly ChannelId[]) => void;
  /** Tells of live messages by our own user that this store did not send (G11). */
  readonly onForeign: (found: readonly Foreign[]) => void;
  /** Gets the figures of each T1, for the metrics. */
  readonly onStored: (stored: Stored) => void;
}

/** Figures of one T1. */
export interface Stored {
  /** Messages, including those that the store had already. */
  readonly judged: number;
  /** Messages that now wait for a turn. */
  readonly accepted: number;
  /** Rows of the outbox that an echo settled. */
  readonly settled: number;
  /** Duration of the transaction in milliseconds. */
  readonly ms: number;
}

/** Events that wait for one T1, with the T0 that must come before it. */
export interface Unit {
  /** The session to store by T0; cleared once it is stored, since a session begins once. */
  started: SessionStarted | undefined;
  /** Set if a gap precedes the events; cleared once it is stored. */
  afterHole: InboundBatch["afterHole"];
  /** The account that received the events. */
  readonly accountId: AccountId;
  /** The shard that received the events. */
  readonly shardId: number;
  /** Sequence number up to which the unit covers the shard's events. */
  seq: number;
  /** Ticket of the unit's last batch. */
  ticket: number;
  /**
   * Unix time in milliseconds at which its first batch arrived. A session or a gap begins then, and
   * not when the store accepts it: otherwise a later gap would begin after events that were lost.
   */
  readonly beganAt: number;
  /** Unix time in milliseconds at which its last batch arrived. */
  arrivedAt: number;
  /** Length of the gateway's text, in UTF-16 units. */
  bytes: number;
  /** Messages with their verdicts. */
  readonly judged: Judged[];
  /** Our own messages. */
  readonly echoes: Echo[];
  /** Edits and deletions. */
  readonly changes: MessageChange[];
  /** Permitted reactions. */
  readonly reactions: ReactionRecord[];
  /** Guilds whose stored state changes. */
  readonly guilds: GuildSnapshot[];
}

/**
 * Stores units, oldest first, and removes each from the list. A unit that the store refuses goes
 * back to the front.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
export async function commitUnits(units: Unit[], ports: CommitPorts): Promise<void> {
  for (let unit = units.shift(); unit; unit = units.shift()) {
    try {
      await commit(unit, ports);
    } catch (error) {
      units.unshift(unit);
      throw error;
    }
  }
}

async function commit(unit: Unit, ports: CommitPorts): Promise<void> {
  const { accountId, shardId, seq, ticket, arrivedAt, judged, echoes, changes, reactions, guilds } =
    unit;
  await begin(unit, ports);
  const batch = {
    accountId,
    heard: { shardId, seq },
    judged,
    echoes,
    changes: changes.length > 0 ? changes : undefined,
    guilds,
    reactions: reactions.length > 0 ? reactions : undefined,
  };
  const { foreign } = await storeBatch(batch, arrivedAt, ports);
  ports.committed(ticket);
  if (foreign.length > 0) ports.onForeign(foreign);
}

/**
 * Stores T0, or a gap within the current session.
 *
 * Guilds that READY has made outdated are stored before it. Otherwise a process that dies between
 * the two would resume after READY, and take its outdated guilds for current.
 */
async function begin(unit: Unit, { store, ...ports }: CommitPorts): Promise<void> {
  const { started, accountId, shardId, beganAt, guilds } = unit;
  if (unit.afterHole) {
    ports.onSessionDue(shardId); // turns wait for the missing messages: a new session follows
    await store.gateway.openGap(accountId, shardId, beganAt);
    unit.afterHole = undefined;
  }
  if (!started) return;
  ports.onSessionStarting(shardId);
  if (guilds.length > 0) {
    await store.inbox.acceptBatch({ accountId, judged: [], echoes: [], guilds }, beganAt);
  }
  const { session, self } = started;
  await store.gateway.startSession(accountId, shardId, session, self, beganAt);
  unit.started = undefined;
  ports.onSessionStarted(shardId);
}

/**
 * Stores one batch (T1), and reports everything that may begin.
 *
 * @param arrivedAt Unix time in milliseconds.
 * @throws {unknown} The store's error, as a rejection.
 */
export async function storeBatch(
  batch: AcceptedBatch,
  arrivedAt: number,
  { store, pairing, waiting, now, ...on }: CommitPorts,
): Promise<Accepted> {
  const begunAt = now();
  const hasStranger = batch.judged.some(({ verdict }) => verdict.kind === "challenge");
  const mayWait = hasStranger || batch.judged.some(({ verdict }) => verdict.kind === "accept");
  const done = await store.inbox.acceptBatch(
    { ...batch, ...(hasStranger && { pairing }), ...(mayWait && { waiting: waiting() }) },
    arrivedAt,
  );
  const { accepted, undecided, challenged, refusedIn, settled, settledIn, touched } = done;
  if (touched.length > 0) on.onTouched(done);
  if (accepted.length > 0) on.onAccepted(accepted);
  if (undecided.length > 0) on.onUndecided(undecided);
  if (challenged.length > 0) on.onChallenged(challenged);
  if (refusedIn.length > 0) on.onRefused(refusedIn);
  if (settled > 0) on.onSettled(settledIn);
  const ms = Math.max(0, now() - begunAt);
  on.onStored({ judged: batch.judged.length, accepted: accepted.length, settled, ms });
  return done;
}
