/**
 * Finds the person and the place that a request is counted for, and counts seconds of audio that a
 * model hears or speaks (L5, X4).
 *
 * @module
 */

import type { InboundMessage } from "../inbound/inbound.ts";
import type { BudgetStop } from "../spending/budget.ts";
import type { SpendPort } from "../spending/metered_model.ts";
import type { UsedBy } from "../spending/usage.ts";

/** Audio of one request. */
export interface AudioUse {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** Length of the sound. */
  readonly seconds: number;
  /** Millionths of the config's currency; absent if the model's price is not known. */
  readonly micros?: number;
  /** Milliseconds of the request. */
  readonly ms: number;
  /** The message whose turn caused it. */
  readonly message: InboundMessage;
}

/** Counts audio. */
export interface AudioSpending {
  /**
   * Finds a spent budget, before a request.
   *
   * @throws {unknown} The store's error, as a rejection.
   */
  check(message: InboundMessage): Promise<BudgetStop | undefined>;
  /** Counts a request. */
  record(use: AudioUse): void;
}

/** Creates the count, for the messages of one agent. */
export function createAudioSpending(
  { spend, agentId, now }: {
    readonly spend: SpendPort;
    /** The agent of the current config. */
    readonly agentId: () => string;
    /** Unix time in milliseconds. */
    readonly now: () => number;
  },
): AudioSpending {
  return {
    check: (message) => spend.check(usedBy(message, agentId()), "audio"),
    record({ modelId, seconds, ms, micros, message }) {
      const { roleIds: _, ...by } = usedBy(message, agentId());
      spend.record({
        ...by,
        kind: "audio",
        model: modelId,
        inputTokens: 0,
        cachedTokens: 0,
        outputTokens: 0,
        micros,
        ms,
        audioSec: seconds,
        at: now(),
      });
    },
  };
}

/** The sender and the place of a message, and the agent. */
export function usedBy({ sender, channelId, guildId }: InboundMessage, agentId: string): UsedBy {
  return {
    userId: sender.id,
    roleIds: sender.roles.map(({ id }) => id),
    channelId,
    guildId,
    agentId,
  };
}
