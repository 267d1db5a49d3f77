/** Chooses the gateway intents: the wanted ones, as far as the developer portal grants them. */

import { DAY_MS } from "../../../lib/clock.ts";
import type { ApplicationAnswer, StoredAccount } from "../../../core/store/gateway.ts";
import { chooseIntents, type ReactionPlaces, toIntents } from "../read/intents.ts";
import type { Log } from "../../../lib/log.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { AccountId } from "../../../core/discord/ids.ts";
import type { GatewayRecords } from "../../../store/gateway/gateway.ts";

/** How long stored flags of the application are used without asking Discord, in milliseconds. */
const FRESH_MS = DAY_MS;

/**
 * Chooses the intents for an account, from stored or freshly read flags.
 *
 * @throws {RestError} If Discord refuses the token.
 */
export async function createIntentChoice(
  { accountId, gateway, stored }: {
    readonly accountId: AccountId;
    readonly gateway: {
      readonly intents: "agent_recommended" | readonly string[];
      readonly reactions: ReactionPlaces;
    };
    readonly stored: StoredAccount;
  },
  { readApplication, isTokenRefused, store, now, log }: Clock & {
    readonly log: Log;
    /** Reads the application, whose flags show the intents that the portal grants. */
    readonly readApplication: () => Promise<ApplicationAnswer>;
    /** Whether an error of this request means that Discord refuses the token. */
    readonly isTokenRefused: (error: unknown) => boolean;
    readonly store: Pick<GatewayRecords, "saveApplication" | "saveIntents">;
  },
) {
  const { flags } = stored;
  const wanted = toIntents(gateway.intents, gateway.reactions);

  /**
   * Reads the flags of the intents that the portal grants. Returns `undefined` if Discord cannot be
   * asked, because a bot that connected before does not wait for the answer. A missing intent is
   * asked for again at each start: the operator may have granted it and restarted the bot.
   */
  async function readFlags(): Promise<number | undefined> {
    const isFresh = flags !== undefined && now() - flags.at < FRESH_MS;
    const { missing } = chooseIntents(wanted, flags?.bits);
    if (isFresh && missing.length === 0) return flags.bits;
    try {
      const application = await readApplication();
      await store.saveApplication(accountId, application, now());
      return application.flags;
    } catch (error) {
      if (isTokenRefused(error)) throw error;
      log.warn("Cannot ask Discord for the granted intents; using the stored ones", { error });
      return flags?.bits;
    }
  }

  let chosen = chooseIntents(wanted, await readFlags());
  let saved = stored.intents;
  /** Unix time in milliseconds of the last 4014 in this process. */
  let refusedAt = -Infinity;

  return {
    get now() {
      return chosen;
    },
    /** Stores the choice if it differs from the stored one; never rejects. */
    async save(): Promise<void> {
      if (saved === chosen.bits) return;
      const { bits } = chosen;
      await store.saveIntents(accountId, bits).then(() => void (saved = bits), (error: unknown) => {
        log.error("Cannot store the intents; the next start will resume nothing", { error });
      });
    },
    /**
     * Chooses fewer intents after Discord closed an IDENTIFY with 4014, at most once a day. If the
     * intents are not the reason, Discord closes each further IDENTIFY too, and trying would spend
     * the budget (G3).
     *
     * @returns `false` if the refusal is final.
     */
    async chooseFewer(): Promise<boolean> {
      if (now() - refusedAt < DAY_MS) return false;
      refusedAt = now();
      // Discord refused, so without an answer no flag is certain.
      const application = await readApplication().catch(() => ({ flags: 0 }));
      const candidates = [chooseIntents(wanted, application.flags), chooseIntents(wanted, 0)];
      const fewer = candidates.find(({ bits }) => bits !== chosen.bits);
      const granted = fewer === candidates[0] ? application.flags : 0;
      await store.saveApplication(accountId, { ...application, flags: granted }, now()).catch(
        (error: unknown) => log.error("Cannot store the granted intents", { error }),
      );
      if (!fewer) return false;
      chosen = fewer;
      return true;
    },
  };
}

/** The chosen intents; a refusal by Discord changes them. */
export type IntentChoice = Awaited<ReturnType<typeof createIntentChoice>>;
