/** Runs a command with the store open, and reports errors. */

import type { ExitCode } from "./exit_code.ts";
import type { CommonFlags } from "./command.ts";
import type { Io } from "../terminal/io.ts";
import { type DataChoice, dataProblem, useData } from "./find_data.ts";
import { reportingErrors } from "./start_error.ts";
import { type CommandStore, isDataNamed, openForCommand } from "./store_access.ts";
import type { Store } from "../../store/store.ts";

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
