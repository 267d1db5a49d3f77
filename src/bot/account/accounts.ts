/**
 * Runs the bot's accounts: starts, changes and ends each by itself.
 *
 * An account that ends leaves the others running; the bot ends with its last account.
 */

import type { Bot } from "../../account/account.ts";
import type { AccountChange } from "../../config/changes.ts";
import type { AccountId, UserId } from "../../core/discord/ids.ts";
import type { InvalidRequests } from "../../discord/rest/scheduler/rate_limiter.ts";
import { askApplication } from "../../discord/rest/requests/application.ts";
import { createInvalidRequests } from "../../discord/rest/scheduler/rate_limiter.ts";
import type { OurView } from "../../flows/judging/judge.ts";
import { isOfThisBot, peerOf, takeOver } from "../../flows/preflight/before_connecting.ts";
import { createKeyedQueue, schedule } from "../../lib/clock.ts";
import { type AccountEnd, endOf, endReason } from "../account_end.ts";
import { isVerbose, type OwnSetup, ownSetupOf, type Setup } from "../rules/setup.ts";
import { createAccountRest, loggingOf, startAccount } from "./account.ts";
import type { RunningAccount } from "./running.ts";

export interface Applied {
  /** Resolves once the others are started, restarted or stopped; never rejects. */
  readonly connected: Promise<void>;
}

export type Accounts = ReturnType<typeof createAccounts>;

/**
 * Creates the accounts; `start` starts each of the setup.
 *
 * @param onEnd The last account has ended; called once, with its end.
 * @param start Starts one; a test takes another.
 */
export function createAccounts(
  bot: Bot,
  onEnd: (end: AccountEnd) => void,
  start: typeof startAccount = startAccount,
) {
  const { store, health, accounts, views, now } = bot;
  const log = bot.logging.forPart("main");
  const invalidRequests = createInvalidRequests();
  const runners = new Map<AccountId, ReturnType<typeof createRunner>>();
  /** Runs the starts and stops of one account one after the other. */
  const changing = createKeyedQueue<AccountId>();
  let isStopping = false;

  /** Shows accounts to each other by their last user ids, until they are there. */
  async function recallOthers(): Promise<void> {
    const ours = bot.setup.config.accounts.filter(({ enabled }) => enabled);
    if (ours.length < 2) return;
    for (const { accountId } of ours) {
      const { self } = await store.gateway.loadAccount(accountId);
      if (self) views.set(accountId, recalledView(self.userId));
    }
  }

  /** Ends events of hooks whose account the config does not have any more (W3). */
  async function refuseOthers(): Promise<void> {
    const known = bot.setup.config.accounts.map(({ accountId }) => accountId);
    const events = await store.hooks.refuseOthers(known, now());
    if (events > 0) log.warn("Events of hooks reach no one: their account is removed", { events });
  }

  /** Starts an account of the setup; rejects if it cannot be started. */
  async function startOne(accountId: AccountId): Promise<void> {
    const own = ownSetupOf(bot.setup, accountId);
    if (isStopping || !own) return;
    const runner = createRunner(bot, accountId, {
      start,
      invalidRequests,
      onEnd: (end) => ended(accountId, end),
    });
    runners.set(accountId, runner);
    health.accountOf(accountId).began(own.models.ids, () => accounts.get(accountId));
    await runner.start(own);
  }

  function ended(accountId: AccountId, end: AccountEnd): void {
    const others = [...runners.values()].filter(({ hasEnded }) => !hasEnded());
    if (others.length === 0) return onEnd(end);
    views.delete(accountId);
    log.error("An account has ended; the others continue", { accountId, ...endFields(end) });
    void accounts.get(accountId)?.stop();
  }

  async function stopOne(accountId: AccountId): Promise<void> {
    const runner = runners.get(accountId);
    if (!runner) return;
    await runner.stop();
    runners.delete(accountId);
    views.delete(accountId);
    health.accountOf(accountId).left();
  }

  /** Restarts an account beside running ones. A failed start ends this account alone. */
  async function startAnew(accountId: AccountId): Promise<void> {
    await stopOne(accountId);
    await startOne(accountId).catch((error: unknown) => {
      const runner = runners.get(accountId);
      if (!runner) throw error;
      log.error("An account cannot start", { accountId, error });
      const { tokenPlace = accountId } = ownSetupOf(bot.setup, accountId)?.config.discord ?? {};
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
      const ids = bot.setup.config.accounts.map(({ accountId }) => accountId);
      await Promise.all(ids.map(startOne));
    },
    /**
     * Applies another setup. Resolves once accounts that stay connected use it. An account that must
     * reconnect first finishes its turns; the promise does not wait for that.
     */
    async apply(next: Setup, changes: readonly AccountChange[]): Promise<Applied> {
      // A gateway thread keeps the log level of its start.
      const needsRestart = isVerbose(bot.setup.config) !== isVerbose(next.config);
      bot.setup = next;
      if (isStopping) return { connected: Promise.resolve() };
      const all = needsRestart ? changes.map(restarted) : changes;
      const connected = Promise.all(all.map(connectAnew)).then(refuseOthers).catch(
        (error: unknown) => log.error("Cannot end events of removed accounts", { error }),
      );
      const stay = all.filter(({ does }) => does === "apply");
      await Promise.all(stay.map(({ accountId }) => runners.get(accountId)?.apply()));
      return { connected };
    },
    /** Ends them, and resolves once nothing runs. */
    async stop(): Promise<void> {
      isStopping = true;
      await Promise.all(Array.from(runners.values(), (runner) => runner.stop()));
    },
  };
}

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

/**
 * Keeps one account from its start to its end: running, waiting for Discord, or ended.
 *
 * With a new token, the stored data may belong to another bot. Then Barnacle asks Discord before it
 * deletes anything. That takes as long as Discord is away, so a start does not wait for it.
 */
function createRunner(bot: Bot, accountId: AccountId, { start, invalidRequests, onEnd }: {
  readonly start: typeof startAccount;
  /** Invalid requests of the last ten minutes, of all accounts. */
  readonly invalidRequests: InvalidRequests;
  readonly onEnd: (end: AccountEnd) => void;
}) {
  const { store, accounts } = bot;
  const leaving = new AbortController();
  let begun: Promise<void> = Promise.resolve();
  /** Set while the account waits for Discord; resolves once it runs or has ended. */
  let adopting: Promise<void> | undefined;
  let running: RunningAccount | undefined;
  let hasEnded = false;

  async function begin(own: OwnSetup): Promise<void> {
    if (leaving.signal.aborted) return;
    const peer = peerOf(own.token, own.apiBase);
    if (await isOfThisBot(store, accountId, peer)) return await run();
    adopting = adopt(own, peer).then(run)
      .catch((error: unknown) => end(endOf(error, own.config.discord.tokenPlace)));
  }

  /** Waits until Discord knows the new bot, whose data then takes the place of the old one's. */
  async function adopt(own: OwnSetup, peer: string): Promise<void> {
    const { now, build: { version } } = bot;
    const log = loggingOf(accountId, bot.logging).forPart("inbox");
    const by = { stopping: leaving.signal, schedule, random: Math.random, log };
    // A refused token is an answer, too.
    const api = { ...own, version, invalidRequests };
    const client = createAccountRest(api, { now, log, events: {} });
    leaving.signal.addEventListener("abort", () => client.stop(), { once: true });
    await takeOver(store, accountId, peer, () => askApplication(client), by);
  }

  /** Uses the current setup, which may have changed since the start was requested. */
  async function run(): Promise<void> {
    const { setup } = bot;
    const own = ownSetupOf(setup, accountId);
    if (leaving.signal.aborted || !own) return;
    running = await start(bot, own, { invalidRequests, onEnd: end });
    accounts.set(accountId, running);
    if (hasEnded) void running.stop();
    else if (bot.setup !== setup) await apply();
  }

  async function apply(): Promise<void> {
    const own = ownSetupOf(bot.setup, accountId);
    if (own) await running?.apply(own);
  }

  function end(how: AccountEnd): void {
    if (hasEnded || leaving.signal.aborted) return;
    hasEnded = true;
    bot.health.accountOf(accountId).ended(endReason(how));
    onEnd(how);
  }

  return {
    hasEnded: () => hasEnded,
    /**
     * Resolves once the account runs, has ended, or waits for Discord; rejects if it cannot start.
     */
    start: (own: OwnSetup): Promise<void> => begun = begin(own),
    /** Applies the current setup. An account that is not running yet applies it at its start. */
    apply,
    /** Ends the account and calls `onEnd`, unless it has ended or is stopping. */
    end,
    /** Ends it, and resolves once nothing runs. */
    async stop(): Promise<void> {
      leaving.abort();
      await begun.catch(() => {}); // the caller of start() handles it
      await adopting;
      await running?.stop();
      accounts.delete(accountId);
    },
  };
}

/** The view of an account that starts: the process has only its last user id. */
export function recalledView(userId: UserId): OurView {
  return {
    userId: () => userId,
    roleIn: () => undefined,
    isIn: () => true,
    wouldAnswer: () => false,
    threadAgent: () => undefined,
  };
}
