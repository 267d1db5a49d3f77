/**
 * The accounts of the bot: each started, changed and ended by itself.
 *
 * What is stored of an account may be another bot's, where the token is a new one; then Discord is
 * asked before anything is given up, which may take as long as Discord is away, and nobody waits
 * for it. An account that cannot go on leaves the others as they are; the bot is over when none is
 * left.
 *
 * @module
 */

import { type Config, forAccount } from "../../config/config.ts";
import type { AccountChange } from "../../config/changes.ts";
import type { AccountId, UserId } from "../../core/discord/ids.ts";
import type { InvalidRequests } from "../../core/discord/invalid_requests.ts";
import { createApplications } from "../../discord/rest/calls/application.ts";
import type { EarlyThread } from "../../discord/gateway/main/early_thread.ts";
import type { TurnRoom } from "../../flows/turn/turn_room.ts";
import type { AccountOptions, AccountPorts, RunningAccount } from "../ports.ts";
import { type AccountEnd, endOf } from "../health/account_end.ts";
import type { AccountVitals } from "../health/account_vitals.ts";
import { createTokenChange } from "./token_change.ts";
import { shareInvalidRequests } from "../outbound/invalid_requests.ts";
import type { Meter } from "../health/meters.ts";
import { createAccountRest, NO_REST_EVENTS } from "../outbound/rest.ts";
import type { Account, Setup } from "../rules/setup.ts";

export interface AccountsOptions extends
  Pick<
    AccountOptions,
    | "store"
    | "logging"
    | "version"
    | "isConnectionDebug"
    | "workerUrl"
    | "env"
    | "crashHooks"
  > {
  readonly setup: Setup;
  /** A gateway's thread, loaded ahead: for the first account. */
  readonly thread?: EarlyThread;
}

export interface AccountsPorts {
  readonly startAccount: (
    options: AccountOptions,
    ports: AccountPorts,
  ) => Promise<RunningAccount>;
  readonly meter: Meter;
  readonly room: TurnRoom;
  /** Where an account says how it is. */
  readonly vitalsOf: (accountId: AccountId) => AccountVitals;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** No account is left that goes on; told once, with how the last one ended. */
  readonly onEnd: (end: AccountEnd) => void;
}

export interface Accounts {
  /** Sets all of them going; what can heal by itself does not keep one from starting. */
  start(): Promise<void>;
  /**
   * Goes by another setup from now on; resolves once accounts that stay connected do. What connects
   * anew lets its turns end first, and is not waited for.
   */
  apply(setup: Setup, changes: readonly AccountChange[]): Promise<Applied>;
  running(accountId: AccountId): RunningAccount | undefined;
  /** Calls something of each that runs. */
  each(tell: (running: RunningAccount) => void): void;
  stop(): Promise<void>;
}

export interface Applied {
  /** Resolves once the others are started, restarted or stopped; never rejects. */
  readonly connected: Promise<void>;
}

/** What one account goes by. */
interface OwnSetup {
  readonly account: Account;
  readonly config: Config;
}

/** An account that was started. */
interface Slot {
  running?: RunningAccount;
  readonly leaving: AbortController;
  /** Resolves once it runs, will not, or waits for Discord; rejects where it cannot start. */
  begun: Promise<void>;
  /** Set where it waits for Discord; resolves once it runs, or will not. */
  adopting?: Promise<void>;
  hasEnded: boolean;
}

export function createAccounts(options: AccountsOptions, ports: AccountsPorts): Accounts {
  const { store, logging, version } = options;
  const { now, meter, room, vitalsOf } = ports;
  const log = logging.forPart("main");
  const invalid = shareInvalidRequests({ store, now, log: logging.forPart("delivery") });
  const slots = new Map<AccountId, Slot>();
  /** Starts and stops of an account come one after the other. */
  const changing = new Map<AccountId, Promise<void>>();
  let setup = options.setup;
  let { thread } = options;
  let isStopping = false;

  const isOurs = (userId: UserId): boolean =>
    [...slots.values()].some(({ running }) => running?.userId() === userId);

  function takeThread(): Pick<AccountOptions, "thread"> {
    const early = thread;
    thread = undefined;
    return early ? { thread: early } : {};
  }

  /** What an account goes by now; nothing of one that is disabled, for it is not there. */
  function ownSetup(accountId: AccountId): OwnSetup | undefined {
    const account = setup.accounts.get(accountId);
    const discord = setup.config.accounts.find((one) => one.accountId === accountId);
    return account && discord && { account, config: forAccount(setup.config, discord) };
  }

  /** Starts one of the setup; rejects where it cannot be. */
  function startOne(accountId: AccountId): Promise<void> {
    const own = ownSetup(accountId);
    if (isStopping || !own) return Promise.resolve();
    const leaving = new AbortController();
    const slot: Slot = { leaving, begun: Promise.resolve(), hasEnded: false };
    slots.set(accountId, slot);
    vitalsOf(accountId).began(own.account.model.id, () => slot.running);
    return slot.begun = begin(accountId, slot, own);
  }

  async function begin(accountId: AccountId, slot: Slot, own: OwnSetup): Promise<void> {
    const invalidRequests = await invalid.of(accountId);
    const adoption = createTokenChange({ ...own.account, accountId }, {
      store: store.gateway,
      applications() {
        const client = createAccountRest({
          ...own.account,
          config: own.config,
          version,
          invalidRequests,
        }, {
          events: () => NO_REST_EVENTS, // a refused token is also the answer
          now,
          log: logging.forPart("inbox"),
        });
        slot.leaving.signal.addEventListener("abort", () => client.stop(), { once: true });
        return Promise.resolve(createApplications(client));
      },
      stopping: slot.leaving.signal,
      log: logging.forPart("inbox"),
    });
    if (slot.leaving.signal.aborted) return;
    if (await adoption.isOurs()) return await run(accountId, slot, invalidRequests);
    slot.adopting = adoption.takeOver().then(() => run(accountId, slot, invalidRequests))
      .catch((error: unknown) => ended(accountId, slot, endOf(error)));
  }

  /** By the setup of this moment: it may have been read again since the account was to start. */
  async function run(
    accountId: AccountId,
    slot: Slot,
    invalidRequests: InvalidRequests,
  ): Promise<void> {
    const stored = await store.gateway.loadAccount(accountId);
    const by = setup;
    const own = ownSetup(accountId);
    if (slot.leaving.signal.aborted || !own) return;
    const { account, config } = own;
    const isConnectionDebug = options.isConnectionDebug || tellsAll(config);
    const running = await ports.startAccount({
      ...options,
      ...account,
      ...takeThread(),
      ...textOf(by),
      config,
      stored,
      isConnectionDebug,
      invalidRequests,
    }, {
      vitals: vitalsOf(accountId),
      meter,
      room,
      isOurs,
      now,
      onEnd: (end) => ended(accountId, slot, end),
    });
    slot.running = running;
    if (slot.hasEnded) void running.stop();
    else if (setup !== by) await applyTo(accountId, running);
  }

  async function applyTo(accountId: AccountId, running: RunningAccount): Promise<void> {
    const own = ownSetup(accountId);
    if (own) await running.apply(own.config, own.account.model, setup.text);
  }

  function ended(accountId: AccountId, slot: Slot, end: AccountEnd): void {
    if (slot.hasEnded || slot.leaving.signal.aborted) return;
    slot.hasEnded = true;
    vitalsOf(accountId).ended(end);
    const others = [...slots.values()].filter(({ hasEnded }) => !hasEnded);
    if (others.length === 0) return ports.onEnd(end);
    log.error("An account cannot go on; the others do", {
      accountId,
      end: end.kind,
      ...("code" in end && { closeCode: end.code }),
      ...("hint" in end && { hint: end.hint }),
      ...("error" in end && { error: end.error }),
    });
    void slot.running?.stop();
  }

  async function end(slot: Slot): Promise<void> {
    slot.leaving.abort();
    await slot.begun.catch(() => {}); // whoever started it is told
    await slot.adopting;
    await slot.running?.stop();
  }

  async function stopOne(accountId: AccountId): Promise<void> {
    const slot = slots.get(accountId);
    if (!slot) return;
    await end(slot);
    slots.delete(accountId);
    vitalsOf(accountId).left();
  }

  /** Beside others that run: what keeps it from starting is its own end, and nobody else's. */
  async function startAnew(accountId: AccountId): Promise<void> {
    await stopOne(accountId);
    await startOne(accountId).catch((error: unknown) => {
      const slot = slots.get(accountId);
      if (!slot) throw error;
      log.error("An account cannot start", { accountId, error });
      ended(accountId, slot, endOf(error));
    });
  }

  /** One that does not run yet, for it waits for Discord, will go by it when it does. */
  async function applyInPlace({ accountId, does }: AccountChange): Promise<void> {
    const running = does === "apply" ? slots.get(accountId)?.running : undefined;
    if (running) await applyTo(accountId, running);
  }

  function connectAnew({ accountId, does }: AccountChange): Promise<void> {
    if (does === "keep" || does === "apply") return Promise.resolve();
    const before = changing.get(accountId) ?? Promise.resolve();
    const change = before.then(() => does === "stop" ? stopOne(accountId) : startAnew(accountId))
      .catch((error: unknown) => log.error("An account cannot be stopped", { accountId, error }));
    changing.set(accountId, change);
    return change;
  }

  return {
    async start() {
      const interrupted = await store.inbox.voidClaims();
      if (interrupted > 0) {
        log.info("Turns of the last process run again", { turns: interrupted });
      }
      await Promise.all(setup.config.accounts.map(({ accountId }) => startOne(accountId)));
    },
    async apply(next, changes) {
      if (isStopping) return { connected: Promise.resolve() };
      // The thread of a gateway tells as much as it was told to at its start.
      const needsRestart = tellsAll(setup.config) !== tellsAll(next.config);
      setup = next;
      const all = needsRestart ? changes.map(restarted) : changes;
      const connected = Promise.all(all.map(connectAnew)).then(() => {});
      await Promise.all(all.map(applyInPlace));
      return { connected };
    },
    running: (accountId) => slots.get(accountId)?.running,
    each(tell) {
      for (const { running } of slots.values()) if (running) tell(running);
    },
    async stop() {
      isStopping = true;
      await Promise.all(Array.from(slots.values(), end));
      await Promise.all(changing.values());
    },
  };
}

function tellsAll({ logLevel }: Pick<Config, "logLevel">): boolean {
  return logLevel === "connection_debug";
}

function restarted({ accountId, does }: AccountChange): AccountChange {
  return { accountId, does: does === "apply" || does === "keep" ? "restart" : does };
}

function textOf({ text }: Setup): Pick<Setup, "text"> {
  return text === undefined ? {} : { text };
}
