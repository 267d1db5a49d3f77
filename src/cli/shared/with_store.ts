/** Runs a command with the store open, reports errors, and finds the accounts that it acts on. */

import { type BotConfig, type Config, forAccount } from "../../config/config.ts";
import { type AccountId, toAccountId } from "../../core/discord/ids.ts";
import { quoted } from "../../lib/text/quoted.ts";
import type { Store } from "../../store/store.ts";
import type { Io } from "../terminal/io.ts";
import type { CommonFlags } from "./command.ts";
import { EXIT, type ExitCode, StartError } from "./exit_code.ts";
import { type DataChoice, dataProblem, useData } from "./find_data.ts";
import { reportingErrors } from "./start_error.ts";
import { type CommandStore, isDataNamed, openForCommand } from "./store_access.ts";

/**
 * Finds the account of `--account`; without it `default`, or the only account.
 *
 * @throws {StartError} If it does not exist, or the choice is ambiguous.
 */
export function whichAccount(config: BotConfig, flag: string | undefined): Config {
  const { accounts } = config;
  const wanted = flag === undefined ? undefined : toAccountId(flag);
  const only = accounts.length === 1 ? accounts[0] : undefined;
  const account = wanted === undefined
    ? accounts.find(({ accountId }) => accountId === DEFAULT) ?? only
    : accounts.find(({ accountId }) => accountId === wanted);
  if (account) return forAccount(config, account);
  const known = accounts.map(({ accountId }) => accountId).join(", ");
  throw new StartError(
    wanted === undefined
      ? `several accounts: choose one with --account (${known})`
      : `unknown account ${quoted(wanted)}; accounts: ${known}`,
    EXIT.usage,
  );
}

/**
 * Lists the accounts of a store, including accounts that the config no longer has.
 *
 * @param flag Value of `--account`, which selects one of them.
 * @throws {StartError} If the store has no data of that account.
 */
export async function accountsIn(
  store: Store["gateway"],
  flag: string | undefined,
): Promise<readonly AccountId[]> {
  const known = await store.accountIds();
  if (flag === undefined) return known;
  const wanted = toAccountId(flag);
  if (known.includes(wanted)) return [wanted];
  throw new StartError(
    `no data of account ${quoted(wanted)}; accounts with data: ${known.join(", ")}`,
    EXIT.usage,
  );
}

const DEFAULT: AccountId = toAccountId("default");

/**
 * Opens the store, runs the work, and closes the store. Without a store it reports that, because an
 * empty result would look like a good one.
 */
export function withStore(
  flags: CommonFlags,
  io: Io,
  work: (
    store: Store,
    place: { readonly dataDir: string; readonly holder: CommandStore["holder"] },
  ) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withData(flags, io, async (place) => {
    const opened = await open(place);
    if (!opened) throw dataProblem(place);
    const { dataDir } = place;
    const { store, holder } = opened;
    return await using(opened, () => work(store, { dataDir, holder }));
  });
}

async function open({ dataDir, state }: DataChoice): Promise<CommandStore | undefined> {
  return state === "store" ? await openForCommand(dataDir) : undefined;
}

/**
 * Does the same for a command that also works without a store.
 *
 * @param work Gets `undefined` if there is no store, or this user may not read it. `isUnread` is set
 * if there may be a store elsewhere: this user may not read it, or named a directory that has none.
 */
export function withStoreIfAny(
  flags: Pick<CommonFlags, "data">,
  io: Io,
  work: (store: Store | undefined, isUnread: boolean) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withData(flags, io, async (place) => {
    const opened = await open(place);
    if (opened) return await using(opened, () => work(opened.store, false));
    const { state } = place;
    const isUnread = state === "hidden" || state === "foreign" || isDataNamed(flags.data, io);
    if (isUnread) {
      io.err(`Without pairings and names: ${dataProblem(place).message}`);
    }
    return await work(undefined, isUnread);
  });
}

/** Runs the work of a command with the data directory; prints its failure. */
export function withData(
  { data }: Pick<CommonFlags, "data">,
  io: Io,
  work: (place: DataChoice) => Promise<ExitCode>,
): Promise<ExitCode> {
  return reportingErrors(io, async () => await work(await useData(data, io)));
}

async function using(opened: CommandStore, work: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work();
  } finally {
    await opened.close();
  }
}
