/**
 * Runs the bot's accounts: starts, changes and ends each by itself.
 *
 * An account that ends leaves the others running; the bot ends with its last account.
 */

import type { AccountChange } from "../../config/changes.ts";
import { type AccountId, toAccountId, type UserId } from "../../core/discord/ids.ts";
import { type OurAccount, type OurView, recalledView } from "../../flows/judging/routing.ts";
import type { ProcessMemory } from "../../flows/process_memory.ts";
import type { TurnLimit } from "../../flows/turn/control/turn_limit.ts";
import type { Online, RunningAccount } from "../account_interface.ts";
import { type AccountEnd, endOf } from "../account_end.ts";
import { type AccountHealth } from "../../http/monitor/account_health.ts";
import { createSharedInvalidRequests } from "../../discord/rest/scheduler/global_limit.ts";
import type { Meter } from "../../http/monitor/meters.ts";
import type { Setup } from "../rules/setup.ts";
import { createKeyedQueue } from "../../lib/keyed_queue.ts";
import type { Logging } from "../../log.ts";
import {
  type AccountRunnerOptions,
  createAccountRunner,
  isVerbose,
  ownSetupOf,
  type StartAccount,
} from "./account_runner.ts";
import type { Clock } from "../../lib/clock.ts";

export interface Applied {
  /** Resolves once the others are started, restarted or stopped; never rejects. */
  readonly connected: Promise<void>;
}

/** Creates the accounts; `start` starts each of the setup. */
export function createAccounts(
  options: Omit<AccountRunnerOptions, "accountId"> & {
    readonly setup: Setup;
  },
  ports: Clock & {
    readonly startAccount: StartAccount;
    readonly meter: Meter;
    readonly turnLimit: TurnLimit;
    /** Shared by the accounts, as the limit is. */
    readonly memory: ProcessMemory;
    readonly healthOf: (accountId: AccountId) => AccountHealth;
    /** An account is online for the first time in this process. */
    readonly onOnline: (online: Online) => void;
    /** The last account has ended; called once, with its end. */
    readonly onEnd: (end: AccountEnd) => void;
  },
) {
  const { setup: firstSetup, ...runnerOptions } = options;
  const { store, logging } = options;
  const { healthOf, onEnd, ...shared } = ports;
  const { now } = shared;
  const log = logging.forPart("main");
  const invalid = createSharedInvalidRequests({
    store,
    now,
    log: logging.forPart("delivery"),
  });
  const runners = new Map<AccountId, ReturnType<typeof createAccountRunner>>();
  const views = new Map<AccountId, OurView>();
  /** Runs the starts and stops of one account one after the other. */
  const changing = createKeyedQueue<AccountId>();
  let setup = firstSetup;
  let isStopping = false;

  /** Without `noSelfTalk`, the other accounts are bots like any (N3). */
  const isOurs = (userId: UserId): boolean =>
    setup.config.router.noSelfTalk.ignoreBotMessages !== false &&
    [...runners.values()].some(({ running }) => running?.userId() === userId);

  const enabled = () => setup.config.accounts.filter(({ enabled }) => enabled);
  const ours = (): readonly OurAccount[] =>
    enabled().map(({ accountId }) => ({ accountId, view: views.get(accountId) }));

  /** Shows accounts to each other by their last user ids, until they are there. */
  async function recallOthers(): Promise<void> {
    if (enabled().length < 2) return;
    for (const { accountId } of enabled()) {
      const { self } = await store.gateway.loadAccount(accountId);
      if (self) views.set(accountId, recalledView(self.userId));
    }
  }

  /** Ends events of hooks whose account the config does not have any more (W3). */
  async function refuseOthers(): Promise<void> {
    const known = setup.config.accounts.map(({ accountId }) => accountId);
    const events = await store.hooks.refuseOthers(known, now());
    if (events > 0) log.warn("Events of hooks reach no one: their account is removed", { events });
  }

  /** Starts an account of the setup; rejects if it cannot be started. */
  function startOne(accountId: AccountId): Promise<void> {
    const own = ownSetupOf(setup, accountId);
    if (isStopping || !own) return Promise.resolve();
    const health = healthOf(accountId);
    const runnerLogging = loggingOf(accountId, logging);
    const runner = createAccountRunner({ ...runnerOptions, logging: runnerLogging, accountId }, {
      ...shared,
      health,
      setup: () => setup,
      invalidRequests: () => invalid.of(accountId),
      isOurs,
      ours,
      isOnly: () => setup.config.accounts.length === 1,
      publish: (view) => void views.set(accountId, view),
      changedInAll(...change) {
        for (const { running } of runners.values()) running?.changedByCommand(...change);
      },
      onEnd: (end) => ended(accountId, end),
    });
    runners.set(accountId, runner);
    health.began(own.account.models.ids, () => runner.running);
    return runner.start(own);
  }

  function ended(accountId: AccountId, end: AccountEnd): void {
    const others = [...runners.values()].filter(({ hasEnded }) => !hasEnded);
    if (others.length === 0) return onEnd(end);
    views.delete(accountId);
    log.error("An account has ended; the others continue", { accountId, ...endFields(end) });
    void runners.get(accountId)?.running?.stop();
  }

  async function stopOne(accountId: AccountId): Promise<void> {
    const runner = runners.get(accountId);
    if (!runner) return;
    await runner.stop();
    runners.delete(accountId);
    views.delete(accountId);
    healthOf(accountId).left();
  }

  /** Restarts an account beside running ones. A failed start ends this account alone. */
  async function startAnew(accountId: AccountId): Promise<void> {
    await stopOne(accountId);
    await startOne(accountId).catch((error: unknown) => {
      const runner = runners.get(accountId);
      if (!runner) throw error;
      log.error("An account cannot start", { accountId, error });
      const { tokenPlace = accountId } = ownSetupOf(setup, accountId)?.config.discord ?? {};
      runner.end(endOf(error, tokenPlace));
    });
  }

  function connectAnew({ accountId, does }: AccountChange): Promise<void> {
    if (does === "keep" || does === "apply") return Promise.resolve();
    return changing.run(
      accountId,
      () => does === "stop" ? stopOne(accountId) : startAnew(accountId),
    ).catch((error: unknown) => log.error("An account cannot be stopped", { accountId, error }));
  }

  return {
    /** Starts all accounts. A fault that passes by itself does not fail an account's start. */
    async start(): Promise<void> {
      const interrupted = await store.inbox.voidClaims();
      if (interrupted > 0) {
        log.info("Turns of the last process run again", { turns: interrupted });
      }
      await refuseOthers();
      await recallOthers();
      await Promise.all(setup.config.accounts.map(({ accountId }) => startOne(accountId)));
    },
    /**
     * Applies another setup. Resolves once accounts that stay connected use it. An account that must
     * reconnect first finishes its turns; the promise does not wait for that.
     */
    async apply(next: Setup, changes: readonly AccountChange[]): Promise<Applied> {
      if (isStopping) return { connected: Promise.resolve() };
      // A gateway thread keeps the log level of its start.
      const needsRestart = isVerbose(setup.config) !== isVerbose(next.config);
      setup = next;
      const all = needsRestart ? changes.map(restarted) : changes;
      const connected = Promise.all(all.map(connectAnew)).then(refuseOthers).catch(
        (error: unknown) => log.error("Cannot end events of removed accounts", { error }),
      );
      const stay = all.filter(({ does }) => does === "apply");
      await Promise.all(stay.map(({ accountId }) => runners.get(accountId)?.apply()));
      return { connected };
    },
    running: (accountId: AccountId): RunningAccount | undefined => runners.get(accountId)?.running,
    first: (): RunningAccount | undefined =>
      [...runners.values()].find(({ running }) => running)?.running,
    each(tell: (running: RunningAccount) => void): void {
      for (const { running } of runners.values()) if (running) tell(running);
    },
    /** Ends it, and resolves once nothing runs. */
    async stop(): Promise<void> {
      isStopping = true;
      await Promise.all(Array.from(runners.values(), (runner) => runner.stop()));
      await changing.idle();
    },
  };
}

export type Accounts = ReturnType<typeof createAccounts>;

function restarted({ accountId, does }: AccountChange): AccountChange {
  return { accountId, does: does === "apply" || does === "keep" ? "restart" : does };
}

function endFields(end: AccountEnd): Readonly<Record<string, unknown>> {
  return {
    end: end.kind,
    ...("code" in end && { closeCode: end.code }),
    ...("hint" in end && { hint: end.hint }),
    ...("error" in end && { error: end.error }),
  };
}

const DEFAULT: AccountId = toAccountId("default");

/** The log of an account. Its lines name it, except those of `default`, which often is the only one. */
function loggingOf(accountId: AccountId, logging: Logging): Logging {
  if (accountId === DEFAULT) return logging;
  return {
    ...logging,
    forPart: (part, fields) => logging.forPart(part, { accountId, ...fields }),
  };
}
