/** Connects the watch for alerts with health, the store, the owners and the receivers (O12). */

import type { AlertWay } from "../../core/alerts.ts";
import type { WatchedProcess } from "../../bot/bot_extra.ts";
import type { BotConfig } from "../../config/config.ts";
import { type Alerts, createAlerts } from "./alerts.ts";
import { type AlertMessage, messageText, ntfyRequest, webhookRequest } from "./words.ts";
import { judgeHealth } from "../../http/checks.ts";
import { postText } from "./post.ts";
import type { AccountSnapshot } from "../../http/snapshot.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { schedule } from "../../lib/clock.ts";

type AlertsConfig = BotConfig["alerts"];

/** Milliseconds for which figures of the store are reused. */
const FRESH_MS = 10_000;
/** Milliseconds until an owner must be found. */
const OWNER_MS = 30_000;
/** Milliseconds for a message that is under way when the process stops. */
const LAST_MS = 1_000;

export function startAlerts(
  { config, store, snapshot, measure, refresh, reachOwners, metrics, now, log }: WatchedProcess,
): Alerts {
  const stopping = new AbortController();
  let readAt = -Infinity;

  /** A failed probe counts until the next one, which comes late if no one asks. */
  async function check() {
    if (snapshot().store.isFailing) await measure();
    else if (now() - readAt >= FRESH_MS) {
      readAt = now();
      await refresh();
    }
    const seen = snapshot();
    if (!seen.slow || !seen.budgets) throw new Error("the store has not been read yet");
    return judgeHealth(seen, now());
  }

  function reachable(): AccountId | undefined {
    const { accounts: shown, store: { isFailing } } = snapshot();
    const id = isFailing ? undefined : shown.find(isOnline)?.id;
    return config().accounts.find(({ accountId }) => accountId === id)?.accountId;
  }

  async function tellOwners(message: AlertMessage): Promise<void> {
    const accountId = reachable();
    const reaching = accountId && reachOwners(accountId, messageText(message));
    if (!reaching) throw new Error("no account is connected");
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = schedule(() => reject(new Error("the owners are not known yet")), OWNER_MS);
    const reached = await Promise.race([reaching, late])
      .finally(cancel);
    if (reached === 0) throw new Error("no owner accepts direct messages; see `barnacle doctor`");
  }

  const alerts = createAlerts({
    times: () => config().alerts,
    check,
    ways: () => waysOf(config().alerts).filter((way) => way !== "dm" || reachable() !== undefined),
    async send(way, message) {
      if (way === "dm") await tellOwners(message);
      else await sendAlert(config().alerts, way, message, stopping.signal);
    },
    store: store.settings,
    onSent: (kind, way, isSent) =>
      metrics.alerts.inc({ kind, way, outcome: isSent ? "sent" : "failed" }),
    schedule,
    now,
    log,
  });
  alerts.start();
  return {
    ...alerts,
    async stop() {
      // Cut off, a message that has arrived would be sent again after the next start.
      const cancel = schedule(() => stopping.abort(), LAST_MS);
      await alerts.stop();
      cancel();
    },
  };
}

/** The configured ways, in order. */
export function waysOf({ ways, webhook, ntfy }: AlertsConfig): readonly AlertWay[] {
  return ways.filter((way) => way === "dm" || (way === "webhook" ? webhook : ntfy));
}

/**
 * Sends a message to a receiver of the config.
 *
 * @throws {PostError} With words for the operator.
 */
export async function sendAlert(
  { webhook, ntfy, ntfyToken }: AlertsConfig,
  way: "webhook" | "ntfy",
  message: AlertMessage,
  signal: AbortSignal,
): Promise<void> {
  const address = way === "webhook" ? webhook : ntfy;
  if (!address) throw new Error(`the config has no alerts.${way}`);
  const request = way === "webhook"
    ? webhookRequest(message)
    : ntfyRequest(message, ntfyToken?.reveal());
  await postText(address.reveal(), request, signal);
}

function isOnline({ state, shards, rest }: AccountSnapshot): boolean {
  return state === "running" && rest.isUp && shards.length > 0 &&
    shards.every((shard) => shard.state === "ready");
}
