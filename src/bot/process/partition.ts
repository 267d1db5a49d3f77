/**
 * Runs one partition of the bot: its accounts, over a store of its own.
 *
 * A process has one partition of one, or several that it shares with other processes (O16). All other
 * parts of the process are single.
 */

import type { Partition } from "../../core/discord/partition.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { InvalidElsewhere } from "../../core/discord/invalid_requests.ts";
import type { Store } from "../../core/store/store.ts";
import type { EmbeddingState } from "../../core/notes/embedding.ts";
import { startPruning } from "../../flows/pruning.ts";
import type { AccountHealth } from "../../http/monitor/account_health.ts";
import { schedule } from "../../lib/clock.ts";
import { type Accounts, createAccounts } from "../account/accounts.ts";
import type { Setup } from "../rules/setup.ts";
import { createNoteMeaning } from "./note_meaning.ts";

/** A partition that this process owns. */
export interface OwnPartition {
  readonly partition: Partition;
  /** An open store that this process alone uses; the caller closes it. */
  readonly store: Store;
  /** Waits until this process may change Discord for it; absent: it always may. */
  readonly mayAct?: () => Promise<void>;
  /** Requests of other partitions that Discord holds against the address; absent: there are none. */
  readonly invalidElsewhere?: InvalidElsewhere;
}

type AccountsOptions = Parameters<typeof createAccounts>[0];
type AccountsPorts = Parameters<typeof createAccounts>[1];

/** A partition that runs. */
export interface RunningPartition extends OwnPartition {
  readonly accounts: Accounts;
  /** State of the embedding model. */
  embedding(): EmbeddingState | undefined;
  /** The config may name another embedding model. */
  reconfigured(): void;
  /** Notes may have changed. */
  wakeNotes(): void;
  /** Takes no new turn, lets running ones end, and closes resumable (G12). */
  stop(): Promise<void>;
}

/** Creates a partition; its accounts start by `accounts.start`. */
export function createPartition(
  given: OwnPartition,
  options: Omit<
    AccountsOptions,
    "store" | "partition" | "mayAct" | "invalidElsewhere" | "searchNotes"
  >,
  { setup, healthOf, now, ...ports }: Omit<AccountsPorts, "healthOf"> & {
    /** The current setup. */
    readonly setup: () => Setup;
    readonly healthOf: (accountId: AccountId, own: OwnPartition) => AccountHealth;
  },
): RunningPartition {
  const { logging } = options;
  const { partition, store, mayAct, invalidElsewhere } = given;
  const noteMeaning = createNoteMeaning({ setup, store, logging, now });
  const pruning = startPruning({ store, schedule, now, log: logging.forPart("store") });
  let stopped: Promise<void> | undefined;
  const own = {
    partition,
    store,
    ...(mayAct && { mayAct }),
    ...(invalidElsewhere && { invalidElsewhere }),
  };
  const accounts = createAccounts({
    ...options,
    ...own,
    setup: setup(),
    store: { ...store, notes: noteMeaning.notes },
    searchNotes: noteMeaning.search,
  }, { ...ports, now, healthOf: (accountId) => healthOf(accountId, own) });
  async function stop(): Promise<void> {
    pruning.stop();
    await noteMeaning.stop();
    await accounts.stop();
  }
  return {
    ...own,
    accounts,
    embedding: noteMeaning.state,
    reconfigured: noteMeaning.reconfigured,
    wakeNotes: noteMeaning.wake,
    stop: () => stopped ??= stop(),
  };
}

/** The accounts of several partitions, as the parts of the process use them. */
export function accountsOf(
  partitions: () => Iterable<RunningPartition>,
): Pick<Accounts, "running" | "first" | "each"> {
  const all = () => [...partitions()];
  return {
    running: (accountId) =>
      all().map(({ accounts }) => accounts.running(accountId)).find((one) => one !== undefined),
    first: () => all().map(({ accounts }) => accounts.first()).find((one) => one !== undefined),
    each(tell) {
      for (const { accounts } of all()) accounts.each(tell);
    },
  };
}
