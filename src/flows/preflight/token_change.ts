/**
 * Makes sure that the stored data belongs to the token's bot.
 *
 * For another bot or another server, stored sessions, guilds and waiting messages are useless, and
 * Barnacle deletes them. But a token may be mistyped: Barnacle deletes nothing before Discord has
 * confirmed that this bot exists.
 */

import { createHash } from "node:crypto";
import { waitFor } from "../../lib/clock.ts";
import { backoffMs } from "../../lib/network/backoff.ts";
import type { Account } from "../../core/account/account.ts";
import type { StoreOwner } from "../../store/gateway/gateway.ts";

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

/** Compares the stored owner with the token's bot. */
export function createTokenChange(
  { accountId, store: { gateway }, schedule, random, stopping, log }: Pick<
    Account<{ readonly gateway: Pick<StoreOwner, "isOtherPeer" | "adoptPeer"> }>,
    "accountId" | "store" | "schedule" | "random" | "stopping" | "log"
  >,
  { token, apiBase, askDiscord, isTransient }: {
    /** The bot's token, a secret. */
    readonly token: string;
    /** Base URL of Discord's REST API. */
    readonly apiBase: string;
    /** Asks Discord for the token's application; rejects without it. */
    readonly askDiscord: () => Promise<unknown>;
    /** Whether a further attempt may succeed after this error. */
    readonly isTransient: (error: unknown) => error is Error;
  },
) {
  const peer = peerOf(token, apiBase);

  /** Waits until Discord names the token's bot. */
  async function knownToDiscord(): Promise<void> {
    for (let attempt = 1;; attempt++) {
      try {
        await askDiscord();
        if (attempt > 1) log.info("Discord answers again");
        return;
      } catch (error) {
        stopping.throwIfAborted();
        if (!isTransient(error)) throw error;
        const waitMs = backoffMs(attempt, random(), WAIT);
        if (attempt === 1) {
          log.warn(
            "Cannot ask Discord which bot this token belongs to; Barnacle tries again until " +
              "Discord answers",
            { reason: error.message },
          );
        }
        await waitFor(waitMs, schedule, stopping);
        stopping.throwIfAborted();
      }
    }
  }

  return {
    /** Whether the store is empty or belongs to this bot; then there is no need to ask Discord. */
    async isOurs(): Promise<boolean> {
      if (await gateway.isOtherPeer(accountId, peer)) return false;
      await gateway.adoptPeer(accountId, peer);
      return true;
    },
    /**
     * Deletes the other bot's data, once Discord has confirmed this bot.
     *
     * @throws {RestError} If Discord refuses the token; then nothing is deleted.
     */
    async takeOver(): Promise<void> {
      await knownToDiscord();
      await gateway.adoptPeer(accountId, peer);
      log.warn(
        "Another bot or server than last time: deleted the sessions and messages of the old one",
        { accountId },
      );
    },
  };
}

/**
 * Names the server and the bot. A token begins with the bot's id, which stays when Discord
 * regenerates the token; the secret rest is left out.
 */
export function peerOf(token: string, apiBase: string): string {
  const [bot = "", ...rest] = token.split(".");
  const named = rest.length > 0 ? bot : token;
  return `${apiBase} ${createHash("sha256").update(named).digest("base64url").slice(0, 16)}`;
}
