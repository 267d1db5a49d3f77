/**
 * Keeps one account from its start to its end: running, waiting for Discord, or ended.
 *
 * With a new token, the stored data may belong to another bot. Then Barnacle asks Discord before it
 * deletes anything. That takes as long as Discord is away, so a start does not wait for it.
 */

import { type Config, forAccount } from "../../config/config.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { InvalidRequests } from "../../core/discord/invalid_requests.ts";
import { type Applications, createApplications } from "../../discord/rest/requests/application.ts";
import type { AccountOptions, AccountPorts, RunningAccount } from "../account_interface.ts";
import { type AccountEnd, endOf, endReason } from "../account_end.ts";
import { createAccountRest, NO_REST_EVENTS } from "./account_rest.ts";
import type { AccountSetup, Setup } from "../rules/setup.ts";
import { createTokenChange } from "../../flows/preflight/token_change.ts";
import { schedule } from "../../lib/clock.ts";
import { isTokenRefused, RestError } from "../../discord/rest/exchange/rest_error.ts";

export interface AccountRunnerOptions extends
  Pick<
    AccountOptions,
    | "store"
    | "logging"
    | "version"
    | "isConnectionDebug"
    | "workerUrl"
    | "toolServices"
    | "dataDir"
    | "thread"
    | "media"
    | "env"
    | "dashboardLink"
    | "extras"
    | "crashHooks"
  > {
  readonly accountId: AccountId;
}

export type StartAccount = (
  options: AccountOptions,
  ports: AccountPorts,
) => Promise<RunningAccount>;

interface OwnSetup {
  readonly account: AccountSetup;
  readonly config: Config;
}

/** Picks the part of the setup for one account; `undefined` if it is disabled or missing. */
export function ownSetupOf(setup: Setup, accountId: AccountId): OwnSetup | undefined {
  const account = setup.accounts.get(accountId);
  const discord = setup.config.accounts.find((one) => one.accountId === accountId);
  return account && discord && { account, config: forAccount(setup.config, discord) };
}

/** Whether the log includes every gateway event. */
export function isVerbose({ log }: Pick<Config, "log">): boolean {
  return log.level === "connection_debug";
}

export function createAccountRunner(
  options: AccountRunnerOptions,
  ports: AccountPorts & {
    readonly startAccount: StartAccount;
    /** The current setup; a reload may change it before the account runs. */
    readonly setup: () => Setup;
    /** Invalid requests of the last ten minutes, of all accounts. */
    readonly invalidRequests: () => Promise<InvalidRequests>;
  },
) {
  const { accountId, store } = options;
  const { startAccount, setup, invalidRequests: readInvalid, ...accountPorts } = ports;
  const leaving = new AbortController();
  let running: RunningAccount | undefined;
  let begun: Promise<void> = Promise.resolve();
  /** Set while the account waits for Discord; resolves once it runs or has ended. */
  let adopting: Promise<void> | undefined;
  let hasEnded = false;

  async function begin(own: OwnSetup): Promise<void> {
    const invalidRequests = await readInvalid();
    const tokenChange = tokenChangeOf(options, own, invalidRequests, ports.now, leaving.signal);
    if (leaving.signal.aborted) return;
    if (await tokenChange.isOurs()) return await run(invalidRequests);
    adopting = tokenChange.takeOver().then(() => run(invalidRequests))
      .catch((error: unknown) => end(endOf(error, own.config.discord.tokenPlace)));
  }

  /** Uses the current setup, which may have changed since the start was requested. */
  async function run(invalidRequests: InvalidRequests): Promise<void> {
    const stored = await store.gateway.loadAccount(accountId);
    const current = setup();
    const own = ownSetupOf(current, accountId);
    if (leaving.signal.aborted || !own) return;
    running = await startAccount({
      ...options,
      ...own.account,
      text: current.text,
      config: own.config,
      stored,
      isConnectionDebug: options.isConnectionDebug || isVerbose(own.config),
      invalidRequests,
    }, { ...accountPorts, onEnd: end });
    if (hasEnded) void running.stop();
    else if (setup() !== current) await apply();
  }

  async function apply(): Promise<void> {
    const { text } = setup();
    const own = ownSetupOf(setup(), accountId);
    if (own) await running?.apply(own.config, own.account, text);
  }

  function end(how: AccountEnd): void {
    if (hasEnded || leaving.signal.aborted) return;
    hasEnded = true;
    ports.health.ended(endReason(how));
    ports.onEnd(how);
  }

  return {
    /** The running account; absent before its start and after its end. */
    get running(): RunningAccount | undefined {
      return running;
    },
    get hasEnded(): boolean {
      return hasEnded;
    },
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
    },
  };
}

/**
 * Starts the account, or waits for Discord first.
 *
 * @param leaving Aborted when the account is to stop.
 */
function tokenChangeOf(
  { accountId, store, logging, version }: AccountRunnerOptions,
  { account, config }: OwnSetup,
  invalidRequests: InvalidRequests,
  now: () => number,
  leaving: AbortSignal,
): ReturnType<typeof createTokenChange> {
  const log = logging.forPart("inbox");
  let applications: Applications | undefined;
  function connect(): Applications {
    const client = createAccountRest({ ...account, config, version, invalidRequests }, {
      events: () => NO_REST_EVENTS, // a refused token is an answer too
      now,
      log,
    });
    leaving.addEventListener("abort", () => client.stop(), { once: true });
    return createApplications(client);
  }
  return createTokenChange(
    { accountId, store, schedule, random: Math.random, stopping: leaving, log },
    { ...account, askDiscord: () => (applications ??= connect()).me(), isTransient },
  );
}

/** Whether Discord may answer later. A captive portal or a proxy may answer with any status. */
function isTransient(error: unknown): error is RestError {
  return error instanceof RestError && !isTokenRefused(error);
}
