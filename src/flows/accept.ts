/**
 * A batch from the gateway: decide each message, store all, start what must start.
 *
 * The gateway's sequence number is committed with the messages that it covers,
 * so a message is either stored or will be sent again. Chatter that nobody
 * answers waits a moment for company, since a transaction costs the same for
 * one row as for fifty; a message that is to be answered waits for nothing.
 *
 * @module
 */

import type { AccountId, ChannelId } from "../core/ids.ts";
import type { Accepted, AcceptedBatch, Echo, Judged, Route } from "../core/inbox.ts";
import type {
  GatewaySession,
  GuildSnapshot,
  InboundBatch,
  InboundMessage,
  Self,
} from "../core/inbound.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Log } from "../lib/log.ts";
import type { Schedule } from "../lib/schedule.ts";

/** What this flow needs of the store; each method is one transaction. */
export interface AcceptStore {
  /** T0: a new gateway session, and that the one before it is lost. */
  startGatewaySession(
    accountId: AccountId,
    session: GatewaySession,
    self: Self,
    now: number,
  ): Promise<void>;
  /**
   * T1. A message that is there already stays as it is, verdict and all.
   *
   * @param arrivedAt Unix time in milliseconds: when the gateway was heard.
   */
  acceptBatch(batch: AcceptedBatch, arrivedAt: number): Promise<Accepted>;
}

export interface AcceptPorts {
  readonly store: AcceptStore;
  readonly admit: (message: InboundMessage) => Verdict;
  readonly route: (message: InboundMessage) => Route;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
  readonly log: Log;
  /** The store holds every batch up to the one with this ticket. */
  readonly committed: (ticket: number) => void;
  /** Messages wait for a turn. */
  readonly onAccepted: () => void;
  /** Rows of the outbox were settled by their echo, in these channels. */
  readonly onSettled: (channels: readonly ChannelId[]) => void;
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

/** Takes batches in the order in which the gateway sent them. */
export interface Acceptor {
  accept(batch: InboundBatch): void;
  /** Stores what waits, and resolves once it is stored; rejects if the store refuses it. */
  flush(): Promise<void>;
}

/** Rows of one transaction that only wait for company, at most. */
const MAX_IDLE_ROWS = 50;
/** How long such rows wait, in milliseconds. */
const IDLE_MS = 250;
/** How long until a store that refused is asked again, in milliseconds. */
const RETRY_MS = 5_000;

/** What waits for one T1, with the T0 that must come before it. */
interface Unit {
  /** Gone once T0 is stored: a session begins once. */
  started: InboundBatch["started"];
  readonly accountId: AccountId;
  seq: number;
  ticket: number;
  /** Unix time in milliseconds at which the last of it arrived. */
  arrivedAt: number;
  readonly judged: Judged[];
  readonly echoes: Echo[];
  readonly guilds: GuildSnapshot[];
}

export function createAcceptor(ports: AcceptPorts): Acceptor {
  const units: Unit[] = [];
  /** Ends the wait of what is idle, or of what the store refused. */
  let callOff: (() => void) | undefined;
  let committing: Promise<void> | undefined;

  function accept(batch: InboundBatch): void {
    const unit = unitFor(units, batch, ports.now());
    let isUrgent = batch.started !== undefined;
    unit.guilds.push(...batch.guilds);
    for (const event of batch.events) {
      if (event.kind === "own_message") {
        if (event.nonce) unit.echoes.push({ nonce: event.nonce, messageId: event.id });
        continue;
      }
      const judged = judge(event, ports);
      unit.judged.push(judged);
      isUrgent ||= judged.route !== undefined;
    }
    if (isUrgent || unit.judged.length >= MAX_IDLE_ROWS) start();
    else callOff ??= ports.schedule(start, IDLE_MS);
  }

  /** Begins to commit; what the store refused is asked for again. */
  function start(): void {
    commitAll().catch((error: unknown) => {
      ports.log.error("Cannot store what arrived; will try again", { error });
    });
  }

  function commitAll(): Promise<void> {
    callOff?.();
    callOff = undefined;
    committing ??= commitUnits(units, ports).catch((error: unknown) => {
      callOff ??= ports.schedule(start, RETRY_MS);
      throw error;
    }).finally(() => {
      committing = undefined;
      if (units.length > 0 && !callOff) start(); // came between the last look and here
    });
    return committing;
  }

  return {
    accept,
    async flush() {
      while (units.length > 0 || committing) await commitAll();
    },
  };
}

function judge(message: InboundMessage, { admit, route, log }: AcceptPorts): Judged {
  const verdict = admit(message);
  if (verdict.kind === "accept") return { message, verdict, route: route(message) };
  const { id: messageId, channelId, sender: { id: authorId } } = message;
  const { why, rule } = verdict;
  log.debug("A message is not answered", { messageId, channelId, authorId, why, rule });
  return { message, verdict };
}

/** A new gateway session counts from its own start, so it begins a unit of its own. */
function unitFor(
  units: Unit[],
  { started, accountId, seq, ticket }: InboundBatch,
  arrivedAt: number,
): Unit {
  const last = units.at(-1);
  if (last && !started && last.accountId === accountId) {
    last.seq = Math.max(last.seq, seq); // a RESUME begins again below what has arrived
    return Object.assign(last, { ticket, arrivedAt });
  }
  const empty = { judged: [], echoes: [], guilds: [] };
  const unit: Unit = { started, accountId, seq, ticket, arrivedAt, ...empty };
  units.push(unit);
  return unit;
}

/** Oldest first. What is being stored leaves the queue, and comes back if it was refused. */
async function commitUnits(units: Unit[], ports: AcceptPorts): Promise<void> {
  for (let unit = units.shift(); unit; unit = units.shift()) {
    try {
      await commit(unit, ports);
    } catch (error) {
      units.unshift(unit);
      throw error;
    }
  }
}

async function commit(unit: Unit, ports: AcceptPorts): Promise<void> {
  const { store, now } = ports;
  const { started, accountId, seq, ticket, arrivedAt, judged, echoes, guilds } = unit;
  if (started) await store.startGatewaySession(accountId, started.session, started.self, arrivedAt);
  unit.started = undefined;
  const begunAt = now();
  const batch = { accountId, seq, judged, echoes, guilds };
  const { accepted, settled, settledIn } = await store.acceptBatch(batch, arrivedAt);
  ports.committed(ticket);
  if (accepted > 0) ports.onAccepted();
  if (settled > 0) ports.onSettled(settledIn);
  const ms = Math.max(0, now() - begunAt);
  ports.onStored({ judged: judged.length, accepted, settled, ms });
}
