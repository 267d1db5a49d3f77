/**
 * Decides messages that wait for PluralKit: those that it posted, and those that it may still
 * replace (P13).
 *
 * A member of a system speaks through a webhook, and PluralKit deletes the system's own message a
 * moment later. The webhook's message gets the turn, once PluralKit has named its author. The
 * original gets one only if no message has replaced it. Messages by people that PluralKit has
 * proxied before wait two seconds for that.
 *
 * The store keeps waiting messages, so the next process continues with them. Every row is decided,
 * even if PluralKit was switched off since.
 */

import type { MessageId, UserId } from "../../core/discord/ids.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { MessageOrigin } from "../../core/inbound/waiting_limits.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import {
  asMembers,
  type PluralkitAnswer,
  type ProxiedMessage,
} from "../../core/inbound/pluralkit.ts";
import { ignored, type UndecidedReason, type Verdict } from "../../core/inbound/verdict.ts";
import { createNewestSet, type NewestSet } from "../../lib/cache.ts";
import { PLURALKIT } from "../../policy/place_access.ts";
import { createRetryQueue } from "../retry_queue.ts";
import { judgeAgain, type LateDecisionPorts, storeLateVerdict } from "./judge_message.ts";
import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";
import type { Inbox } from "../../store/inbox/inbox.ts";

/** A stored message without a decision. */
export interface UndecidedRow extends Pick<Judged, "message" | "knownFacts" | "policyId"> {
  readonly why: UndecidedReason;
  /** One that waited over a restart counts as replayed. */
  readonly origin: MessageOrigin;
}

/** Maximum number of proxied people to remember. */
const MAX_PROXIED = 10_000;

/** Creates the memory of proxied people, which the policy reads. */
export function createProxiedUsers(): NewestSet<UserId> {
  return createNewestSet(MAX_PROXIED);
}

/** Creates the flow for one account; `start` begins. */
export function createPluralkit(
  ports:
    & Pick<
      Account<{
        readonly inbox: Pick<
          Inbox,
          "decide" | "undecided" | "retract" | "noteProxied" | "proxied"
        >;
      }>,
      "schedule" | "random" | "log" | "accountId" | "store"
    >
    & LateDecisionPorts
    & Emits<"undecided">
    & {
      /**
       * Asks PluralKit about a message. Never rejects. If PluralKit is switched off, the result is
       * `failed`.
       */
      readonly lookUp: (id: MessageId) => Promise<PluralkitAnswer>;
      /** Finds the config path that sets a rule of `channels.discord` for this account (C6). */
      readonly ruleOf: (path: string) => string;
      /** People that PluralKit has proxied before, by {@link createProxiedUsers}. The flow fills it. */
      readonly proxied: NewestSet<UserId>;
    },
) {
  const { accountId, store: { inbox }, lookUp, proxied, now, log } = ports;
  const retries = createRetryQueue("Cannot decide a message that waited for PluralKit", ports);
  const originals = createOriginals<UndecidedRow>({
    schedule: ports.schedule,
    onAlone: ({ message, origin }) => decide(message, { isUnproxied: true }, origin),
    onReplaced: replace,
  });
  let isStopped = false;

  function take(row: UndecidedRow): void {
    switch (row.why) {
      case "pluralkit":
        return void ask(row.message, row.origin);
      case "pluralkit-original":
        return originals.add(row);
    }
  }

  async function ask(message: InboundMessage, origin: MessageOrigin): Promise<void> {
    const found = await lookUp(message.id);
    if (isStopped) return; // an aborted request proves nothing: the next start asks again
    const members = found.kind === "found" ? asMembers(message, found.proxied) : undefined;
    if (found.kind === "found" && members) return acceptProxied(members, found.proxied, origin);
    log.info("A webhook's message has PluralKit's mark, and counts as a bot's", {
      messageId: message.id,
      channelId: message.channelId,
      why: found.kind === "failed"
        ? found.reason
        : found.kind === "none"
        ? "unknown"
        : "not its own",
    });
    decide(message, { pluralkit: found.kind === "failed" ? "failed" : "none" }, origin);
  }

  function acceptProxied(
    message: InboundMessage,
    { original, sender }: ProxiedMessage,
    origin: MessageOrigin,
  ): void {
    proxied.add(sender);
    originals.remove(original);
    const judged = judgeAgain(message, { pluralkit: "found" }, ports);
    retries.add(async () => {
      // The original first, or both it and its replacement might be answered.
      await inbox.retract(accountId, original, replacedVerdict());
      await store(judged, origin);
      await inbox.noteProxied(accountId, sender, now());
    });
  }

  /** Not even context: PluralKit has posted the same text again. */
  const replacedVerdict = (): Extract<Verdict, { readonly kind: "ignore" }> =>
    ignored("pk-original", ports.ruleOf(PLURALKIT));

  function replace({ message, knownFacts, policyId, origin }: UndecidedRow): void {
    const known = { knownFacts, policyId };
    retries.add(() => store({ message, verdict: replacedVerdict(), ...known }, origin));
  }

  function decide(message: InboundMessage, known: KnownFacts, origin: MessageOrigin): void {
    const judged = judgeAgain(message, known, ports);
    retries.add(() => store(judged, origin));
  }

  async function store(judged: Judged, origin: MessageOrigin): Promise<void> {
    const { undecided } = await storeLateVerdict(judged, inbox, ports, origin);
    if (undecided.length > 0) ports.events.emit.undecided(undecided, origin);
  }

  return {
    /**
     * Reads the messages that the last process left. Await it before judging any message.
     *
     * @throws {unknown} The store's error, as a rejection.
     */
    async start(): Promise<void> {
      for (const userId of await inbox.proxied(accountId)) proxied.add(userId);
      for (const row of await inbox.undecided(accountId)) take({ ...row, origin: "replayed" });
    },
    /** Tells which stored messages wait. */
    undecided(judged: readonly Judged[], origin: MessageOrigin): void {
      if (isStopped) return;
      for (const { verdict, ...known } of judged) {
        if (verdict.kind === "undecided") take({ ...known, why: verdict.why, origin });
      }
    },
    /** Tells which messages were deleted at Discord. */
    deleted(messages: readonly MessageId[]): void {
      for (const id of messages) {
        const original = originals.remove(id);
        if (original) replace(original);
      }
    },
    /**
     * Decides nothing more; the next start continues. Call it before stopping PluralKit's client,
     * whose requests then end as failed.
     */
    async stop(): Promise<void> {
      isStopped = true;
      originals.stop();
      await retries.stop();
    },
  };
}

/** The waiting originals of one account. */
interface Originals<Row> {
  /**
   * Lets an original wait. After a restart it waits anew: its replacement may arrive only with the
   * RESUME.
   */
  add(row: Row): void;
  /**
   * Tells that a message was deleted or replaced, and ends its wait.
   *
   * @returns The original, if it waited.
   */
  remove(id: MessageId): Row | undefined;
  /** Ends all waits; no callback is called for them. */
  stop(): void;
}

/** Milliseconds for which an original waits for its replacement. */
export const ORIGINAL_MS = 2_000;
/** Maximum number of deleted or replaced messages to remember until they arrive. */
const MAX_REMOVED = 1_000;

/** Creates the originals of one account; none waits. */
export function createOriginals<Row extends { readonly message: { readonly id: MessageId } }>(
  { schedule, onAlone, onReplaced }: Pick<Account, "schedule"> & {
    /** Called if no message has replaced an original in time. */
    readonly onAlone: (row: Row) => void;
    /** Called if an original was deleted or replaced before it arrived. */
    readonly onReplaced: (row: Row) => void;
  },
): Originals<Row> {
  const removed = createNewestSet<MessageId>(MAX_REMOVED);
  /** Originals that wait; `cancel` ends their timer. */
  const waiting = new Map<MessageId, { readonly row: Row; readonly cancel: () => void }>();

  function end(id: MessageId): Row | undefined {
    const original = waiting.get(id);
    waiting.delete(id);
    original?.cancel();
    return original?.row;
  }

  return {
    add(row) {
      const { id } = row.message;
      if (removed.has(id)) return onReplaced(row);
      const cancel = schedule(() => {
        waiting.delete(id);
        onAlone(row);
      }, ORIGINAL_MS);
      waiting.set(id, { row, cancel });
    },
    remove(id) {
      removed.add(id);
      return end(id);
    },
    stop() {
      for (const id of [...waiting.keys()]) end(id);
    },
  };
}
