/**
 * Gathers what is given up in a channel, so that its owner is told once of fifty
 * messages that end together.
 *
 * @module
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { Schedule } from "../../lib/schedule.ts";

/** What was given up in one channel, lately. */
export interface Loss {
  readonly channelId: ChannelId;
  readonly count: number;
  /** Of the last of them. */
  readonly reason: string;
}

export interface FailureDigest {
  add(channelId: ChannelId, reason: string): void;
  /** Tells what is gathered, now. */
  flush(): void;
}

/** How long more of them are waited for, in milliseconds. */
const GATHER_MS = 5_000;

export function createFailureDigest(tell: (loss: Loss) => void, schedule: Schedule): FailureDigest {
  const gathered = new Map<ChannelId, Loss>();
  let cancel: (() => void) | undefined;

  function flush(): void {
    cancel?.();
    cancel = undefined;
    const losses = [...gathered.values()];
    gathered.clear();
    for (const loss of losses) tell(loss);
  }

  return {
    add(channelId, reason) {
      const count = (gathered.get(channelId)?.count ?? 0) + 1;
      gathered.set(channelId, { channelId, count, reason });
      cancel ??= schedule(flush, GATHER_MS);
    },
    flush,
  };
}
