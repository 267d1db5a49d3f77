/** Counts seconds of audio that a model hears or speaks (L5, X4). */

import type { BudgetStop } from "../spending/budget.ts";
import type { SpendPort } from "../spending/metered_model.ts";
import { usedBy } from "../spending/usage.ts";

export interface AudioUse {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** Length of the sound. */
  readonly seconds: number;
  /** Millionths of the config's currency; absent if the model's price is not known. */
  readonly micros?: number;
  /** Milliseconds of the request. */
  readonly ms: number;
  /** The person and the place that it counts for. */
  readonly message: Parameters<typeof usedBy>[0];
  readonly agentId: string;
}

export function createAudioSpending(
  { spend, now }: {
    readonly spend: SpendPort;
    readonly now: () => number;
  },
) {
  return {
    /**
     * Finds a spent budget, before a request.
     *
     * @throws {unknown} The store's error, as a rejection.
     */
    check: async (
      { message, agentId }: Pick<AudioUse, "message" | "agentId">,
    ): Promise<BudgetStop | undefined> => await spend.check(usedBy(message, agentId), "audio"),
    record({ modelId, seconds, ms, micros, message, agentId }: AudioUse): void {
      const { roleIds: _, ...by } = usedBy(message, agentId);
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
