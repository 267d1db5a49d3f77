/**
 * Asks Discord what an account must know before it connects: where the gateway is, and whether the token
 * is of the bot whose data the store has. It asks until Discord answers: a box often boots before its
 * router.
 */

import { createHash } from "node:crypto";
import type { BotAccount } from "../../account/account.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { GatewayInfo } from "../../core/discord/gateway.ts";
import { isTokenRefused, RestError } from "../../discord/rest/exchange/exchange.ts";
import { DAY_MS, type StartTimer, waitFor } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { backoffMs } from "../../lib/network/backoff.ts";
import type { Store } from "../../store/store.ts";

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

/**
 * Asks again while Discord is unreachable. A captive portal or a proxy may answer with any status.
 *
 * @param failed Hears of each failure and of the wait after it; what it returns is the answer.
 * @throws {RestError} If Discord refuses the token.
 * @throws {unknown} The reason of the stop.
 */
async function untilAnswered<Answer>(
  ask: () => Promise<Answer>,
  { stopping, schedule, random }: {
    readonly stopping: AbortSignal;
    readonly schedule: StartTimer;
    readonly random: () => number;
  },
  failed: (error: RestError, waitMs: number) => Answer | undefined | void,
): Promise<Answer> {
  for (let attempt = 1;; attempt++) {
    try {
      return await ask();
    } catch (error) {
      stopping.throwIfAborted(); // the stop ended the request: no failure, and no further attempt
      if (!(error instanceof RestError) || isTokenRefused(error)) throw error;
      const waitMs = backoffMs(attempt, random(), WAIT);
      const answer = failed(error, waitMs);
      if (answer !== undefined) return answer;
      await waitFor(waitMs, schedule, stopping);
      stopping.throwIfAborted();
    }
  }
}

/**
 * Finds the gateway's URL and limits: by Discord's answer of the last day, or a new one. While Discord is
 * unreachable, an older answer serves.
 *
 * @throws {RestError} If Discord refuses the token.
 * @throws {unknown} The reason of the stop.
 */
export async function locateGateway(
  account: BotAccount,
  readGatewayInfo: () => Promise<GatewayInfo>,
): Promise<GatewayInfo> {
  const { accountId, store, stored: { gateway, limit }, now, log } = account;
  const last = gateway && limit && { url: gateway.url, limit };
  if (last && now() - gateway.at < DAY_MS) return last;
  return await untilAnswered(
    async () => {
      const place = await readGatewayInfo();
      await store.gateway.saveGateway(accountId, place, now()).catch((error: unknown) =>
        log.error("Cannot store the gateway's URL; will ask again at the next start", { error })
      );
      return place;
    },
    account,
    (error, waitMs) => {
      if (!last) {
        log.warn("Cannot ask Discord for its gateway's URL; will try again", { waitMs, error });
        return undefined;
      }
      log.warn("Cannot ask Discord for its gateway's URL; using the last known one", { error });
      return last;
    },
  );
}

/**
 * Whether the store is empty, or has data of this bot on this server; else its sessions, guilds and
 * waiting messages are useless.
 *
 * @param peer See {@link peerOf}.
 */
export async function isOfThisBot(
  { gateway }: Store,
  accountId: AccountId,
  peer: string,
): Promise<boolean> {
  if (await gateway.isOtherPeer(accountId, peer)) return false;
  await gateway.adoptPeer(accountId, peer);
  return true;
}

/**
 * Deletes the other bot's data, once Discord has confirmed this bot: a token may be mistyped.
 *
 * @param askDiscord Asks for the token's application.
 * @throws {RestError} If Discord refuses the token; then nothing is deleted.
 * @throws {unknown} The reason of the stop.
 */
export async function takeOver(
  { gateway }: Store,
  accountId: AccountId,
  peer: string,
  askDiscord: () => Promise<unknown>,
  by: Parameters<typeof untilAnswered>[1] & { readonly log: Log },
): Promise<void> {
  const { log } = by;
  let isAway = false;
  await untilAnswered(askDiscord, by, ({ message: reason }) => {
    if (!isAway) {
      log.warn(
        "Cannot ask Discord which bot this token belongs to; Barnacle tries again until " +
          "Discord answers",
        { reason },
      );
    }
    isAway = true;
  });
  if (isAway) log.info("Discord answers again");
  await gateway.adoptPeer(accountId, peer);
  log.warn(
    "Another bot or server than last time: deleted the sessions and messages of the old one",
    { accountId },
  );
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
