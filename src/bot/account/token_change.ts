/**
 * Makes sure that the stored data belongs to the token's bot.
 *
 * For another bot or another server, stored sessions, guilds and waiting messages are useless, and
 * Barnacle deletes them. But a token may be mistyped: Barnacle deletes nothing before Discord has
 * confirmed that this bot exists.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Applications } from "../../discord/rest/calls/application.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { backoffMs } from "../../lib/network/backoff.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../core/store/store.ts";
import type { Account } from "../../core/account/account.ts";
import type { RestOptions } from "../outbound/rest.ts";

/** The dependencies of the check. */
export interface TokenChangePorts {
  /** The gateway's rows in the store. */
  readonly store: Pick<Store["gateway"], "isOtherPeer" | "adoptPeer">;
  /** Created at first use, which is rare. */
  readonly applications: () => Promise<Pick<Applications, "me">>;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Gets warnings and failures. */
  readonly log: Log;
}

/** The check whether the stored data belongs to the token's bot. */
export interface TokenChange {
  /** Whether the store is empty or belongs to this bot; then there is no need to ask Discord. */
  isOurs(): Promise<boolean>;
  /**
   * Deletes the other bot's data, once Discord has confirmed this bot.
   *
   * @throws {RestError} If Discord refuses the token; then nothing is deleted.
   */
  takeOver(): Promise<void>;
}

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

/** Compares the stored owner with the token's bot. */
export function createTokenChange(
  { accountId, token, apiBase }:
    & Pick<Account, "accountId">
    & Pick<RestOptions, "token" | "apiBase">,
  { store, applications, stopping, log }: TokenChangePorts,
): TokenChange {
  const peer = peerOf(token, apiBase);

  /** Waits until Discord names the token's bot. */
  async function knownToDiscord(): Promise<void> {
    const { me } = await applications();
    for (let attempt = 1;; attempt++) {
      try {
        await me();
        if (attempt > 1) log.info("Discord answers again");
        return;
      } catch (error) {
        stopping.throwIfAborted();
        if (!(error instanceof RestError) || error.kind === "unauthorized") throw error;
        const waitMs = backoffMs(attempt, Math.random(), WAIT);
        if (attempt === 1) {
          log.warn(
            "Cannot ask Discord which bot this token belongs to; Barnacle tries again until " +
              "Discord answers",
            { reason: error.message },
          );
        }
        await sleep(waitMs, undefined, { signal: stopping });
      }
    }
  }

  return {
    async isOurs() {
      if (await store.isOtherPeer(accountId, peer)) return false;
      await store.adoptPeer(accountId, peer);
      return true;
    },
    async takeOver() {
      await knownToDiscord();
      await store.adoptPeer(accountId, peer);
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
function peerOf(token: string, apiBase: string): string {
  const [bot = "", ...rest] = token.split(".");
  const named = rest.length > 0 ? bot : token;
  return `${apiBase} ${createHash("sha256").update(named).digest("base64url").slice(0, 16)}`;
}
