/**
 * Claims waiting messages, in memory (T2).
 *
 * The tables hold all waiting and running messages. This queue holds the same messages in the order
 * of claiming (`backlog.ts`). So a claim reads nothing, and the tables need not have new messages
 * yet. The tables can fill the queue anew at any time. Texts are kept for the newest messages only,
 * up to a bound; the others are read from the tables when their turn comes.
 *
 * @module
 */

import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Claim, Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Backlog, createBacklog, type WaitingMessage } from "./backlog.ts";

/** Waiting messages and running claims of all accounts. */
export interface ClaimQueue {
  /** Whether {@link ClaimQueue.fill} must be called before the next claim. */
  readonly isStale: boolean;
  /**
   * Replaces the waiting messages by those of the tables. A message whose turn runs here stays
   * claimed.
   *
   * @param waiting In the order of arrival: up to `SESSION_MAX` of a session and `ACCOUNT_MAX` of
   * an account (`backlog.ts`), and one more of those that have more.
   */
  fill(
    waiting: readonly WaitingMessage[],
    running: readonly { readonly messageId: MessageId; readonly sessionKey: string }[],
  ): void;
  /** Notes that a message was accepted, which the tables have now or will have. */
  accepted(messageId: MessageId): void;
  /** Adds an accepted message, once it is stored. */
  add(message: InboundMessage, route: Route): void;
  /**
   * Claims a message of an account. Of the sessions without a running turn, it chooses the one that
   * has waited longest, and in it the message that was written first.
   */
  take(accountId: AccountId, blocked: readonly ChannelId[]): WaitingMessage | undefined;
  /** Takes back a claim whose turn could not begin: the message waits as before. */
  putBack(taken: WaitingMessage): void;
  /** Ends a claim whose turn stopped without an end: the message waits for its next attempt. */
  release(claim: Claim): void;
  /** Whether this claim of its message is running. */
  isRunning(claim: Claim): boolean;
  /**
   * Notes that a message reaches the tables.
   *
   * @returns Number of its claims, if its turn runs already.
   */
  stored(messageId: string): number | undefined;
  /** Whether the tables have a message, as far as this process knows. */
  isStored(messageId: string): boolean;
  /** Notes that the turn of a claim has ended. */
  end(claim: Claim): void;
  /**
   * Removes a message for which no turn has begun.
   *
   * @returns Whether it was removed; also `true` if only the tables can tell.
   */
  remove(accountId: AccountId, messageId: MessageId): boolean;
  /** Ends the claims of an account, or all. The tables then tell which messages wait. */
  void(accountId?: AccountId): void;
  /** Forgets all waiting messages, because the tables may differ. */
  forget(): void;
  /** Estimated bytes of memory. */
  bytes(): number;
}

/** A claim whose turn has not ended. `entry` is absent if an earlier process left the claim. */
interface Running {
  readonly sessionKey: string;
  readonly attempt: number;
  readonly entry?: WaitingMessage;
}

/** Creates a queue that must be filled before the first claim. */
export function createClaimQueue(): ClaimQueue {
  const backlog = createBacklog();
  const running = createRunningClaims(backlog);
  /** Messages that are in the journal only. */
  const unstored = new Set<string>();
  let isStale = true;
  let arrivals = 0;

  /**
   * Inserts a message, unless its turn runs already: a refill may bring a message before `add`
   * does.
   */
  function insert(entry: WaitingMessage): void {
    if (!running.has(entry.messageId)) backlog.insert(entry);
  }

  function takeOut(entry: WaitingMessage): void {
    if (backlog.takeOut(entry)) isStale = true;
  }

  function forget(): void {
    backlog.clear();
    unstored.clear();
    isStale = true;
  }

  return {
    get isStale() {
      return isStale;
    },
    fill(waiting, runningInTables) {
      forget();
      for (const { messageId, sessionKey } of runningInTables) {
        if (running.has(messageId)) continue;
        running.begin(messageId, { sessionKey, attempt: 0 });
      }
      for (const entry of waiting) {
        arrivals = Math.max(arrivals, entry.arrival);
        if (backlog.hasRoom(entry.accountId, entry.route.sessionKey)) insert(entry);
      }
      isStale = false;
    },
    accepted: (messageId) => void unstored.add(messageId),
    add(message, route) {
      if (isStale) return; // the next fill reads it from the tables
      const { id: messageId, accountId, channelId } = message;
      if (!backlog.hasRoom(accountId, route.sessionKey)) return;
      const arrival = ++arrivals;
      const entry = { messageId, accountId, channelId, route, arrival, attempts: 0, isFresh: true };
      insert(backlog.hasRoomForText() ? { ...entry, message } : entry);
    },
    take(accountId, blocked) {
      const next = backlog.next(accountId, blocked);
      if (!next) return undefined;
      takeOut(next);
      const { messageId, route: { sessionKey }, attempts } = next;
      running.begin(messageId, { sessionKey, attempt: attempts + 1, entry: next });
      return next;
    },
    putBack(taken) {
      running.end(taken.messageId);
      if (!isStale) insert(taken);
    },
    release(claim) {
      if (!running.isRunning(claim)) return;
      const entry = running.end(claim.message.id)?.entry;
      if (entry && !isStale) insert({ ...entry, attempts: claim.attempt });
    },
    isRunning: running.isRunning,
    stored(messageId) {
      unstored.delete(messageId);
      return running.attemptOf(messageId);
    },
    isStored: (messageId) => !unstored.has(messageId),
    end: ({ message }) => void running.end(message.id),
    remove(accountId, messageId) {
      if (running.has(messageId)) return false;
      const entry = backlog.find(messageId);
      if (!entry) return isStale || backlog.isPartial();
      const isRemovable = entry.accountId === accountId && entry.attempts === 0;
      if (isRemovable) takeOut(entry);
      return isRemovable;
    },
    void(accountId) {
      running.endAll(accountId);
      forget();
    },
    forget,
    bytes: backlog.bytes,
  };
}

/** Running claims, by message. A running claim blocks its session. */
function createRunningClaims(backlog: Pick<Backlog, "block" | "unblock">) {
  const claims = new Map<string, Running>();

  function end(messageId: string): Running | undefined {
    const claim = claims.get(messageId);
    if (!claim) return undefined;
    claims.delete(messageId);
    backlog.unblock(claim.sessionKey);
    return claim;
  }

  return {
    has: (messageId: string): boolean => claims.has(messageId),
    isRunning: ({ message, attempt }: Claim): boolean =>
      claims.get(message.id)?.attempt === attempt,
    attemptOf: (messageId: string): number | undefined => claims.get(messageId)?.attempt,
    begin(messageId: string, claim: Running): void {
      claims.set(messageId, claim);
      backlog.block(claim.sessionKey);
    },
    /** @returns The claim, if one ran. */
    end,
    /** Ends the claims of an account and those of an earlier process, or all. */
    endAll(accountId?: AccountId): void {
      for (const [messageId, { entry }] of claims) {
        if (accountId === undefined || !entry || entry.accountId === accountId) end(messageId);
      }
    },
  };
}
