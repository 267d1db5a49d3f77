/**
 * Finds the data directory with the logins of MCP servers.
 *
 * @module
 */

import { dataProblem, findData } from "../shared/find_data.ts";
import type { ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { toStartError } from "../shared/start_error.ts";
import type { Io } from "../terminal/io.ts";

/** Runs the work with the data directory. It may be empty: a first start needs logins too. */
export async function withDataDir(
  { data }: Pick<CommonFlags, "data">,
  io: Io,
  work: (dataDir: string) => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    const place = await findData(data, io);
    if (place.note !== undefined) io.err(place.note);
    if (place.state === "hidden" || place.state === "foreign") throw dataProblem(place);
    return await work(place.dataDir);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.problem(message);
    return code;
  }
}
