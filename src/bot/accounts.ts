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

import { type Config, forAccount } from "../config/config.ts";
import type { AccountChange } from "../config/changes.ts";
import type { AccountId, UserId } from "../core/ids.ts";
import { createApplications } from "../discord/rest/application.ts";
import type { EarlyThread } from "../discord/gateway/early_thread.ts";
import type { TurnRoom } from "../flows/turn_room.ts";
import { startAccount } from "./account.ts";
import type { AccountOptions, RunningAccount } from "./account_ports.ts";
import { type AccountEnd, endOf } from "./account_end.ts";
import type { AccountVitals } from "./account_vitals.ts";
import { createAdoption } from "./adoption.ts";
import { shareInvalidRequests } from "./invalid_requests.ts";
import type { Meter } from "./meters.ts";
import { restOf } from "./rest.ts";
import type { Account, Setup } from "./setup.ts";

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
  /** Goes by another setup from now on; resolves once all of it holds. */
  apply(setup: Setup, changes: readonly AccountChange[]): Promise<void>;
  running(accountId: AccountId): RunningAccount | undefined;
  /** Calls something of each that runs. */
  each(tell: (running: RunningAccount) => void): void;
  stop(): Promise<void>;
}

/** An account that was started. */
interface Slot {
  running?: RunningAccount;
  readonly leaving: AbortController;
  /** Resolves once it runs, or will not. */
  started: Promise<void>;
  hasEnded: boolean;
}

export function createAccounts(options: AccountsOptions, ports: AccountsPorts): Accounts {
  const { store, logging, version } = options;
  const { now, meter, room, vitalsOf } = ports;
  const log = logging.forPart("main");
  const invalid = shareInvalidRequests({ store, now, log: logging.forPart("delivery") });
  const slots = new Map<AccountId, Slot>();
  let setup = options.setup;
  let { thread } = options;

  const isOurs = (userId: UserId): boolean =>
    [...slots.values()].some(({ running }) => running?.userId() === userId);

  function takeThread(): Pick<AccountOptions, "thread"> {
    const early = thread;
    thread = undefined;
    return early ? { thread: early } : {};
  }

  /** Starts one of the setup; one that is disabled is not there. */
  async function startOne(accountId: AccountId): Promise<void> {
    const account = setup.accounts.get(accountId);
    const discord = setup.config.accounts.find((one) => one.accountId === accountId);
    if (!account || !discord) return;
    const config = forAccount(setup.config, discord);
    const slot: Slot = {
      leaving: new AbortController(),
      started: Promise.resolve(),
      hasEnded: false,
    };
    slots.set(accountId, slot);
    const vitals = vitalsOf(accountId);
    vitals.began(account.model.id, () => slot.running);
    const onEnd = (end: AccountEnd) => ended(accountId, slot, end);

    const invalidRequests = await invalid.of(accountId);

    async function run(account: Account): Promise<void> {
      const stored = await store.loadAccount(accountId);
      const own = { ...account, ...takeThread(), ...textOf(setup), config, stored };
      const isConnectionDebug = options.isConnectionDebug || tellsAll(config);
      slot.running = await startAccount(
        { ...options, ...own, isConnectionDebug, invalidRequests },
        { vitals, meter, room, isOurs, now, onEnd },
      );
    }

    const adoption = createAdoption({ ...account, accountId }, {
      store,
      applications() {
        const client = restOf({ ...account, config, version, invalidRequests }, {
          onRequest: () => {},
          onTokenRefused: () => {}, // its answer says so, too
          onStopped: () => {},
          now,
          log: logging.forPart("inbox"),
        });
        slot.leaving.signal.addEventListener("abort", () => client.stop(), { once: true });
        return Promise.resolve(createApplications(client));
      },
      stopping: slot.leaving.signal,
      log: logging.forPart("inbox"),
    });
    if (await adoption.isOurs()) return await run(account);
    slot.started = adoption.takeOver().then(() => run(account)).catch((error: unknown) => {
      if (!slot.leaving.signal.aborted) onEnd(endOf(error));
    });
  }

  function ended(accountId: AccountId, slot: Slot, end: AccountEnd): void {
    if (slot.hasEnded || slot.leaving.signal.aborted) return;
    slot.hasEnded = true;
    vitalsOf(accountId).ended(end);
    const others = [...slots.values()].filter(({ hasEnded }) => !hasEnded);
    if (others.length === 0) return ports.onEnd(end);
    log.error("An account cannot go on; the others do", { accountId, end: end.kind });
    void slot.running?.stop();
  }

  async function stopOne(accountId: AccountId): Promise<void> {
    const slot = slots.get(accountId);
    if (!slot) return;
    slot.leaving.abort();
    await slot.started;
    await slot.running?.stop();
    slots.delete(accountId);
    vitalsOf(accountId).left();
  }

  async function change({ accountId, does }: AccountChange): Promise<void> {
    switch (does) {
      case "keep":
        return;
      case "apply": {
        const discord = setup.config.accounts.find((one) => one.accountId === accountId);
        const account = setup.accounts.get(accountId);
        if (!discord || !account) return;
        const { text } = setup;
        await slots.get(accountId)?.started;
        await slots.get(accountId)?.running?.apply(
          forAccount(setup.config, discord),
          account.model,
          text,
        );
        return;
      }
      case "restart":
        await stopOne(accountId);
        return await startOne(accountId);
      case "start":
        return await startOne(accountId);
      case "stop":
        return await stopOne(accountId);
    }
  }

  return {
    async start() {
      await Promise.all(setup.config.accounts.map(({ accountId }) => startOne(accountId)));
    },
    async apply(next, changes) {
      // The thread of a gateway tells as much as it was told to at its start.
      const isToldAnew = tellsAll(setup.config) !== tellsAll(next.config);
      setup = next;
      await Promise.all(changes.map((one) => change(isToldAnew ? restarted(one) : one)));
    },
    running: (accountId) => slots.get(accountId)?.running,
    each(tell) {
      for (const { running } of slots.values()) if (running) tell(running);
    },
    async stop() {
      for (const { leaving } of slots.values()) leaving.abort();
      await Promise.all(Array.from(slots.values(), async (slot) => {
        await slot.started;
        await slot.running?.stop();
      }));
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
