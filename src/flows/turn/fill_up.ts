/**
 * What was said in a channel before anybody listened.
 *
 * After a start the store knows only what it heard itself. The first message
 * that is answered in a channel has the channel's history read once, through
 * the same filter as live messages, so that nobody's words reach a model by
 * this door whom the policy keeps out (H1, P10).
 *
 * @module
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Overheard, toOverheard } from "../../core/inbound/transcript.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Log } from "../../lib/log.ts";
import { createNewestSet } from "../../lib/newest_set.ts";
import type { Schedule } from "../../lib/schedule.ts";

export interface FillUpPorts {
  /** Reads the newest messages of the same channel before one. */
  readonly history: (
    before: InboundMessage,
    limit: number,
  ) => Promise<readonly InboundMessage[]>;
  readonly admit: (message: InboundMessage) => Verdict;
  readonly store: {
    /** One transaction; what is there already stays as it is. */
    addOverheard(channelId: ChannelId, messages: readonly Overheard[]): Promise<void>;
  };
  readonly schedule: Schedule;
  readonly log: Log;
}

/**
 * Fills a channel's context up, once since the start for each of the newest
 * {@link FILLED_MAX} channels. Never fails, and takes no more than
 * {@link PATIENCE_MS}: a turn goes on without it, and a later one has what came in the end.
 */
export type FillUp = (message: InboundMessage, limit: number) => Promise<void>;

/** Milliseconds that a person's question waits for what others said before. */
export const PATIENCE_MS = 2_000;

/** Maximum number of channels that are known to be filled. A forgotten one is read once more. */
export const FILLED_MAX = 8_192;
/** Bytes of one, about. */
const CHANNEL_BYTES = 80;

export function createFillUp(
  { history, admit, store, schedule, log }: FillUpPorts,
): {
  readonly fillUp: FillUp;
  /** Bytes of memory, about. */
  readonly bytes: () => number;
} {
  /** Reads under way. */
  const running = new Map<ChannelId, Promise<void>>();
  const filled = createNewestSet<ChannelId>(FILLED_MAX);

  async function read(before: InboundMessage, limit: number): Promise<void> {
    const { channelId } = before;
    try {
      const said = await history(before, limit);
      const kept = said.filter((message) => mayBeSeen(admit(message)));
      await store.addOverheard(channelId, kept.map(toOverheard));
    } catch (error) {
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

  async function fillUp(message: InboundMessage, limit: number): Promise<void> {
    const { channelId } = message;
    if (limit === 0 || filled.has(channelId)) return;
    const reading = running.get(channelId) ?? begin(message, limit);
    const { promise: isEnough, resolve } = Promise.withResolvers<void>();
    const cancel = schedule(resolve, PATIENCE_MS);
    await Promise.race([reading, isEnough]);
    cancel();
  }

  return { fillUp, bytes: () => filled.size * CHANNEL_BYTES };
}

/**
 * What was said to the bot is context too, whether or not it was answered. What waits for a fact is
 * left out, since nobody fetches it here: of PluralKit's messages before the start none is seen.
 */
function mayBeSeen(verdict: Verdict): boolean {
  return verdict.kind === "accept" || (verdict.kind === "ignore" && verdict.keepAsContext);
}
