/**
 * Runs one account: its gateway, its turns, its deliveries.
 *
 * A message goes from the connection to `inbound`, which judges and stores it, then to a turn, and
 * from there through the outbox to Discord. `parts.ts` creates the parts, `wiring.ts` connects
 * them.
 */

import type { AccountOptions, AccountPorts, RunningAccount } from "../account_interface.ts";
import { waitFor, whenAborted } from "../../lib/clock.ts";
import { refusedFinding } from "../../core/model_problem.ts";
import { refusedParts } from "../../account/rules.ts";
import { extraFindings, extrasChanged, stopExtras, tellExtras } from "../../account/extra_parts.ts";
import { wakeChannels, wakeTurns } from "../../account/wakes.ts";
import { catchUpOf } from "../../flows/catch_up/catch_up.ts";
import { queuesOf } from "../../flows/deliver/channel_queues.ts";
import { ownerFindings, reachOwners, tellOwners } from "../../flows/owners/tell_owners.ts";
import { settingsOf } from "../rules/setup.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import type { Loop } from "../../account/per_account.ts";
import {
  cardFindings,
  cards,
  decided,
  offerForms,
  updateCards,
} from "../../flows/questions/cards.ts";
import { endInbound, flushInbound, startInbound } from "../../flows/inbound/accept.ts";
import { vacuumLater } from "../../flows/interactions/forget.ts";
import { interactionsAnswered } from "../../flows/inbound/interactions.ts";
import { commandFindings, registerAgain, stopRegistering } from "../../flows/register_commands.ts";
import { knowPause, pauseChanged } from "../../flows/interactions/stop.ts";
import { approvals } from "../../flows/inbound/challenge.ts";
import { intentOf } from "../../flows/judging/intent.ts";
import { resolveAgain } from "../../flows/names/name_resolver.ts";
import { schedules, wakeSchedules } from "../../flows/schedules/runner.ts";
import { duplicateDoubt, stopDuplicateWatch } from "../../flows/preflight/duplicate_instance.ts";
import { turnsOf } from "../../flows/turn/account_turns.ts";
import type { GatewayParts } from "./gateway_parts.ts";
import { createParts, type Parts } from "./parts.ts";
import { connectParts } from "./wiring.ts";

/** The loops of an account. A reload begins them anew; a stop ends them in this order. */
const LOOPS: readonly Loop[] = [schedules, approvals, cards];

/**
 * Creates the other parts of an account that connects already, and starts them.
 *
 * @throws {StoreError} If the store cannot be read. The caller then ends the connection.
 */
export async function runAccount(
  gateway: GatewayParts,
  options: AccountOptions,
  toolServices: ToolServices,
  ports: AccountPorts,
): Promise<RunningAccount> {
  const { store, stored, logging, config: { discord: { accountId } } } = options;
  const parts = await createParts(gateway, options, toolServices, ports);
  connectParts(parts, options, ports);
  const { account } = parts;
  const { rest, reader, connection, connectionState } = account;
  const catchUp = catchUpOf(account);

  await store.inbox.voidClaims(accountId); // claims of turns that the last run did not finish
  catchUp.resume(stored);
  await knowPause(account);
  await startInbound(account);
  wakeTurns(account);
  wakeChannels(account);
  await offerForms(account);
  vacuumLater(account); // a restart may have come before it
  cards.start(account);
  connectionState.start();
  parts.events.release();
  let stopped: Promise<void> | undefined;

  return {
    accountId,
    userId: () => reader.self?.userId,
    stats: connection.stats,
    status() {
      const doubt = duplicateDoubt(account);
      const { invalidRequests, breaker, limitedMs } = rest.status();
      return {
        catchUp: {
          pending: catchUp.pending(),
          unreadable: catchUp.unreadable().map(({ name }) => name),
        },
        twin: doubt && !doubt.isDeploy
          ? { since: doubt.since, evidence: doubt.evidence }
          : undefined,
        findings: [
          ...connectionState.findings(),
          ...commandFindings(account),
          ...cardFindings(account),
          ...ownerFindings(account),
          ...extraFindings(account),
          ...refusedParts(account.settings).map(refusedFinding),
        ],
        delayed: queuesOf(account).delayed(),
        rest: { invalidRequests, breaker, limitedMs },
      };
    },
    apply: (...setup) => applySetup(parts, ...setup),
    reachOwners: (text) => reachOwners(account, text),
    tellOwners: (text) => void tellOwners(account, text),
    changedByCommand: (...change) => changedByCommand(parts, ...change),
    stop: () =>
      stopped ??= stopParts(parts, (error) => {
        const message = "Cannot store the last events; Discord will send them again";
        logging.forPart("inbox").error(message, { error });
      }),
  };
}

export function changedByCommand(
  { account }: Parts,
  ...[namespace, forgotten]: Parameters<RunningAccount["changedByCommand"]>
): void {
  if (namespace === "outbox" || namespace === "pairing") wakeChannels(account);
  if (forgotten) {
    turnsOf(account).touched();
    updateCards(account); // of turns that begin anew
    intentOf(account).forget();
    tellExtras(account, "personForgotten", forgotten);
  }
  if (namespace === "schedules") wakeSchedules(account);
  extrasChanged(account, namespace);
  if (namespace === "questions") decided(account);
  if (namespace !== "settings") return;
  void pauseChanged(account);
  wakeTurns(account);
}

/** Applies another config (C9): what the config says is read where it is used, and loops begin anew. */
export async function applySetup(
  { account }: Parts,
  ...[config, setup, text]: Parameters<RunningAccount["apply"]>
): Promise<void> {
  await account.keeper.apply(config, text);
  // In one step with the policy: no message is judged by one config and routed by the other.
  Object.assign(account.settings, settingsOf({ ...setup, config }));
  account.health.setModels(setup.models.ids);
  registerAgain(account);
  resolveAgain(account);
  account.connectionState.reconfigured();
  extrasChanged(account);
  for (const one of LOOPS) await one.restart(account);
}

/** Milliseconds for answers to commands and presses at a stop: in a flood, a thousand people wait. */
const ANSWERS_MS = 3_000;

/**
 * Stops an account's parts in the order in which messages pass them. Running turns end, their
 * replies leave within the grace period, and the gateway closes resumable (G12).
 */
export async function stopParts(
  { account, stopping }: Parts,
  onUnstored: (error: unknown) => void,
): Promise<void> {
  const { config, rest, connection, connectionState, schedule } = account;
  const graceOver = whenAborted(stopping.signal);
  const endGrace = schedule(() => stopping.abort(), config().shutdown.graceSec * 1_000);
  rest.hurry();
  stopDuplicateWatch(account);
  connectionState.stop();
  for (const one of LOOPS) await one.stop(account);
  await stopExtras(account);
  await turnsOf(account).stop();
  const late = waitFor(ANSWERS_MS, schedule, stopping.signal);
  await Promise.all([
    Promise.race([queuesOf(account).drain(), graceOver]),
    Promise.race([interactionsAnswered(account), late]),
  ]);
  // The gateway's thread defers commands at once. The main thread has all of them once that has ended.
  const closed = connection.stats() && connection.stop();
  if (closed) await Promise.race([closed.then(() => interactionsAnswered(account)), late]);
  endGrace();
  stopping.abort();
  await (closed ?? connection.stop());
  await catchUpOf(account).stop();
  await stopRegistering(account);
  await endInbound(account).finally(() => flushInbound(account)).catch(onUnstored);
  await queuesOf(account).stop();
}
