/** Connects the watch for alerts with health, the store, the owners and the webhook (O12). */

import type { Bot } from "../../account/account.ts";
import { type Alerts, createAlerts } from "./alerts.ts";
import { judgeHealth } from "../../http/checks.ts";
import { messageText, postAlert } from "./webhook.ts";
import type { AccountSnapshot } from "../../http/snapshot.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { schedule } from "../../lib/clock.ts";

/** Milliseconds until an owner must be found. */
const OWNER_MS = 30_000;
/** Milliseconds for a message that is under way when the process stops. */
const LAST_MS = 1_000;

export function startAlerts(bot: Bot): Alerts {
  const { store, health: { snapshot, measure, refresh }, now } = bot;
  const config = () => bot.setup.config;
  const stopping = new AbortController();

  async function check() {
    // A failed probe counts until the next one, which comes late if no one asks.
    if (snapshot().store.isFailing) await measure();
    else await refresh();
    const seen = snapshot();
    if (!seen.slow) throw new Error("the store has not been read yet");
    return judgeHealth(seen, now());
  }

  function reachable(): AccountId | undefined {
    const { accounts: shown, store: { isFailing } } = snapshot();
    const id = isFailing ? undefined : shown.find(isOnline)?.id;
    return config().accounts.find(({ accountId }) => accountId === id)?.accountId;
  }

  async function tellOwners(text: string): Promise<void> {
    const accountId = reachable();
    const reaching = accountId && bot.accounts.get(accountId)?.reachOwners(text);
    if (!reaching) throw new Error("no account is connected");
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = schedule(() => reject(new Error("the owners are not known yet")), OWNER_MS);
    const reached = await Promise.race([reaching, late])
      .finally(cancel);
    if (reached === 0) throw new Error("no owner accepts direct messages; see `barnacle doctor`");
  }

  const alerts = createAlerts({
    check,
    ways: () => [
      ...config().alerts.dm && reachable() !== undefined ? ["direct message" as const] : [],
      ...config().alerts.webhook ? ["webhook" as const] : [],
    ],
    async send(way, message, about) {
      const { webhook } = config().alerts;
      if (way === "webhook" && webhook) {
        await postAlert(webhook.reveal(), message, about, stopping.signal);
      } else await tellOwners(messageText(message));
    },
    store: store.settings,
    schedule,
    now,
    log: bot.logging.forPart("health"),
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

function isOnline({ state, shards, rest }: AccountSnapshot): boolean {
  return state === "running" && rest.isUp && shards.length > 0 &&
    shards.every((shard) => shard.state === "ready");
}
