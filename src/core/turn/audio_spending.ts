/** Counts seconds of audio that a model hears or speaks (L5, X4). */

import { BudgetSpent, type BudgetStop } from "../spending/budget.ts";
import type { SpendPort } from "../spending/metered_model.ts";
import { usedBy } from "../spending/usage.ts";

/** The person, the place and the agent that sound counts for. */
export interface AudioPayer {
  readonly message: Parameters<typeof usedBy>[0];
  readonly agentId: string;
}

/** A model that hears or speaks. */
interface AudioModel {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** The cost of some seconds, in millionths of the currency; `undefined` if it is not known. */
  readonly microsOf?: (seconds: number) => number | undefined;
}

export function createAudioSpending(
  { spend, now }: {
    readonly spend: SpendPort;
    readonly now: () => number;
  },
) {
  /** Reservations are made one after the other, so that two never take the same rest of a budget. */
  let last: Promise<unknown> = Promise.resolve();
  const audio = {
    /**
     * Finds a spent budget, before a request.
     *
     * @throws {unknown} The store's error, as a rejection.
     */
    check: async ({ message, agentId }: AudioPayer): Promise<BudgetStop | undefined> =>
      await spend.check(usedBy(message, agentId), "audio"),
    /** @param startedAt Unix time in milliseconds of the request. */
    record(
      { modelId, microsOf }: AudioModel,
      seconds: number,
      startedAt: number,
      { message, agentId }: AudioPayer,
    ): void {
      const { roleIds: _, ...by } = usedBy(message, agentId);
      spend.record({
        ...by,
        kind: "audio",
        model: modelId,
        inputTokens: 0,
        cachedTokens: 0,
        outputTokens: 0,
        micros: microsOf?.(seconds),
        ms: Math.max(0, now() - startedAt),
        audioSec: seconds,
        at: now(),
      });
    },
    /**
     * Counts seconds before a model hears or speaks them, as people may ask at the same time.
     *
     * @returns Corrects the count, once the seconds are known.
     * @throws {BudgetSpent} Or the store's error, as a rejection.
     */
    reserve(
      model: AudioModel,
      seconds: number,
      payer: AudioPayer,
    ): Promise<(known: number) => void> {
      const startedAt = now();
      const made = last.then(async () => {
        const stop = await audio.check(payer);
        if (stop) throw new BudgetSpent(stop);
        audio.record(model, seconds, now(), payer);
        return (known: number) => audio.record(model, known - seconds, startedAt, payer);
      });
      last = made.catch(() => {}); // its caller has the error
      return made;
    },
  };
  return audio;
}
