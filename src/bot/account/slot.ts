/**
 * One account from its start to its end, whether it runs, waits for Discord or cannot go on.
 *
 * What is stored of an account may be another bot's, if the token is a new one. Then Discord is
 * asked before anything is given up, which may take as long as Discord is away; a start does not
 * wait for it.
 *
 * @module
 */

import { type Config, forAccount } from "../../config/config.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { InvalidRequests } from "../../core/discord/invalid_requests.ts";
import { createApplications } from "../../discord/rest/calls/application.ts";
import type { AccountOptions, AccountPorts, RunningAccount } from "../ports.ts";
import { type AccountEnd, endOf } from "../health/account_end.ts";
import { createAccountRest, NO_REST_EVENTS } from "../outbound/rest.ts";
import type { Account, Setup } from "../rules/setup.ts";
import { createTokenChange, type TokenChange } from "./token_change.ts";

export interface SlotOptions extends
  Pick<
    AccountOptions,
    | "store"
    | "logging"
    | "version"
    | "isConnectionDebug"
    | "workerUrl"
    | "thread"
    | "env"
    | "crashHooks"
  > {
  readonly accountId: AccountId;
}

export type StartAccount = (
  options: AccountOptions,
  ports: AccountPorts,
) => Promise<RunningAccount>;

export interface SlotPorts extends AccountPorts {
  readonly startAccount: StartAccount;
  /** As of now: it may be read again before the account runs. */
  readonly setup: () => Setup;
  readonly invalidRequests: () => Promise<InvalidRequests>;
}

/** An account that was started. */
export interface Slot {
  readonly running: RunningAccount | undefined;
  readonly hasEnded: boolean;
  /** Resolves once it runs, will not, or waits for Discord; rejects if it cannot start. */
  start(own: OwnSetup): Promise<void>;
  /** Goes by the setup of now. An account that does not run yet will, when it does. */
  apply(): Promise<void>;
  /** It cannot go on; `onEnd` hears of it, unless it has ended or is being stopped. */
  end(end: AccountEnd): void;
  stop(): Promise<void>;
}

/** The part of the setup that one account goes by. */
export interface OwnSetup {
  readonly account: Account;
  readonly config: Config;
}

/** `undefined` for a disabled account, and for one that is not there. */
export function ownSetupOf(setup: Setup, accountId: AccountId): OwnSetup | undefined {
  const account = setup.accounts.get(accountId);
  const discord = setup.config.accounts.find((one) => one.accountId === accountId);
  return account && discord && { account, config: forAccount(setup.config, discord) };
}

/** Whether all that happens on the gateway is logged. */
export function isVerbose({ logLevel }: Pick<Config, "logLevel">): boolean {
  return logLevel === "connection_debug";
}

export function createSlot(options: SlotOptions, ports: SlotPorts): Slot {
  const { accountId, store } = options;
  const { startAccount, setup, invalidRequests: readInvalid, ...accountPorts } = ports;
  const leaving = new AbortController();
  let running: RunningAccount | undefined;
  let begun: Promise<void> = Promise.resolve();
  /** Set if it waits for Discord; resolves once it runs, or will not. */
  let adopting: Promise<void> | undefined;
  let hasEnded = false;

  async function begin(own: OwnSetup): Promise<void> {
    const invalidRequests = await readInvalid();
    const adoption = adoptionOf(options, own, invalidRequests, ports.now, leaving.signal);
    if (leaving.signal.aborted) return;
    if (await adoption.isOurs()) return await run(invalidRequests);
    adopting = adoption.takeOver().then(() => run(invalidRequests))
      .catch((error: unknown) => end(endOf(error)));
  }

  /** By the setup of this moment: it may have been read again since the account was to start. */
  async function run(invalidRequests: InvalidRequests): Promise<void> {
    const stored = await store.gateway.loadAccount(accountId);
    const by = setup();
    const own = ownSetupOf(by, accountId);
    if (leaving.signal.aborted || !own) return;
    running = await startAccount({
      ...options,
      ...own.account,
      ...(by.text !== undefined && { text: by.text }),
      config: own.config,
      stored,
      isConnectionDebug: options.isConnectionDebug || isVerbose(own.config),
      invalidRequests,
    }, { ...accountPorts, onEnd: end });
    if (hasEnded) void running.stop();
    else if (setup() !== by) await apply();
  }

  async function apply(): Promise<void> {
    const { text } = setup();
    const own = ownSetupOf(setup(), accountId);
    if (own) await running?.apply(own.config, own.account.model, text);
  }

  function end(how: AccountEnd): void {
    if (hasEnded || leaving.signal.aborted) return;
    hasEnded = true;
    ports.vitals.ended(how);
    ports.onEnd(how);
  }

  return {
    get running() {
      return running;
    },
    get hasEnded() {
      return hasEnded;
    },
    start: (own) => begun = begin(own),
    apply,
    end,
    async stop() {
      leaving.abort();
      await begun.catch(() => {}); // the caller of start() hears of it
      await adopting;
      await running?.stop();
    },
  };
}

/** @param leaving Aborted when the account is to stop. */
function adoptionOf(
  { accountId, store, logging, version }: SlotOptions,
  { account, config }: OwnSetup,
  invalidRequests: InvalidRequests,
  now: () => number,
  leaving: AbortSignal,
): TokenChange {
  const log = logging.forPart("inbox");
  return createTokenChange({ ...account, accountId }, {
    store: store.gateway,
    applications() {
      const client = createAccountRest({ ...account, config, version, invalidRequests }, {
        events: () => NO_REST_EVENTS, // a refused token is also the answer
        now,
        log,
      });
      leaving.addEventListener("abort", () => client.stop(), { once: true });
      return Promise.resolve(createApplications(client));
    },
    stopping: leaving,
    log,
  });
}
