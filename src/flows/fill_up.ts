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

import type { ChannelId } from "../core/ids.ts";
import type { InboundMessage } from "../core/inbound.ts";
import { type Overheard, toOverheard } from "../core/transcript.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Log } from "../lib/log.ts";
import type { Schedule } from "../lib/schedule.ts";

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
 * Fills a channel's context up, once since the start. Never fails, and takes no more than
 * {@link PATIENCE_MS}: a turn goes on without it, and a later one has what came in the end.
 */
export type FillUp = (message: InboundMessage, limit: number) => Promise<void>;

/** Milliseconds that a person's question waits for what others said before. */
export const PATIENCE_MS = 2_000;

export function createFillUp(
  { history, admit, store, schedule, log }: FillUpPorts,
): FillUp {
  const filled = new Map<ChannelId, Promise<void>>();

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

  return async (message, limit) => {
    if (limit === 0) return;
    const { channelId } = message;
    const running = filled.get(channelId) ?? read(message, limit);
    filled.set(channelId, running);
    const { promise: isEnough, resolve } = Promise.withResolvers<void>();
    const callOff = schedule(resolve, PATIENCE_MS);
    await Promise.race([running, isEnough]);
    callOff();
  };
}

/**
 * What was said to the bot is context too, whether or not it was answered. What waits for a fact is
 * left out, since nobody fetches it here: of PluralKit's messages before the start none is seen.
 */
function mayBeSeen(verdict: Verdict): boolean {
  return verdict.kind === "accept" || (verdict.kind === "ignore" && verdict.keepAsContext);
}
