/**
 * Gives answers that the gateway's thread has deferred (K5).
 *
 * The thread defers in a request of its own. The answer may overtake that request, and Discord then
 * does not know the interaction's webhook yet, so it is tried again. The answer replaces the
 * deferral, so an interaction that is answered twice shows one answer.
 *
 * @module
 */

import { createdAtMs, parseSnowflake } from "../../core/discord/ids.ts";
import type { Interaction } from "../../core/inbound/interactions.ts";
import type { Schedule } from "../../lib/schedule.ts";

/** Everything that deferred answers need from outside. */
export interface DeferredPorts {
  /** Gives the deferred answer. */
  readonly complete: (interaction: Interaction, content: string) => Promise<void>;
  /** Sends an answer to the person alone, once the interaction's token has expired. */
  readonly tellLate: (interaction: Interaction, content: string) => Promise<void>;
  /** Whether Discord does not know that the answer was deferred, or does not yet. */
  readonly isUnknown: (error: unknown) => boolean;
  /** Waits between tries of the answer. */
  readonly schedule: Schedule;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Milliseconds between tries: 6 s in all, twice as long as Discord takes a deferral. */
const RETRY_MS: readonly number[] = [250, 750, 2_000, 3_000];

/** Milliseconds for which a token is used: Discord takes it for 15 minutes from its own clock. */
const TOKEN_MS = 15 * 60_000 - 10_000;

/**
 * Creates the function that gives deferred answers.
 *
 * @returns Rejects if Discord refuses the answer.
 */
export function createDeferred(
  { complete, tellLate, isUnknown, schedule, now }: DeferredPorts,
): (interaction: Interaction, content: string) => Promise<void> {
  const wait = (ms: number) => new Promise<void>((resolve) => void schedule(resolve, ms));

  return async (interaction, content) => {
    if (isExpired(interaction, now())) return await tellLate(interaction, content);
    for (const waitMs of RETRY_MS) {
      try {
        return await complete(interaction, content);
      } catch (error) {
        if (!isUnknown(error)) throw error;
        await wait(waitMs);
      }
    }
    await complete(interaction, content);
  };
}

function isExpired({ id }: Interaction, now: number): boolean {
  const snowflake = parseSnowflake<"interaction">(id);
  return snowflake !== undefined && now - createdAtMs(snowflake) >= TOKEN_MS;
}
