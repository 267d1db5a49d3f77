/**
 * Watches the checks of the running bot, and tells the owners of trouble by direct message and by the
 * webhook of the config (O12).
 *
 * An alert is stored before its message is sent, and again after it. So a crash loses none, and
 * repeats one only if it falls between the message and its record.
 */

import type { Bot } from "../../account/account.ts";
import type { Watch } from "../../account/feature_parts.ts";
import type { AlertRecord } from "../../core/finding.ts";
import { judgeHealth } from "../../http/checks.ts";
import type { Log } from "../../lib/log.ts";
import {
  afterFailure,
  afterSent,
  alertKey,
  type AlertState,
  dueAlerts,
  isOpen,
  judgeAlerts,
  messageOf,
  NO_ALERTS,
  rowOf,
} from "./decide.ts";
import { messageText, postAlert } from "./webhook.ts";
import type { AccountSnapshot } from "../../http/snapshot.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { StartTimer } from "../../lib/clock.ts";

/** Milliseconds between two looks. */
const LOOK_MS = 10_000;
/** The longest time between two looks that counts as watched. */
const MAX_STEP_MS = 30_000;

/** Milliseconds until an owner must be found. */
const OWNER_MS = 30_000;
/** Milliseconds for a message that is under way when the process stops. */
const LAST_MS = 1_000;

/** Begins the watch, with a look at once. */
export function startAlerts(bot: Bot, schedule: StartTimer): Watch {
  const { store, health: { snapshot, measure, refresh }, now } = bot;
  const log = bot.logging.forPart("health");
  const config = () => bot.setup.config;
  const stopping = new AbortController();

  let state: AlertState = NO_ALERTS;
  /** The stored records as JSON; absent before they are read. */
  let kept: string | undefined;
  /** Failures that the log has already told. */
  const isTold = { look: false, keep: false };
  let isStopped = false;
  let lookedAt: number | undefined;
  let cancel: (() => void) | undefined;
  let running: Promise<void> | undefined;

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

  async function look(): Promise<void> {
    const seen = await check();
    if (kept === undefined) {
      const records = await store.settings.alerts();
      state = { ...NO_ALERTS, records };
      kept = JSON.stringify(records);
    }
    const at = now();
    const stepMs = Math.min(MAX_STEP_MS, Math.max(0, at - (lookedAt ?? at)));
    lookedAt = at;
    const before = state;
    state = judgeAlerts(state, seen, stepMs, at);
    report(before, state, log);
    await keep();
    for (const due of dueAlerts(state, now())) {
      if (isStopped) return;
      const after = await told(due);
      const key = alertKey(due);
      const records = state.records.map((one) => alertKey(one) === key ? after : one);
      state = { ...state, records };
      await keep();
    }
  }

  /** Stores the records, if they have changed. Alerts about the store itself may stay in memory. */
  async function keep(): Promise<void> {
    const text = JSON.stringify(state.records);
    if (text === kept) return;
    try {
      await store.settings.keepAlerts(state.records, now());
      kept = text;
      isTold.keep = false;
    } catch (error) {
      if (!isTold.keep) log.warn("Cannot store which alerts are open", { error });
      isTold.keep = true;
    }
  }

  /** Tells it by all ways; one that works is enough. */
  async function told(record: AlertRecord): Promise<AlertRecord> {
    const { kind, about, owed } = record;
    const message = messageOf(record, now());
    const failures: string[] = [];
    let isSent = false;
    for (
      const way of [
        ...config().alerts.dm && reachable() !== undefined ? ["direct message" as const] : [],
        ...config().alerts.webhook ? ["webhook" as const] : [],
      ]
    ) {
      const fields = { alert: kind, about: about || undefined, event: owed?.event, way };
      try {
        const { webhook } = config().alerts;
        if (way === "webhook" && webhook) {
          await postAlert(webhook.reveal(), message, record, stopping.signal);
        } else await tellOwners(messageText(message));
        isSent = true;
        log.info("The owners were told of an alert", fields);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failures.push(`${way}: ${reason}`);
        log.warn("Cannot tell the owners of an alert", { ...fields, reason });
      }
    }
    const why = failures.join("; ") || "no way to them works now";
    return isSent ? afterSent(record, now()) : afterFailure(record, why, now());
  }

  async function lookOnce(): Promise<void> {
    try {
      await look();
      isTold.look = false;
    } catch (error) {
      if (!isTold.look) log.warn("Cannot look for alerts; will try again", { error });
      isTold.look = true;
    }
  }

  function run(): void {
    running ??= lookOnce().finally(() => {
      running = undefined;
      if (!isStopped) cancel = schedule(run, LOOK_MS);
    });
  }

  run();
  return {
    open: () => state.records.filter(isOpen),
    async lastLook() {
      await running;
      if (!isStopped) await lookOnce();
    },
    async stop() {
      isStopped = true;
      cancel?.();
      // Cut off, a message that has arrived would be sent again after the next start.
      const cancelLast = schedule(() => stopping.abort(), LAST_MS);
      await running;
      cancelLast();
    },
  };
}

/** Logs the alerts that have begun and ended. */
function report(before: AlertState, after: AlertState, log: Log): void {
  const known = new Map(before.records.map((record) => [alertKey(record), record]));
  for (const record of after.records) {
    const { kind, about, cause, fix, since, endedAt } = record;
    const old = known.get(alertKey(record));
    const wasOpen = old !== undefined && isOpen(old);
    const fields = { alert: kind, about: about || undefined };
    if (endedAt === undefined && !wasOpen) log.warn(rowOf(kind).begins, { ...fields, cause, fix });
    if (endedAt !== undefined && wasOpen) {
      log.info(rowOf(kind).ends, { ...fields, sec: Math.round((endedAt - since) / 1_000) });
    }
  }
}

function isOnline({ state, shards, rest }: AccountSnapshot): boolean {
  return state === "running" && rest.isUp && shards.length > 0 &&
    shards.every((shard) => shard.state === "ready");
}
