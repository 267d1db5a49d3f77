/**
 * Messages that wait for PluralKit: those that it posted, and those that it may yet replace (P13).
 *
 * A system's member speaks through a webhook, and the system's own message
 * before it is deleted a moment later. The webhook's is the turn, once PluralKit
 * has said whose it is. The original is a turn only where nothing took its place:
 * people whom PluralKit has spoken for before wait two seconds for that.
 *
 * What waits is in the store, so a restart goes on where the last process
 * stopped; and every row is decided, also where PluralKit is switched off since.
 *
 * @module
 */

import type { AccountId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { Accepted, Judged, Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { KnownFacts } from "../../core/inbound/known_facts.ts";
import { asMembers, type LookUp, type ProxiedMessage } from "../../core/inbound/pluralkit.ts";
import type { UndecidedReason, Verdict } from "../../core/inbound/verdict.ts";
import { createNewestSet } from "../../lib/newest_set.ts";
import { PLURALKIT } from "../../policy/place_access.ts";
import { createRetryQueue, type RetryQueuePorts } from "../retry_queue.ts";

type Ignored = Extract<Verdict, { readonly kind: "ignore" }>;

/** A row of the store that is not decided. */
export interface UndecidedRow extends Pick<Judged, "message" | "moment" | "policyId"> {
  readonly why: UndecidedReason;
}

/** What this flow needs of the store; each method is one transaction. */
export interface PluralkitStore {
  undecided(accountId: AccountId): Promise<readonly UndecidedRow[]>;
  /** Of a row that is still undecided; anything else changes nothing. */
  decide(judged: Judged, now: number): Promise<Accepted>;
  /** @returns `false` where its turn has begun: then nothing has changed. */
  retract(accountId: AccountId, messageId: MessageId, verdict: Ignored): Promise<boolean>;
  noteProxied(accountId: AccountId, userId: UserId, now: number): Promise<void>;
  proxied(accountId: AccountId): Promise<readonly UserId[]>;
}

export interface PluralkitPorts extends RetryQueuePorts {
  readonly accountId: AccountId;
  readonly store: PluralkitStore;
  /** Never rejects. Where PluralKit is not asked any more, it has failed. */
  readonly lookUp: (id: MessageId) => Promise<LookUp>;
  /** @param known What was found out since it was judged first. */
  readonly judge: (
    message: InboundMessage,
    known: KnownFacts,
  ) => Pick<Judged, "verdict" | "moment" | "policyId">;
  readonly route: (message: InboundMessage) => Route;
  readonly onAccepted: (accepted: readonly Judged[]) => void;
  /** Where a rule of `channels.discord` is written for this account (C6). */
  readonly ruleOf: (path: string) => string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface Pluralkit {
  /** Reads what the last process has left; to be awaited before anything is judged. */
  start(): Promise<void>;
  /** These are stored, and wait. */
  undecided(judged: readonly Judged[]): void;
  /** These were deleted at Discord. */
  deleted(messages: readonly MessageId[]): void;
  /** Whether PluralKit has spoken for somebody before. */
  isProxied(userId: UserId): boolean;
  /**
   * Decides nothing more; the next start goes on. To be asked before the client of PluralKit is
   * stopped, whose look-ups end as failed.
   */
  stop(): Promise<void>;
}

/** How long an original waits for what takes its place, in milliseconds. */
export const ORIGINAL_MS = 2_000;
/** Messages that are remembered as deleted, or replaced, before they came. */
const MAX_GONE = 1_000;
/** People who are remembered. */
const MAX_PROXIED = 10_000;

export function createPluralkit(ports: PluralkitPorts): Pluralkit {
  const { accountId, store, lookUp, judge, route, onAccepted, now, schedule, log } = ports;
  const retries = createRetryQueue("Cannot decide a message that waited for PluralKit", ports);
  const proxied = createNewestSet<UserId>(MAX_PROXIED);
  const gone = createNewestSet<MessageId>(MAX_GONE);
  /** Originals that wait; calls their time off. */
  const waiting = new Map<
    MessageId,
    { readonly row: UndecidedRow; readonly cancel: () => void }
  >();
  let isStopped = false;

  function take(row: UndecidedRow): void {
    if (row.why === "pluralkit") void ask(row.message);
    else hold(row);
  }

  async function ask(message: InboundMessage): Promise<void> {
    const found = await lookUp(message.id);
    if (isStopped) return; // what is cut off says nothing: the next start asks again
    const members = found.kind === "found" ? asMembers(message, found.proxied) : undefined;
    if (found.kind === "found" && members) return believe(members, found.proxied);
    log.info("A webhook's message has PluralKit's mark, and counts as a bot's", {
      messageId: message.id,
      channelId: message.channelId,
      why: found.kind === "failed"
        ? found.reason
        : found.kind === "none"
        ? "unknown"
        : "not its own",
    });
    decide(message, { pluralkit: found.kind === "failed" ? "failed" : "none" });
  }

  function believe(message: InboundMessage, { original, sender }: ProxiedMessage): void {
    proxied.add(sender);
    gone.add(original);
    end(original);
    const judged = judgedBy(message, { pluralkit: "found" });
    retries.add(async () => {
      // The original first, or it might be answered beside what takes its place.
      await store.retract(accountId, original, replaced());
      await settle(judged);
      await store.noteProxied(accountId, sender, now());
    });
  }

  /** After a restart it waits anew: what takes its place may be told only with the RESUME. */
  function hold(row: UndecidedRow): void {
    const { message } = row;
    if (gone.has(message.id)) return replace(row);
    const cancel = schedule(() => {
      waiting.delete(message.id);
      decide(message, { isUnproxied: true });
    }, ORIGINAL_MS);
    waiting.set(message.id, { row, cancel });
  }

  /** It is no context either: PluralKit has said the same again. */
  function replaced(): Ignored {
    const rule = ports.ruleOf(PLURALKIT);
    return { kind: "ignore", why: "pk-original", rule, keepAsContext: false };
  }

  /** Ends an original's wait, if it waits. */
  function end(id: MessageId): UndecidedRow | undefined {
    const original = waiting.get(id);
    waiting.delete(id);
    original?.cancel();
    return original?.row;
  }

  function replace({ message, moment, policyId }: UndecidedRow): void {
    const known = { ...(moment && { moment }), ...(policyId !== undefined && { policyId }) };
    retries.add(() => settle({ message, verdict: replaced(), ...known }));
  }

  function decide(message: InboundMessage, known: KnownFacts): void {
    const judged = judgedBy(message, known);
    retries.add(() => settle(judged));
  }

  function judgedBy(message: InboundMessage, known: KnownFacts): Judged {
    const judged = judge(message, known);
    const isAccepted = judged.verdict.kind === "accept";
    return { ...judged, message, ...(isAccepted && { route: route(message) }) };
  }

  async function settle(judged: Judged): Promise<void> {
    const { accepted } = await store.decide(judged, now());
    if (accepted.length > 0) onAccepted(accepted);
  }

  return {
    async start() {
      for (const userId of await store.proxied(accountId)) proxied.add(userId);
      for (const row of await store.undecided(accountId)) take(row);
    },
    undecided(judged) {
      if (isStopped) return;
      for (const { verdict, ...known } of judged) {
        if (verdict.kind === "undecided") take({ ...known, why: verdict.why });
      }
    },
    deleted(messages) {
      for (const id of messages) {
        gone.add(id);
        const original = end(id);
        if (original) replace(original);
      }
    },
    isProxied: (userId) => proxied.has(userId),
    async stop() {
      isStopped = true;
      for (const id of [...waiting.keys()]) end(id);
      await retries.stop();
    },
  };
}
