/**
 * Stores what batches of the gateway brought, in units of one transaction, and starts what follows.
 *
 * The gateway's sequence number is committed with the messages that it covers,
 * so a message is either stored or will be sent again.
 *
 * @module
 */

import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { Accepted, AcceptedBatch, Echo, Foreign, Judged } from "../../core/inbound/inbox.ts";
import type { InboundBatch, SessionStarted } from "../../core/inbound/events.ts";
import type { GatewaySession, GuildSnapshot, Self } from "../../core/inbound/inbound.ts";
import type { PairingRequest, PairingService } from "../../core/inbound/pairing.ts";

/** What this flow needs of the store; each method is one transaction. */
export interface AcceptStore {
  readonly gateway: {
    /**
     * T0: a new gateway session, and that the one before it is lost.
     *
     * @param now Unix time in milliseconds.
     */
    startSession(
      accountId: AccountId,
      shardId: number,
      session: GatewaySession,
      self: Self,
      now: number,
    ): Promise<void>;
    /**
     * Notes that what came before the events of a shard that follow may have been missed.
     *
     * @param now Unix time in milliseconds.
     */
    openGap(accountId: AccountId, shardId: number, now: number): Promise<void>;
  };
  readonly inbox: {
    /**
     * T1. A message that is there already stays as it is, verdict and all.
     *
     * @param arrivedAt Unix time in milliseconds: when the batch came.
     */
    acceptBatch(batch: AcceptedBatch, arrivedAt: number): Promise<Accepted>;
  };
}

export interface UnitPorts {
  readonly store: AcceptStore;
  /** Gives codes to strangers, within the transaction that stores what they wrote (P3). */
  readonly pairing: PairingService;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** The store holds every batch up to the one with this ticket. */
  readonly committed: (ticket: number) => void;
  /** A shard's session lacks events: a new one is due. */
  readonly onSessionDue: (shardId: number) => void;
  /** A shard's new session is about to be stored (T0). */
  readonly onSessionStarting: (shardId: number) => void;
  /** It is stored, and with it whether something was missed; its events are not yet. */
  readonly onSessionStarted: (shardId: number) => void;
  /** These messages wait for a turn now. */
  readonly onAccepted: (accepted: readonly Judged[]) => void;
  /** These messages wait for a fact (P13). */
  readonly onUndecided: (undecided: readonly Judged[]) => void;
  /** These strangers were told a code. */
  readonly onChallenged: (requests: readonly PairingRequest[]) => void;
  /** Rows of the outbox were settled by their echo, in these channels. */
  readonly onSettled: (channels: readonly ChannelId[]) => void;
  /** Messages came live that are ours and that this store did not send (G11). */
  readonly onForeign: (found: readonly Foreign[]) => void;
  /** Told of each T1, for the metrics. */
  readonly onStored: (stored: Stored) => void;
}

/** What one T1 stored. */
export interface Stored {
  /** Messages, those that were there already among them. */
  readonly judged: number;
  /** Those that now wait for a turn. */
  readonly accepted: number;
  /** Rows of the outbox that an echo settled. */
  readonly settled: number;
  readonly ms: number;
}

/** Events that wait for one T1, with the T0 that must come before it. */
export interface Unit {
  /** Gone once T0 is stored: a session begins once. */
  started: SessionStarted | undefined;
  /** The same of a gap before it. */
  afterHole: InboundBatch["afterHole"];
  readonly accountId: AccountId;
  readonly shardId: number;
  seq: number;
  ticket: number;
  /** Unix time in milliseconds at which the last of it arrived. */
  arrivedAt: number;
  /** Length of the gateway's text that it came from. */
  bytes: number;
  readonly judged: Judged[];
  readonly echoes: Echo[];
  readonly guilds: GuildSnapshot[];
}

/** A new gateway session counts from its own start, and so does each shard: a unit of its own. */
export function unitFor(
  units: Unit[],
  { afterHole, accountId, shardId, seq, ticket }: InboundBatch,
  arrivedAt: number,
  started?: SessionStarted,
): Unit {
  const last = units.at(-1);
  const isNew = started !== undefined || afterHole !== undefined;
  if (last && !isNew && last.accountId === accountId && last.shardId === shardId) {
    last.seq = Math.max(last.seq, seq); // a RESUME begins again below what has arrived
    return Object.assign(last, { ticket, arrivedAt });
  }
  const empty = { bytes: 0, judged: [], echoes: [], guilds: [] };
  const unit: Unit = { started, afterHole, accountId, shardId, seq, ticket, arrivedAt, ...empty };
  units.push(unit);
  return unit;
}

/** Oldest first. What is being stored leaves the queue, and comes back if it was refused. */
export async function commitUnits(units: Unit[], ports: UnitPorts): Promise<void> {
  for (let unit = units.shift(); unit; unit = units.shift()) {
    try {
      await commit(unit, ports);
    } catch (error) {
      units.unshift(unit);
      throw error;
    }
  }
}

async function commit(unit: Unit, ports: UnitPorts): Promise<void> {
  const { accountId, shardId, seq, ticket, arrivedAt, judged, echoes, guilds } = unit;
  await begin(unit, ports);
  const batch = { accountId, heard: { shardId, seq }, judged, echoes, guilds };
  const { foreign } = await storeBatch(batch, arrivedAt, ports);
  ports.committed(ticket);
  if (foreign.length > 0) ports.onForeign(foreign);
}

/**
 * T0, or a gap in the session that there is. Which guilds the READY has made old is stored before
 * it: a process that dies between the two resumes behind the READY, and would take what is known of
 * them for new.
 */
async function begin(unit: Unit, { store, ...ports }: UnitPorts): Promise<void> {
  const { started, accountId, shardId, arrivedAt, guilds } = unit;
  if (unit.afterHole) {
    ports.onSessionDue(shardId); // turns wait for what is missing: a new session follows
    await store.gateway.openGap(accountId, shardId, arrivedAt);
    unit.afterHole = undefined;
  }
  if (!started) return;
  ports.onSessionStarting(shardId);
  if (guilds.length > 0) {
    await store.inbox.acceptBatch({ accountId, judged: [], echoes: [], guilds }, arrivedAt);
  }
  const { session, self } = started;
  await store.gateway.startSession(accountId, shardId, session, self, arrivedAt);
  unit.started = undefined;
  ports.onSessionStarted(shardId);
}

/** T1, and what starts with it. */
export async function storeBatch(
  batch: AcceptedBatch,
  arrivedAt: number,
  { store, pairing, now, onAccepted, onUndecided, onChallenged, onSettled, onStored }: UnitPorts,
): Promise<Accepted> {
  const begunAt = now();
  const hasStranger = batch.judged.some(({ verdict }) => verdict.kind === "challenge");
  const done = await store.inbox.acceptBatch(
    { ...batch, ...(hasStranger && { pairing }) },
    arrivedAt,
  );
  const { accepted, undecided, challenged, settled, settledIn } = done;
  if (accepted.length > 0) onAccepted(accepted);
  if (undecided.length > 0) onUndecided(undecided);
  if (challenged.length > 0) onChallenged(challenged);
  if (settled > 0) onSettled(settledIn);
  const ms = Math.max(0, now() - begunAt);
  onStored({ judged: batch.judged.length, accepted: accepted.length, settled, ms });
  return done;
}
