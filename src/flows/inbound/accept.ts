/**
 * Accepts batches from the gateway: judges each message, and stores all of them.
 *
 * The gateway's sequence number is stored with the messages up to it. So a message is either
 * stored, or Discord will send it again. Messages that need no answer wait a moment for others,
 * since a transaction costs the same for one row as for fifty. A message that gets an answer, or
 * may get one, waits for nothing.
 */

import { tellExtras } from "../../account/extra_parts.ts";
import {
  type Accepted,
  type Echo,
  type Judged,
  type MessageChange,
  NOTHING_ACCEPTED,
} from "../../core/inbound/inbox.ts";
import {
  type EventHandlers,
  handleEvent,
  type InboundBatch,
  type SessionStarted,
} from "../../core/inbound/events.ts";
import {
  type InboundMessage,
  type OwnMessage,
  type PostedMessage,
} from "../../core/inbound/inbound.ts";
import type { PermittedReaction, Reaction } from "../../core/inbound/reactions.ts";
import type { NumberedEvent } from "../../core/hooks/hook.ts";
import type { ServerEvent } from "../../core/hooks/server_event.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import { type CommitPorts, commitUnits, storeBatch, type Unit } from "./commit.ts";
import { judgeMessage, type JudgeMessagePorts, judgeRuns } from "./judge_message.ts";
import type { Account } from "../../core/account/account.ts";
import type { MissingFacts } from "./missing_facts.ts";

/**
 * Maximum size of waiting messages, in UTF-16 units of the gateway's text: some 1,000 messages. In
 * a flood, a transaction then touches each page of the database once for many messages.
 */
const MAX_IDLE_BYTES = 1 << 20;
/** Milliseconds for which such messages wait. */
const IDLE_MS = 250;
/** Milliseconds before the next attempt to store. */
const RETRY_MS = 5_000;

export function createAcceptor(
  ports: Pick<Account, "now" | "schedule"> & JudgeMessagePorts & CommitPorts & {
    /** Handles events at once, apart from storing them. */
    readonly on: Omit<
      EventHandlers,
      | "session_started"
      | "message"
      | "message_edited"
      | "reaction"
      | "reactions_cleared"
      | "server_event"
    >;
    /** The events that start turns; absent: none does (W7). */
    readonly eventsOf?: (told: ServerEvent) => readonly NumberedEvent[];
    /** The runs of passive agents that a message causes; absent: none does. */
    readonly runsBeside?: (judged: Judged) => readonly InboundMessage[];
    /** The runs of passive agents that a permitted reaction causes; absent: none does. */
    readonly runsOnReaction?: (
      reaction: Reaction,
      permitted: PermittedReaction,
    ) => readonly InboundMessage[];
    /** The ids of the runs that a message may have caused; absent: there are none. */
    readonly runIdsOf?: (messageId: MessageId) => readonly MessageId[];
    /** Judges a reaction by the current policy; `undefined` if it does not permit it (H5). */
    readonly permitReaction: (reaction: Reaction) => PermittedReaction | undefined;
    readonly missingFacts: MissingFacts;
  },
) {
  const units: Unit[] = [];
  /** Cancels the timer of waiting messages, or of the next attempt to store. */
  let cancel: (() => void) | undefined;
  let committing: Promise<void> | undefined;

  function acceptComplete(batch: InboundBatch): void {
    const { arrivedAt } = batch;
    let unit: Unit | undefined;
    let isUrgent = false;
    const current = () => unit ??= unitFor(units, batch);
    const judge = (message: InboundMessage): void => {
      const judged = judgeMessage(message, "live", ports);
      const runs = judgeRuns(ports.runsBeside?.(judged), ports);
      current().judged.push(judged, ...runs);
      isUrgent ||= judged.route !== undefined || runs.length > 0;
    };
    const handlers: EventHandlers = {
      ...ports.on,
      session_started(started) {
        if (unit) throw new TypeError("READY must be the first event of its batch");
        unit = unitFor(units, batch, started);
        isUrgent = true;
      },
      message: judge,
      message_edited({ message }) {
        // Not live: an edit is no turn of a conversation. Storing it must not wait for others,
        // because its turn may run. A preview changes no text.
        const { verdict } = ports.judge(message, "not_live");
        current().changes.push({ kind: "edited", message, verdict });
        if (message.revision === 0) return;
        tellExtras(ports.account, "messageChanged", message.id);
        isUrgent = true;
      },
      messages_deleted(deleted) {
        const { channelId } = deleted;
        const messageIds = deleted.messageIds.flatMap((id) => [
          id,
          ...ports.runIdsOf?.(id) ?? [], // their text is that of the message
        ]);
        const event = { ...deleted, messageIds };
        current().changes.push({ kind: "deleted", channelId, messageIds });
        for (const id of messageIds) tellExtras(ports.account, "messageChanged", id);
        isUrgent = true;
        ports.on.messages_deleted(event);
      },
      own_message(message) {
        if (!message.toInteraction) {
          current().echoes.push({ ...toEcho(message), heardAt: arrivedAt });
        }
        ports.on.own_message(message);
      },
      reaction(reaction) {
        const permitted = ports.permitReaction(reaction);
        if (!permitted) return;
        current().reactions.push(permitted);
        const runs = judgeRuns(ports.runsOnReaction?.(reaction, permitted), ports);
        current().judged.push(...runs);
        isUrgent ||= runs.length > 0;
      },
      server_event(told) {
        const found = ports.eventsOf?.(told) ?? [];
        current().hookEvents.push(...found);
        isUrgent ||= found.length > 0;
      },
      reactions_cleared: (cleared) => void current().reactions.push(cleared),
    };
    for (const event of batch.events) {
      try {
        handleEvent(event, handlers);
      } catch (error) {
        if (event.kind === "session_started") throw error; // the events belong to another session
        // The others of its batch count.
        ports.log.error("Cannot take an event of Discord", { kind: event.kind, error });
      }
    }
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
    /**
     * Judges a batch's messages, handles its other events in their order, and stores it soon. Retries
     * if the store fails.
     */
    accept: (batch: InboundBatch): void => ports.missingFacts.inOrder(batch, acceptComplete),
    /**
     * Stores messages from a channel's history, in one T1. The store counts each message once, live
     * or not. They do not change the sequence number.
     *
     * @param events Events of one account, oldest first.
     * @param judgeAs Replaces the policy's verdict; default: keeps it.
     * @throws {unknown} The store's error, as a rejection.
     */
    async acceptHistory(
      events: readonly PostedMessage[],
      judgeAs?: (message: InboundMessage, verdict: Verdict) => Verdict,
    ): Promise<Accepted> {
      const [first] = events;
      if (!first) return NOTHING_ACCEPTED;
      const judged: Judged[] = [];
      for (const event of await ports.missingFacts.complete(events)) {
        if (event.kind === "message") {
          const one = judgeMessage(event, "history", ports, judgeAs);
          judged.push(one, ...judgeRuns(ports.runsBeside?.(one), ports));
        } else ports.on.own_message(event);
      }
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
        "history",
        ports,
      );
      return { ...stored, foreign: [] }; // a message from before the session proves no second program
    },
    /**
     * Stores everything that waits, and resolves once it is stored.
     *
     * @throws {unknown} The store's error, as a rejection.
     */
    async flush(): Promise<void> {
      await ports.missingFacts.idle();
      while (units.length > 0 || committing) await commitAll();
    },
  };
}

function toEcho({ id: messageId, channelId, nonce }: OwnMessage): Echo {
  return { messageId, channelId, nonce };
}

/**
 * Finds the unit that a batch joins. A new gateway session counts from its own start, and so does
 * each shard: each gets its own unit. Replayed events have one, too, because other limits apply.
 */
function unitFor(
  units: Unit[],
  { afterHole, isReplayed, accountId, shardId, seq, ticket, arrivedAt }: InboundBatch,
  started?: SessionStarted,
): Unit {
  const last = units.at(-1);
  const isNew = started !== undefined || afterHole !== undefined ||
    last?.isReplayed !== isReplayed;
  if (last && !isNew && last.accountId === accountId && last.shardId === shardId) {
    last.seq = Math.max(last.seq, seq); // a RESUME repeats sequence numbers that have arrived
    return Object.assign(last, { ticket, arrivedAt });
  }
  const empty = { judged: [], echoes: [], changes: [], guilds: [] };
  const at = { beganAt: arrivedAt, arrivedAt, bytes: 0 };
  const of = { accountId, shardId, isReplayed };
  const lists = { ...empty, reactions: [], hookEvents: [] };
  const unit: Unit = { started, afterHole, ...of, seq, ticket, ...at, ...lists };
  units.push(unit);
  return unit;
}
