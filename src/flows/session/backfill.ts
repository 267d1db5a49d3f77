/**
 * Loads a channel's earlier messages as context for the model.
 *
 * After a start, the store knows only messages that the gateway brought. Before the first answer in
 * a channel, Barnacle reads the channel's history once. The messages pass the same check as live
 * ones, so no refused sender's words reach a model this way (H1, P10).
 *
 * People open a thread on a message, or with a post in a forum. Its session contains nothing of the
 * channel, so its first turn gets that message as context (H6).
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Overheard, toOverheard } from "../../core/inbound/transcript.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import { createNewestSet } from "../../lib/cache.ts";
import type { TurnRecords } from "../../store/turns/turns.ts";
import type { Account } from "../../core/account/account.ts";

/** Reads the newest messages of the same channel before one, over REST. */
export type ReadBefore = (
  before: InboundMessage,
  limit: number,
) => Promise<readonly InboundMessage[]>;

/** Milliseconds that a turn waits for the context. */
export const PATIENCE_MS = 2_000;

/** Maximum number of loaded channels to remember. Barnacle reads a forgotten one once more. */
export const BACKFILLED_MAX = 8_192;

/** Creates the loading for one account. No channel is loaded yet. */
export function createBackfill(
  { history, admit, store, schedule, ended, log }: Pick<Account, "schedule" | "ended" | "log"> & {
    readonly history: ReadBefore;
    readonly admit: (message: InboundMessage) => Verdict;
    readonly store: {
      /** Adds messages in one transaction. Messages that the store has already stay unchanged. */
      addOverheard(channelId: ChannelId, messages: readonly Overheard[]): Promise<void>;
    };
  },
): {
  /**
   * Loads a channel's context, once since the start for each of the newest {@link BACKFILLED_MAX}
   * channels.
   *
   * Never fails, and resolves within {@link PATIENCE_MS}. The turn then goes on without the context,
   * and a later turn has it.
   *
   * @param limit Maximum number of messages to read; 0 reads none.
   * @returns `undefined` if there is nothing to wait for.
   */
  readonly backfill: (message: InboundMessage, limit: number) => Promise<void> | undefined;
} {
  /** Histories that are being read. */
  const running = new Map<ChannelId, Promise<void>>();
  const filled = createNewestSet<ChannelId>(BACKFILLED_MAX);

  async function read(before: InboundMessage, limit: number): Promise<void> {
    const { channelId } = before;
    try {
      const messages = await history(before, limit);
      const visible = messages.filter((message) => mayBeSeen(admit(message)));
      await store.addOverheard(channelId, visible.map(toOverheard));
    } catch (error) {
      if (ended.aborted) return;
      log.warn("Cannot read a channel's history; going on without it", { channelId, error });
    }
  }

  function begin(message: InboundMessage, limit: number): Promise<void> {
    const { channelId } = message;
    const reading = read(message, limit).finally(() => {
      running.delete(channelId);
      filled.add(channelId);
    });
    running.set(channelId, reading);
    return reading;
  }

  async function waitFor(reading: Promise<void>): Promise<void> {
    const { promise: isEnough, resolve } = Promise.withResolvers<void>();
    const cancel = schedule(resolve, PATIENCE_MS);
    await Promise.race([reading, isEnough]);
    cancel();
  }

  return {
    backfill(message, limit) {
      const { channelId } = message;
      if (limit === 0 || filled.has(channelId)) return undefined;
      return waitFor(running.get(channelId) ?? begin(message, limit));
    },
  };
}

/**
 * Messages addressed to the bot are context too, answered or not. Undecided ones are left out,
 * since Barnacle fetches no missing fact here. So the model sees no PluralKit messages from before
 * the start.
 */
export function mayBeSeen(verdict: Verdict): boolean {
  return verdict.kind === "accept" || (verdict.kind === "ignore" && verdict.keepAsContext);
}

/**
 * Reads the starter of a message's thread, by the same policy as live messages; `undefined` if there
 * is none, or if the model may not see it.
 */
export type ReadStarter = (message: InboundMessage) => Promise<Overheard | undefined>;

/**
 * Finds the starter for a turn; `undefined` outside threads, and if the session has a turn already.
 * A failure or a long wait at Discord only leaves it out. Rejects with the store's error.
 */
export type ThreadStarter = (
  message: InboundMessage,
  sessionKey: string,
) => Promise<Overheard | undefined> | undefined;

/** Milliseconds that a turn waits for the starter. */
export const STARTER_PATIENCE_MS = 2_000;

export function createThreadStarter(
  { read, entriesOf, schedule, ended, log }:
    & Pick<Account, "schedule" | "ended" | "log">
    & Pick<TurnRecords, "entriesOf">
    & {
      readonly read: ReadStarter;
    },
): ThreadStarter {
  async function readOrWarn(message: InboundMessage): Promise<Overheard | undefined> {
    try {
      return await read(message);
    } catch (error) {
      if (ended.aborted) return undefined;
      const { channelId } = message;
      log.warn("Cannot read a thread's first message; going on without it", { channelId, error });
      return undefined;
    }
  }

  async function starterOf(
    message: InboundMessage,
    sessionKey: string,
  ): Promise<Overheard | undefined> {
    if ((await entriesOf(sessionKey, 1)).length > 0) return undefined;
    const { promise: isLate, resolve } = Promise.withResolvers<undefined>();
    const cancel = schedule(() => resolve(undefined), STARTER_PATIENCE_MS);
    try {
      return await Promise.race([readOrWarn(message), isLate]);
    } finally {
      cancel();
    }
  }

  return (message, sessionKey) => {
    const { place, id } = message;
    const thread = place.kind === "guild" ? place.thread : undefined;
    return thread && String(thread.id) !== id ? starterOf(message, sessionKey) : undefined;
  };
}
