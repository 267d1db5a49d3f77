/**
 * Finds which privileged intents Discord's portal grants, by the application's flags (G9).
 *
 * A first start waits for the answer, so the question goes out before the account's parts are made.
 * It is also the one that tells whether Discord accepts the token: nothing else is asked before.
 *
 * @module
 */

import type { DiscordConfig } from "../config/config.ts";
import { DAY_MS } from "../core/day.ts";
import { chooseIntents, toIntents } from "../discord/gateway/intents.ts";
import { RestError } from "../discord/rest/rest_error.ts";
import type { Log } from "../lib/log.ts";
import type { StoredAccount } from "../store/accounts.ts";
import type { Store } from "../store/store.ts";

export interface FlagsPorts {
  /** Asks Discord. */
  readonly readFlags: () => Promise<number>;
  readonly store: Pick<Store, "saveFlags">;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

export interface GrantedFlags {
  /** Resolves once the first answer is there, whatever it says; throws if the token is refused. */
  asked(): Promise<void>;
  /**
   * Gives the flags; to be called once the network is known to work. `undefined` if Discord does
   * not say and nothing is stored, because a bot should not wait for that.
   *
   * @throws {RestError} If Discord refuses the token.
   */
  read(): Promise<number | undefined>;
  /** Asks again. */
  again(): Promise<number>;
}

/** How long stored flags are used without asking, in milliseconds. */
const FRESH_MS = DAY_MS;

/**
 * Asks at once, unless the stored flags are fresh and grant every intent that the config wants: an
 * operator who was told to switch on an intent restarts the bot then.
 */
export function askFlags(
  { accountId, gateway }: Pick<DiscordConfig, "accountId" | "gateway">,
  stored: StoredAccount["flags"],
  { readFlags, store, stopping, now, log }: FlagsPorts,
): GrantedFlags {
  const isFresh = stored !== undefined && now() - stored.at < FRESH_MS;
  const { missing } = chooseIntents(toIntents(gateway.intents), stored?.bits);
  if (isFresh && missing.length === 0) {
    return {
      asked: () => Promise.resolve(),
      read: () => Promise.resolve(stored.bits),
      again: readFlags,
    };
  }
  const first = settled(readFlags());

  return {
    async asked() {
      const result = await first;
      if (result.status === "rejected" && isRefusal(result.reason)) throw result.reason;
    },
    async read() {
      let result = await first;
      stopping.throwIfAborted();
      // It may have been asked before there was a network.
      if (result.status === "rejected" && !isRefusal(result.reason)) {
        result = await settled(readFlags());
      }
      if (result.status === "fulfilled") {
        await store.saveFlags(accountId, result.value, now());
        return result.value;
      }
      if (isRefusal(result.reason)) throw result.reason;
      log.warn("Cannot ask Discord which intents the bot may have; going by what is known", {
        error: result.reason,
      });
      return stored?.bits;
    },
    again: readFlags,
  };
}

/** Whether Discord does not accept the token. */
export function isRefusal(error: unknown): boolean {
  return error instanceof RestError && error.kind === "unauthorized";
}

async function settled<T>(asking: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([asking]);
  return result;
}
