/**
 * Which intents the gateway is asked for: the wanted ones, as far as the portal grants them.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { DAY_MS } from "../../core/discord/day.ts";
import {
  chooseIntents,
  type ChosenIntents,
  toIntents,
} from "../../discord/gateway/read/intents.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import type { Log } from "../../lib/log.ts";
import type { StoredAccount } from "../../store/gateway/accounts.ts";
import type { Store } from "../../store/store.ts";

export interface IntentChoiceOptions {
  readonly config: Config;
  /** What the store knows of the account. */
  readonly stored: StoredAccount;
}

export interface IntentChoicePorts {
  /** The application's flags: which intents the portal has granted. */
  readonly readFlags: () => Promise<number>;
  readonly store: Pick<Store["gateway"], "saveFlags" | "saveIntents">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

export interface IntentChoice {
  readonly now: ChosenIntents;
  /** Stores the choice, if the store has another one; never fails. */
  save(): Promise<void>;
  /**
   * Discord closed an IDENTIFY with 4014. Chooses fewer intents, once a day: Discord closes each
   * IDENTIFY that follows if the intents are not the reason, and trying would spend the budget (G3).
   *
   * @returns `false` if the refusal is final.
   */
  chooseFewer(): Promise<boolean>;
}

/** For how long the application's flags are taken without asking, in milliseconds. */
const FRESH_MS = DAY_MS;

/** @throws {RestError} If Discord refuses the token. */
export async function chooseForAccount(
  options: IntentChoiceOptions,
  ports: IntentChoicePorts,
): Promise<IntentChoice> {
  const { config: { discord: { accountId, gateway } }, stored } = options;
  const { readFlags, store, now, log } = ports;
  const wanted = toIntents(gateway.intents);
  let chosen = chooseIntents(wanted, await flagsOf(options, ports));
  let saved = stored.intents;
  /** Unix time in milliseconds of the last 4014 in this process. */
  let refusedAt = -Infinity;

  return {
    get now() {
      return chosen;
    },
    async save() {
      if (saved === chosen.bits) return;
      const { bits } = chosen;
      await store.saveIntents(accountId, bits).then(() => void (saved = bits), (error: unknown) => {
        log.error("Cannot store the intents; the next start will resume nothing", { error });
      });
    },
    async chooseFewer() {
      if (now() - refusedAt < DAY_MS) return false;
      refusedAt = now();
      const flags = await readFlags().catch(() => 0); // Discord refused: nothing more is known
      const candidates = [chooseIntents(wanted, flags), chooseIntents(wanted, 0)];
      const fewer = candidates.find(({ bits }) => bits !== chosen.bits);
      const granted = fewer === candidates[0] ? flags : 0;
      await store.saveFlags(accountId, granted, now()).catch((error: unknown) => {
        log.error("Cannot store which intents the bot may have", { error });
      });
      if (!fewer) return false;
      chosen = fewer;
      return true;
    },
  };
}

/**
 * Which intents the portal has granted; `undefined` if Discord cannot be asked, for a bot that has
 * connected before does not wait for the answer. A missing intent is asked for again at each start:
 * the operator was told to grant it, and has restarted the bot.
 */
async function flagsOf(
  { config: { discord }, stored: { flags } }: IntentChoiceOptions,
  { readFlags, store, now, log }: IntentChoicePorts,
): Promise<number | undefined> {
  const isFresh = flags !== undefined && now() - flags.at < FRESH_MS;
  const { missing } = chooseIntents(toIntents(discord.gateway.intents), flags?.bits);
  if (isFresh && missing.length === 0) return flags.bits;
  try {
    const bits = await readFlags();
    await store.saveFlags(discord.accountId, bits, now());
    return bits;
  } catch (error) {
    if (error instanceof RestError && error.kind === "unauthorized") throw error;
    log.warn("Cannot ask Discord which intents the bot may have; going by what is known", {
      error,
    });
    return flags?.bits;
  }
}
