/**
 * Accepts batches from the gateway: judges each message, and stores all of them.
 *
 * The gateway's sequence number is stored with the messages up to it. So a message is either
 * stored, or Discord will send it again. Messages that need no answer wait a moment for others,
 * since a transaction costs the same for one row as for fifty. A message that gets an answer, or
 * may get one, waits for nothing.
 *
 * @module
 */

import {
  type Accepted,
  type Echo,
  type MessageChange,
  NOTHING_ACCEPTED,
} from "../../core/inbound/inbox.ts";
import {
  type EventHandlers,
  handleEvent,
  type InboundBatch,
  type SessionStarted,
} from "../../core/inbound/events.ts";
import type { InboundMessage, OwnMessage, PostedMessage } from "../../core/inbound/inbound.ts";
import type { PermittedReaction, Reaction } from "../../core/inbound/reactions.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import { type CommitPorts, commitUnits, storeBatch, type Unit } from "./commit.ts";
import { judgeMessage, type JudgePorts } from "./judge_message.ts";
import type { Account } from "../../core/account/account.ts";

/** Takes batches in the order in which the gateway sent them. */
export interface Acceptor {
  /**
   * Judges a batch's messages, handles its other events in their order, and stores it soon. Retries
   * if the store fails. Handlers must not throw.
   */
  accept(batch: InboundBatch): void;
  /**
   * Stores messages from a channel's history, in one T1. They count as live messages, once, and do
   * not change the shard's sequence number.
   *
   * @param events Events of one account, oldest first.
   * @param judgeAs Replaces the policy's verdict; default: keeps it.
   * @throws {unknown} The store's error, as a rejection.
   */
  acceptHistory(
    events: readonly PostedMessage[],
    judgeAs?: (message: InboundMessage, verdict: Verdict) => Verdict,
  ): Promise<Accepted>;
  /**
   * Stores everything that waits, and resolves once it is stored.
   *
   * @throws {unknown} The store's error, as a rejection.
   */
  flush(): Promise<void>;
}

/**
 * Maximum size of waiting messages, in UTF-16 units of the gateway's text: some 1,000 messages. In
 * a flood, a transaction then touches each page of the database once for many messages.
 */
const MAX_IDLE_BYTES = 1 << 20;
/** Milliseconds for which such messages wait. */
const IDLE_MS = 250;
/** Milliseconds before the next attempt to store. */
const RETRY_MS = 5_000;

/**
 * Creates an acceptor for all shards of one account. The function is longer than most, because its
 * inner functions share one state: the batches that wait to be stored.
 */
export function createAcceptor(
  ports: Pick<Account, "schedule"> & JudgePorts & CommitPorts & {
    /** Handles events at once, apart from storing them. */
    readonly on: Omit<
      EventHandlers,
      "session_started" | "message" | "message_edited" | "reaction" | "reactions_cleared"
    >;
    /** Judges a reaction by the current policy; `undefined` if it does not permit it (H5). */
    readonly permitReaction: (reaction: Reaction) => PermittedReaction | undefined;
  },
): Acceptor {
  const units: Unit[] = [];
  /** Cancels the timer of waiting messages, or of the next attempt to store. */
  let cancel: (() => void) | undefined;
  let committing: Promise<void> | undefined;

  function accept(batch: InboundBatch): void {
    const { arrivedAt } = batch;
    let unit: Unit | undefined;
    let isUrgent = false;
    const current = () => unit ??= unitFor(units, batch);
    const handlers: EventHandlers = {
      ...ports.on,
      session_started(started) {
        if (unit) throw new TypeError("READY must be the first event of its batch");
        unit = unitFor(units, batch, started);
        isUrgent = true;
      },
      message(message) {
        const judged = judgeMessage(message, "live", ports);
        current().judged.push(judged);
        isUrgent ||= judged.route !== undefined;
      },
      message_edited({ message }) {
        // Not live: an edit is no turn of a conversation. Storing it must not wait for others,
        // because its turn may run.
        const { verdict } = ports.judge(message, "not_live");
        current().changes.push({ kind: "edited", message, verdict });
        isUrgent = true;
      },
      messages_deleted(event) {
        const { channelId, messageIds } = event;
        current().changes.push({ kind: "deleted", channelId, messageIds });
        isUrgent = true;
        ports.on.messages_deleted(event);
      },
      own_message(message) {
        current().echoes.push({ ...toEcho(message), heardAt: arrivedAt });
        ports.on.own_message(message);
      },
      reaction(reaction) {
        const permitted = ports.permitReaction(reaction);
        if (permitted) current().reactions.push(permitted);
      },
      reactions_cleared: (cleared) => void current().reactions.push(cleared),
    };
    for (const event of batch.events) handleEvent(event, handlers);
    const last = current();
    last.bytes += batch.bytes;
    last.guilds.push(...batch.guilds);
    if (isUrgent || last.bytes >= MAX_IDLE_BYTES) start();
    else cancel ??= ports.schedule(start, IDLE_MS);
  }

  /** Begins to store. If the store fails, it tries again later. */
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
      if (units.length > 0 && !cancel) start(); // added after the last check
    });
    return committing;
  }

  return {
    accept,
    async acceptHistory(events, judgeAs) {
      const [first] = events;
      if (!first) return NOTHING_ACCEPTED;
      const messages = events.filter((event) => event.kind === "message");
      const judged = messages.map((message) => judgeMessage(message, "not_live", ports, judgeAs));
      // Catch-up may find messages that the store had before an edit.
      const changes = judged.flatMap((
        { message, policyVerdict, verdict },
      ): readonly MessageChange[] =>
        message.revision > 0 ? [{ kind: "edited", message, verdict: policyVerdict ?? verdict }] : []
      );
      const own = events.filter((event) => event.kind === "own_message");
      const stored = await storeBatch(
        {
          accountId: first.accountId,
          judged,
          changes: changes.length > 0 ? changes : undefined,
          // a history may lack nonces; without one, there is no row to settle
          echoes: own.filter(({ nonce }) => nonce !== undefined).map(toEcho),
          guilds: [],
        },
        ports.now(),
        ports,
      );
      return { ...stored, foreign: [] }; // a message from before the session proves no second program
    },
    async flush() {
      while (units.length > 0 || committing) await commitAll();
    },
  };
}

function toEcho({ id: messageId, channelId, nonce }: OwnMessage): Echo {
  return { messageId, channelId, nonce };
}

/**
 * Finds the unit that a batch joins. A new gateway session counts from its own start, and so does
 * each shard: each gets its own unit.
 */
function unitFor(
  units: Unit[],
  { afterHole, accountId, shardId, seq, ticket, arrivedAt }: InboundBatch,
  started?: SessionStarted,
): Unit {
  const last = units.at(-1);
  const isNew = started !== undefined || afterHole !== undefined;
  if (last && !isNew && last.accountId === accountId && last.shardId === shardId) {
    last.seq = Math.max(last.seq, seq); // a RESUME repeats sequence numbers that have arrived
    return Object.assign(last, { ticket, arrivedAt });
  }
  const empty = { bytes: 0, judged: [], echoes: [], changes: [], reactions: [], guilds: [] };
  const at = { beganAt: arrivedAt, arrivedAt };
  const unit: Unit = { started, afterHole, accountId, shardId, seq, ticket, ...at, ...empty };
  units.push(unit);
  return unit;
}
