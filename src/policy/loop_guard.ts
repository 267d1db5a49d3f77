/**
 * Ends a conversation that bots have among themselves (P11).
 *
 * When the last messages of a channel are all by bots, ours among them, no bot is answered there
 * for a while, or until a person writes. What is counted is what everybody sees there, answered or
 * not, so two bots cannot keep each other awake through a third.
 *
 * @module
 */

import type { ChannelId } from "../core/discord/ids.ts";
import type { LoopGuardRules } from "./rules.ts";

export interface LoopGuard {
  /** A message has been written there. `own`: by this account; `now` in Unix milliseconds. */
  said(channelId: ChannelId, by: "person" | "bot" | "own", now: number): void;
  /** Whether no bot is answered there now. */
  isMuted(channelId: ChannelId, now: number): boolean;
}

/** What bots have said in a channel since a person did. */
interface Run {
  readonly length: number;
  /** How many of them come after our own last one; absent where none is ours. */
  readonly sinceOwn?: number;
  /** Since when no bot is answered, in Unix milliseconds. */
  readonly mutedAt?: number;
}

/** The channel that has been quiet for longest is forgotten first. */
const MAX_CHANNELS = 10_000;

/** @param rules As they are now: the config may change. */
export function createLoopGuard(rules: () => LoopGuardRules): LoopGuard {
  const runs = new Map<ChannelId, Run>();

  /** What counts of a run: once the mute is over, the bots begin anew. */
  function runOf(channelId: ChannelId, now: number): Run | undefined {
    const run = runs.get(channelId);
    if (run?.mutedAt === undefined || now < run.mutedAt + rules().muteMs) return run;
    runs.delete(channelId);
    return undefined;
  }

  return {
    said(channelId, by, now) {
      const before = runOf(channelId, now);
      runs.delete(channelId);
      if (by === "person") return;
      const run = before?.mutedAt === undefined ? continued(before, by) : before;
      const isLoop = run.mutedAt === undefined && loops(run, rules().maxTurns);
      runs.set(channelId, isLoop ? { ...run, mutedAt: now } : run);
      const [oldest] = runs.keys();
      if (runs.size > MAX_CHANNELS && oldest !== undefined) runs.delete(oldest);
    },
    isMuted: (channelId, now) => runOf(channelId, now)?.mutedAt !== undefined,
  };
}

function continued(before: Run | undefined, by: "bot" | "own"): Run {
  const length = (before?.length ?? 0) + 1;
  if (by === "own") return { length, sinceOwn: 0 };
  const { sinceOwn } = before ?? {};
  return { length, ...(sinceOwn !== undefined && { sinceOwn: sinceOwn + 1 }) };
}

/** Whether the last `maxTurns` messages are all by bots, and one of them is ours. */
function loops({ length, sinceOwn }: Run, maxTurns: number): boolean {
  return length >= maxTurns && sinceOwn !== undefined && sinceOwn < maxTurns;
}
