/**
 * Makes sure that what is stored is of the bot that the token is of.
 *
 * With another bot's token, or another server, sessions, guilds and what waits
 * are of no use, and are given up. A token may be mistyped, though: nothing is
 * given up before Discord has said that there is such a bot.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Applications } from "../../discord/rest/calls/application.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { backoffMs } from "../../lib/network/backoff.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../store/store.ts";

export interface TokenChangeOptions {
  readonly accountId: AccountId;
  readonly token: string;
  /** Base of the REST API. */
  readonly apiBase: string;
}

export interface TokenChangePorts {
  readonly store: Pick<Store["gateway"], "isOtherPeer" | "adoptPeer">;
  /** Made when it is first needed, which is seldom. */
  readonly applications: () => Promise<Pick<Applications, "me">>;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  readonly log: Log;
}

export interface TokenChange {
  /** Whether the store is of this bot, or of none yet; then nothing is to be asked. */
  isOurs(): Promise<boolean>;
  /**
   * Gives up what is another bot's, once Discord knows this one.
   *
   * @throws {RestError} If Discord refuses the token; nothing is given up then.
   */
  takeOver(): Promise<void>;
}

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

export function createTokenChange(
  { accountId, token, apiBase }: TokenChangeOptions,
  { store, applications, stopping, log }: TokenChangePorts,
): TokenChange {
  const peer = peerOf(token, apiBase);

  /** Waits until Discord has said whose token it is. */
  async function knownToDiscord(): Promise<void> {
    const { me } = await applications();
    for (let attempt = 1;; attempt++) {
      try {
        await me();
        return;
      } catch (error) {
        stopping.throwIfAborted();
        if (!(error instanceof RestError) || error.kind === "unauthorized") throw error;
        const waitMs = backoffMs(attempt, Math.random(), WAIT);
        log.warn("Cannot ask Discord whose token this is; will try again", { waitMs, error });
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
      log.warn(
        "What is stored is of another bot or server; Discord is asked before it is given up",
        {
          accountId,
        },
      );
      await knownToDiscord();
      await store.adoptPeer(accountId, peer);
      log.warn("Another bot or server than last time: what waited is given up", { accountId });
    },
  };
}

/**
 * Names the server and the bot. A token begins with the bot's id, which stays
 * when the token is made anew; the rest of it is not told.
 */
function peerOf(token: string, apiBase: string): string {
  const [bot = "", ...rest] = token.split(".");
  const named = rest.length > 0 ? bot : token;
  return `${apiBase} ${createHash("sha256").update(named).digest("base64url").slice(0, 16)}`;
}
