/**
 * Ends conversations that bots have among themselves (P11).
 *
 * If the last messages of a channel are all by bots, ours among them, Barnacle stops answering bots
 * there. It starts again after a while, or when a person writes. It counts every message in the
 * channel, answered or not. So two bots cannot keep a conversation going through a third.
 */

import type { ChannelId } from "../core/discord/ids.ts";
import type { LoopGuardRules } from "./rules/rules.ts";

/** Messages by bots in a channel since the last one by a person. */
interface Run {
  readonly length: number;
  /** How many of them follow our own last one; absent if none is ours. */
  readonly sinceOwn?: number;
  /** Unix time in milliseconds since which Barnacle answers no bot; absent if it does. */
  readonly mutedAt?: number;
}

/** Beyond this number, the guard forgets the channel whose last message is the oldest. */
const MAX_CHANNELS = 10_000;

/**
 * Creates a guard that has counted no message.
 *
 * @param rules Returns the current rules, since the config may change.
 */
export function createLoopGuard(rules: () => LoopGuardRules) {
  const runs = new Map<ChannelId, Run>();

  /** The current run of a channel. After the mute, the count begins anew. */
  function runOf(channelId: ChannelId, now: number): Run | undefined {
    const run = runs.get(channelId);
    if (run?.mutedAt === undefined || now < run.mutedAt + rules().muteMs) return run;
    runs.delete(channelId);
    return undefined;
  }

  return {
    /** Counts a new message. `own`: this account wrote it. */
    record(channelId: ChannelId, by: "person" | "bot" | "own", now: number): void {
      const before = runOf(channelId, now);
      runs.delete(channelId);
      if (by === "person") return;
      const run = before?.mutedAt === undefined ? continueRun(before, by) : before;
      const hasLooped = run.mutedAt === undefined && isLoop(run, rules().maxTurns);
      runs.set(channelId, hasLooped ? { ...run, mutedAt: now } : run);
      const [oldest] = runs.keys();
      if (runs.size > MAX_CHANNELS && oldest !== undefined) runs.delete(oldest);
    },
    /** Whether Barnacle answers no bot in this channel now. */
    isMuted: (channelId: ChannelId, now: number): boolean =>
      runOf(channelId, now)?.mutedAt !== undefined,
  };
}

function continueRun(before: Run | undefined, by: "bot" | "own"): Run {
  const length = (before?.length ?? 0) + 1;
  if (by === "own") return { length, sinceOwn: 0 };
  const { sinceOwn } = before ?? {};
  return { length, sinceOwn: sinceOwn !== undefined ? sinceOwn + 1 : undefined };
}

/** Whether the last `maxTurns` messages are all by bots, and one of them is ours. */
function isLoop({ length, sinceOwn }: Run, maxTurns: number): boolean {
  return length >= maxTurns && sinceOwn !== undefined && sinceOwn < maxTurns;
}
