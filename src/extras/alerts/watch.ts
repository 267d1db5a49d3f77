/** Connects the watch for alerts with health, the store, the owners and the receivers (O12). */

import type { AlertWay } from "../../core/alerts.ts";
import type { WatchedProcess } from "../../bot/bot_extra.ts";
import type { BotConfig } from "../../config/config.ts";
import { type Alerts, createAlerts } from "./alerts.ts";
import { type AlertMessage, messageText, ntfyRequest, webhookRequest } from "./words.ts";
import type { AlertFacts } from "./kinds.ts";
import { hostingOf, judgeRuns } from "../../flows/preflight/last_run.ts";
import { readBudgetsOfAll } from "../../flows/turn/spending/budgets.ts";
import { freeBytesOf } from "../../host/limits/disk_watch.ts";
import { postText } from "./post.ts";
import { readBootId } from "../../host/process/boot.ts";
import type { AccountSnapshot, Snapshot } from "../../http/snapshot.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { DAY_MS, schedule } from "../../lib/clock.ts";

type AlertsConfig = BotConfig["alerts"];

/** Milliseconds for which the schedules, the backups and the room of the disk are reused. */
const FRESH_MS = 60_000;
/** Milliseconds until an owner must be found. */
const OWNER_MS = 30_000;
/** Milliseconds for a message that is under way when the process stops. */
const LAST_MS = 1_000;

type SlowFacts = Pick<AlertFacts, "schedules" | "freeBytes" | "runs" | "backupFailure">;

export function startAlerts(
  { config, store, dataDir, env, snapshot, measure, reachOwners, metrics, now, log }:
    WatchedProcess,
): Alerts {
  const stopping = new AbortController();
  let spent: AlertFacts["budgets"] | undefined;
  let slow: { readonly facts: SlowFacts; readonly at: number } | undefined;

  async function slowFacts(): Promise<SlowFacts> {
    if (slow && now() - slow.at < FRESH_MS) return slow.facts;
    const { accounts, backup } = config();
    const [schedules, freeBytes, { failed }, runs] = await Promise.all([
      Promise.all(accounts.map(({ accountId }) => store.schedules.list(accountId))),
      freeBytesOf(dataDir),
      store.settings.backups(),
      slow ? undefined : store.gateway.runs(now() - DAY_MS),
    ]);
    const facts = {
      schedules: schedules.flat(),
      freeBytes,
      backupFailure: backup.enabled ? failed?.why : undefined,
      runs: runs
        ? judgeRuns(runs.slice(0, -1), now(), readBootId(), hostingOf(env))
        : slow?.facts.runs,
    };
    slow = { facts, at: now() };
    return facts;
  }

  /** Rejects only if the store could never be read; later, the last facts of it count. */
  async function facts(): Promise<AlertFacts> {
    const { startedAt, accounts, store: state, models } = await probed({ snapshot, measure });
    const { budgets, agentList } = config();
    const ids = agentList.map(({ id }) => id);
    const [used, read] = await Promise.all([
      readBudgetsOfAll(budgets, ids, store, now()).catch(orLast(spent)),
      slowFacts().catch(orLast(slow?.facts)),
    ]);
    spent = used;
    return { now: now(), startedAt, accounts, store: state, models, budgets: used, ...read };
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
    facts,
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

/** The snapshot. A failed probe counts until the next one, which comes late if no one asks. */
async function probed({ snapshot, measure }: {
  readonly snapshot: () => Snapshot;
  readonly measure: () => Promise<Snapshot>;
}): Promise<Snapshot> {
  const seen = snapshot();
  return seen.store.isFailing ? await measure() : seen;
}

/** Takes the last value for one that cannot be read; without one, the error stays. */
function orLast<Value>(last: Value | undefined): (error: unknown) => Value {
  return (error) => {
    if (last === undefined) throw error;
    return last;
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
