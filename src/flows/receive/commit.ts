/**
 * Stores units of events in the order of their arrival: T0, gaps and T1. Then it reports everything
 * that may begin.
 *
 * @module
 */

import type {
  Accepted,
  AcceptedBatch,
  Echo,
  Judged,
  MessageChange,
  WaitingRules,
} from "../../core/inbound/inbox.ts";
import type { Emits } from "../../core/account/events.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { InboundBatch, SessionStarted } from "../../core/inbound/events.ts";
import type { GuildSnapshot } from "../../core/inbound/inbound.ts";
import type { PairingService } from "../../core/inbound/pairing.ts";
import type { ReactionRecord } from "../../core/inbound/reactions.ts";
import type { GatewayRecords } from "../../core/store/gateway.ts";
import type { Batches } from "../../core/store/inbox.ts";
import type { Account } from "../../core/account/account.ts";

/** Everything that storing needs from outside. */
export interface CommitPorts extends
  Pick<Account, "now">,
  Emits<
    | "committed"
    | "stored"
    | "sessionDue"
    | "sessionStarting"
    | "sessionStarted"
    | "accepted"
    | "undecided"
    | "challenged"
    | "tooManyWait"
    | "touched"
    | "settled"
    | "foreign"
  > {
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
  ports.events.emit.committed(ticket);
  if (foreign.length > 0) ports.events.emit.foreign(foreign);
}

/**
 * Stores T0, or a gap within the current session.
 *
 * Guilds that READY has made outdated are stored before it. Otherwise a process that dies between
 * the two would resume after READY, and take its outdated guilds for current.
 */
async function begin(unit: Unit, { store, events }: CommitPorts): Promise<void> {
  const { started, accountId, shardId, beganAt, guilds } = unit;
  if (unit.afterHole) {
    events.emit.sessionDue(shardId); // turns wait for the missing messages: a new session follows
    await store.gateway.openGap(accountId, shardId, beganAt);
    unit.afterHole = undefined;
  }
  if (!started) return;
  events.emit.sessionStarting(shardId);
  if (guilds.length > 0) {
    await store.inbox.acceptBatch({ accountId, judged: [], echoes: [], guilds }, beganAt);
  }
  const { session, self } = started;
  await store.gateway.startSession(accountId, shardId, session, self, beganAt);
  unit.started = undefined;
  events.emit.sessionStarted(shardId);
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
  { store, pairing, waiting, now, events }: CommitPorts,
): Promise<Accepted> {
  const begunAt = now();
  const hasStranger = batch.judged.some(({ verdict }) => verdict.kind === "challenge");
  const mayWait = hasStranger || batch.judged.some(({ verdict }) => verdict.kind === "accept");
  const done = await store.inbox.acceptBatch(
    { ...batch, ...(hasStranger && { pairing }), ...(mayWait && { waiting: waiting() }) },
    arrivedAt,
  );
  const { accepted, undecided, challenged, refusedIn, settled, settledIn, touched } = done;
  if (touched.length > 0) events.emit.touched(done);
  if (accepted.length > 0) events.emit.accepted(accepted);
  if (undecided.length > 0) events.emit.undecided(undecided);
  if (challenged.length > 0) events.emit.challenged(challenged);
  if (refusedIn.length > 0) events.emit.tooManyWait(refusedIn);
  if (settled > 0) events.emit.settled(settledIn);
  const ms = Math.max(0, now() - begunAt);
  events.emit.stored({ judged: batch.judged.length, accepted: accepted.length, settled, ms });
  return done;
}
