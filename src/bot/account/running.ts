/**
 * Runs one account: its gateway, its turns, its deliveries.
 *
 * A message goes from the connection to `inbound`, which judges and stores it, then to a turn, and
 * from there through the outbox to Discord.
 */

import type { BotAccount } from "../../account/account.ts";
import { wakeChannels, wakes, wakeTurns } from "../../account/per_account.ts";
import type { Loop } from "../../account/per_account.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { refusedFinding } from "../../core/model_problem.ts";
import { catchUpOf } from "../../flows/catch_up/catch_up.ts";
import { onlineOf } from "../../flows/connection/connection.ts";
import { queuesOf } from "../../flows/deliver/deliver.ts";
import { endInbound, flushInbound, startInbound, take } from "../../flows/inbound/accept.ts";
import { interactionsAnswered, refuseAnswer } from "../../flows/inbound/interactions.ts";
import { approvals } from "../../flows/inbound/stored.ts";
import { createPolicyKeeper, intentOf, viewOf } from "../../flows/judging/judge.ts";
import { knowPause, pauseChanged } from "../../flows/interactions/stop.ts";
import { connected, resolveAgain } from "../../flows/names/name_resolver.ts";
import {
  ownerFindings,
  reachOwners,
  refusedParts,
  tellOwners,
  tellStopped,
} from "../../flows/owners/tell_owners.ts";
import { duplicateDoubt, stopDuplicateWatch } from "../../flows/preflight/duplicates.ts";
import { noteUngranted, preflight, preflightFindings } from "../../flows/preflight/preflight.ts";
import {
  cardFindings,
  cards,
  decided,
  offerForms,
  updateCards,
} from "../../flows/questions/cards.ts";
import { receipts } from "../../flows/receipts/receipts.ts";
import {
  commandFindings,
  registerAgain,
  registerLater,
  stopRegistering,
} from "../../flows/register_commands.ts";
import { claimTurns, endTurns, messagesTouched } from "../../flows/turn/turns.ts";
import { voices } from "../../flows/turn/steps.ts";
import { waitFor, whenAborted } from "../../lib/clock.ts";
import type { PartsStatus } from "../../http/monitor/health_monitor.ts";
import type { Store } from "../../store/store.ts";
import { endOf, withTokenPlace } from "../account_end.ts";
import { type OwnSetup, settingsOf } from "../rules/setup.ts";
import {
  featuresChanged,
  loadFeatures,
  startFeatures,
  stopFeatures,
} from "../../account/features.ts";

/** The loops of an account. A reload begins them anew; a stop ends them in this order. */
const LOOPS: readonly Loop[] = [preflight, approvals, cards, receipts];

/**
 * Completes an account, and connects it with its gateway and its requests. Nothing acts before
 * `held.release`.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function completeAccount(account: BotAccount): Promise<void> {
  const { bot, accountId, settings } = account;
  const keeper = await createPolicyKeeper(
    settings.config,
    settings.text,
    account.forPart("policy"),
  );
  Object.assign(account, { keeper, policy: keeper.now });
  bot.views.set(accountId, viewOf(account)); // before any message is judged
  const queues = queuesOf(account);
  Object.assign(wakes(account), {
    turns: () => claimTurns(account),
    channels: queues.wake,
    served: queues.served,
    stopped: (count: number) => tellStopped(account, count),
  });
  await loadFeatures(account, bot.features);
  connectGateway(account);
  account.stopping.addEventListener("abort", () => {
    void endInbound(account);
    void stopRegistering(account);
    void catchUpOf(account).stop(); // first, as its cancelled request is no failure to report
    account.rest.stop();
  }, { once: true });
}

/** Connects the gateway's events with the account. */
function connectGateway(account: BotAccount): void {
  const { health, now } = account;
  const { discord: { tokenPlace } } = account.config();
  let wasReady = false;
  account.connection.connect((event) => {
    switch (event.kind) {
      case "batch":
        health.delayed(Math.max(0, now() - event.batch.arrivedAt));
        return take(account, event.batch);
      case "intents":
        return noteUngranted(account, event.missing);
      case "budget":
        return health.refresh();
      case "state": {
        health.setConnection(event.state);
        const isReady = event.state.state === "ready";
        if (isReady && !wasReady) queuesOf(account).reachable();
        wasReady = isReady;
        if (!isReady) return;
        connected(account);
        registerLater(account);
        onlineOf(account).ready();
        receipts.start(account);
        return startFeatures(account);
      }
      case "beat":
        health.delayed(Math.max(0, now() - event.at)); // on a quiet server, nothing else tells
        return health.setLatency(event.latencyMs);
      case "refused":
        return refuseAnswer(account, event.interactionId);
      case "final": {
        const { final } = event;
        // An account that gave up without exiting stays, so that health can report it.
        if (final.kind === "give_up" && !final.exit) return;
        return account.end(withTokenPlace(final, tokenPlace));
      }
      case "failed":
        return account.end(endOf(event.error, tokenPlace));
    }
  });
}

/** An account that runs, for the process. */
export type RunningAccount = ReturnType<typeof handleOf>;

/**
 * Completes an account that connects already, and starts it.
 *
 * @throws {StoreError} If the store cannot be read. The caller then ends the connection.
 */
export async function runAccount(account: BotAccount): Promise<RunningAccount> {
  await completeAccount(account);
  const { accountId, store, stored } = account;
  await store.inbox.voidClaims(accountId); // claims of turns that the last run did not finish
  catchUpOf(account).resume(stored);
  await knowPause(account);
  await startInbound(account);
  wakeTurns(account);
  wakeChannels(account);
  await offerForms(account);
  cards.start(account);
  preflight.start(account);
  account.held.release();
  return handleOf(account);
}

function handleOf(account: BotAccount) {
  let stopped: Promise<void> | undefined;
  return {
    accountId: account.accountId,
    /** The bot's user id at Discord; `undefined` until it is known. */
    userId: (): UserId | undefined => account.self()?.userId,
    stats: account.connection.stats,
    status: () => statusOf(account),
    apply: (own: OwnSetup): Promise<void> => applySetup(account, own),
    /** Sends a notice to the owners; never fails, but logs. */
    tellOwners: (text: string): void => void tellOwners(account, text),
    /** Sends a notice to the owners; rejects if none could be reached. @returns Their number. */
    reachOwners: (text: string): Promise<number> => reachOwners(account, text),
    changedByCommand: (namespace: keyof Store, forgotten?: UserId): void =>
      changedByCommand(account, namespace, forgotten),
    /** See {@link stopAccount}. */
    stop: (): Promise<void> => stopped ??= stopAccount(account),
  };
}

function statusOf(account: BotAccount): PartsStatus {
  const doubt = duplicateDoubt(account);
  const catchUp = catchUpOf(account);
  const { invalidRequests, breaker, limitedMs } = account.rest.status();
  return {
    catchUp: {
      pending: catchUp.pending(),
      unreadable: catchUp.unreadable().map(({ name }) => name),
    },
    twin: doubt && !doubt.isDeploy ? { since: doubt.since, evidence: doubt.evidence } : undefined,
    findings: [
      ...preflightFindings(account),
      ...commandFindings(account),
      ...cardFindings(account),
      ...ownerFindings(account),
      ...voices(account).findings(),
      ...refusedParts(account.settings).map(refusedFinding),
    ],
    delayed: queuesOf(account).delayed(),
    rest: { invalidRequests, breaker, limitedMs },
  };
}

/** A command has changed rows of a namespace; `forgotten` is the person whom it has forgotten. */
export function changedByCommand(
  account: BotAccount,
  namespace: keyof Store,
  forgotten?: UserId,
): void {
  if (namespace === "outbox" || namespace === "pairing") wakeChannels(account);
  if (forgotten) {
    messagesTouched(account);
    updateCards(account); // of turns that begin anew
    intentOf(account).forget();
  }
  featuresChanged(account, forgotten);
  if (namespace === "questions") decided(account);
  if (namespace !== "settings") return;
  void pauseChanged(account);
  wakeTurns(account);
}

/**
 * Applies another config: what it says is read where it is used, and loops begin anew. Turns that have
 * begun finish with their old config (C9). The connection keeps its settings: changing these takes a
 * restart of the account.
 */
export async function applySetup(account: BotAccount, own: OwnSetup): Promise<void> {
  await account.keeper.apply(own.config, own.text);
  // In one step with the policy: no message is judged by one config and routed by the other.
  Object.assign(account.settings, settingsOf(own));
  account.health.setModels(own.models.ids);
  registerAgain(account);
  resolveAgain(account);
  featuresChanged(account);
  for (const one of LOOPS) await one.restart(account);
}

/** Milliseconds for answers to commands and presses at a stop: in a flood, a thousand people wait. */
const ANSWERS_MS = 3_000;

/**
 * Stops an account's parts in the order in which messages pass them. It takes no new turn, running turns
 * end, their replies leave within the grace period, and the gateway closes resumable (G12).
 */
export async function stopAccount(account: BotAccount): Promise<void> {
  const { config, rest, connection, schedule, stopping } = account;
  const graceOver = whenAborted(stopping);
  const cancelGrace = schedule(account.endGrace, config().shutdown.graceSec * 1_000);
  rest.hurry();
  stopDuplicateWatch(account);
  for (const one of LOOPS) await one.stop(account);
  await stopFeatures(account);
  await endTurns(account);
  const late = waitFor(ANSWERS_MS, schedule, stopping);
  await Promise.all([
    Promise.race([queuesOf(account).drain(), graceOver]),
    Promise.race([interactionsAnswered(account), late]),
  ]);
  // The gateway's thread defers commands at once. The main thread has all of them once that has ended.
  const closed = connection.stats() && connection.stop();
  if (closed) await Promise.race([closed.then(() => interactionsAnswered(account)), late]);
  cancelGrace();
  account.endGrace();
  await (closed ?? connection.stop());
  await catchUpOf(account).stop();
  await stopRegistering(account);
  await endInbound(account).finally(() => flushInbound(account)).catch((error: unknown) => {
    const message = "Cannot store the last events; Discord will send them again";
    account.forPart("inbox").log.error(message, { error });
  });
  await queuesOf(account).stop();
}
