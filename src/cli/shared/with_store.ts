/**
 * Runs a command with the store open, and reports errors.
 *
 * @module
 */

import type { Store } from "../../store/store.ts";
import type { ExitCode } from "./exit_code.ts";
import type { CommonFlags } from "./flags.ts";
import type { Io } from "../terminal/io.ts";
import { toStartError } from "./start_error.ts";
import { dataDirOf, openBeside } from "./store_access.ts";

/**
 * Opens the store, runs the work, and closes the store.
 *
 * @param work Gets `undefined` if there is no store yet; nothing creates one.
 */
export async function withStore(
  { data }: Pick<CommonFlags, "data">,
  io: Io,
  work: (store: Store | undefined, dataDir: string) => Promise<ExitCode>,
): Promise<ExitCode> {
  let store: Store | undefined;
  try {
    const dataDir = dataDirOf(data, io);
    store = openBeside(dataDir);
    return await work(store, dataDir);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.problem(message);
    return code;
  } finally {
    store?.close();
  }
}
