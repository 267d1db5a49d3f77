/**
 * Takes batches from the gateway: judges each message, and decides when to store them.
 *
 * `units.ts` stores them. Chatter without an answer waits a moment for company, since a transaction
 * costs the same for one row as for fifty. A message that is answered, or may yet be, waits for
 * nothing.
 *
 * @module
 */

import { type Accepted, type Echo, NOTHING_ACCEPTED } from "../../core/inbound/inbox.ts";
import { type EventHandlers, handleEvent, type InboundBatch } from "../../core/inbound/events.ts";
import type { InboundMessage, OwnMessage, PostedMessage } from "../../core/inbound/inbound.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { type JudgePorts, toJudged } from "./judged.ts";
import {
  type AcceptStore,
  commitUnits,
  storeBatch,
  type Stored,
  type Unit,
  unitFor,
  type UnitPorts,
} from "./units.ts";

export type { AcceptStore, Stored };

export interface AcceptPorts extends JudgePorts, UnitPorts {
  readonly schedule: Schedule;
  /** What is done at once about an event, beside what is stored of it. */
  readonly on: Omit<EventHandlers, "session_started" | "message">;
}

/** Takes batches in the order in which the gateway sent them. */
export interface Acceptor {
  accept(batch: InboundBatch): void;
  /**
   * Takes what was found in a channel's history, in one T1: it goes the way of live messages, once,
   * and says nothing of how far the gateway was heard.
   *
   * @param events Of one account, oldest first.
   * @param judgeAs What becomes of a verdict here.
   */
  found(
    events: readonly PostedMessage[],
    judgeAs?: (message: InboundMessage, verdict: Verdict) => Verdict,
  ): Promise<Accepted>;
  /** Stores what waits, and resolves once it is stored; rejects if the store refuses it. */
  flush(): Promise<void>;
}

/**
 * Chatter that waits for company, at most, in bytes of the gateway's text: some 1,000 messages. In a
 * flood it makes transactions that touch each page of the database once for many messages.
 */
const MAX_IDLE_BYTES = 1 << 20;
/** How long such rows wait, in milliseconds. */
const IDLE_MS = 250;
/** How long until a store that refused is asked again, in milliseconds. */
const RETRY_MS = 5_000;

export function createAcceptor(ports: AcceptPorts): Acceptor {
  const units: Unit[] = [];
  /** Ends the wait of what is idle, or of what the store refused. */
  let cancel: (() => void) | undefined;
  let committing: Promise<void> | undefined;

  function accept(batch: InboundBatch): void {
    const arrivedAt = ports.now();
    let unit: Unit | undefined;
    let isUrgent = false;
    const current = () => unit ??= unitFor(units, batch, arrivedAt);
    const handlers: EventHandlers = {
      ...ports.on,
      session_started(started) {
        unit = unitFor(units, batch, arrivedAt, started);
        isUrgent = true;
      },
      message(message) {
        const judged = toJudged(message, "live", ports);
        current().judged.push(judged);
        isUrgent ||= judged.route !== undefined;
      },
      own_message(message) {
        current().echoes.push({ ...toEcho(message), heardAt: arrivedAt });
        ports.on.own_message(message);
      },
    };
    for (const event of batch.events) handleEvent(event, handlers);
    const { guilds, bytes } = batch;
    const last = current();
    last.bytes += bytes;
    last.guilds.push(...guilds);
    if (isUrgent || last.bytes >= MAX_IDLE_BYTES) start();
    else cancel ??= ports.schedule(start, IDLE_MS);
  }

  /** Begins to commit; what the store refused is asked for again. */
  function start(): void {
    commitAll().catch((error: unknown) => {
      ports.log.error("Cannot store what arrived; will try again", { error });
    });
  }

  function commitAll(): Promise<void> {
    cancel?.();
    cancel = undefined;
    committing ??= commitUnits(units, ports).catch((error: unknown) => {
      cancel ??= ports.schedule(start, RETRY_MS);
      throw error;
    }).finally(() => {
      committing = undefined;
      if (units.length > 0 && !cancel) start(); // came between the last look and here
    });
    return committing;
  }

  return {
    accept,
    async found(events, judgeAs) {
      const [first] = events;
      if (!first) return NOTHING_ACCEPTED;
      const messages = events.filter((event) => event.kind === "message");
      const own = events.filter((event) => event.kind === "own_message");
      const stored = await storeBatch(
        {
          accountId: first.accountId,
          judged: messages.map((message) => toJudged(message, "found", ports, judgeAs)),
          // a history need not tell the nonces: without one there is nothing to settle
          echoes: own.filter(({ nonce }) => nonce !== undefined).map(toEcho),
          guilds: [],
        },
        ports.now(),
        ports,
      );
      return { ...stored, foreign: [] }; // who posted before we listened was not posting beside us
    },
    async flush() {
      while (units.length > 0 || committing) await commitAll();
    },
  };
}

function toEcho({ id: messageId, channelId, nonce }: OwnMessage): Echo {
  return { messageId, channelId, ...(nonce !== undefined && { nonce }) };
}
