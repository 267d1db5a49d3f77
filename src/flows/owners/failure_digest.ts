/**
 * Groups failures of a channel, such as undelivered messages, so that the owner gets one notice for fifty failures.
 *
 * @module
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { StartTimer } from "../../lib/clock.ts";

/** The failures of one channel since its last notice. */
export interface ChannelFailures<Reason = string> {
  /** The channel. */
  readonly channelId: ChannelId;
  /** Number of failures. */
  readonly count: number;
  /** The reason of the last failure. */
  readonly reason: Reason;
}

/** Groups the failures of each channel. */
export interface FailureDigest<Reason = string> {
  /** A message failed. */
  add(channelId: ChannelId, reason: Reason): void;
  /** Sends the pending notices now. */
  flush(): void;
}

/** How long to wait for more failures, in milliseconds. */
const GATHER_MS = 5_000;

/** Creates an empty digest. */
export function createFailureDigest<Reason = string>(
  tell: (failure: ChannelFailures<Reason>) => void,
  schedule: StartTimer,
): FailureDigest<Reason> {
  const gathered = new Map<ChannelId, ChannelFailures<Reason>>();
  let cancel: (() => void) | undefined;

  function flush(): void {
    cancel?.();
    cancel = undefined;
    const failures = [...gathered.values()];
    gathered.clear();
    for (const failure of failures) tell(failure);
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
