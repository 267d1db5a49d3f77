/** `barnacle service install`, `uninstall` and `status`, with errors as one line. */

import type { CommonFlags } from "../shared/command.ts";
import type { ExitCode } from "../shared/exit_code.ts";
import { toStartError } from "../shared/start_error.ts";
import type { Io } from "../terminal/io.ts";
import {
  type ChangeRequest,
  type InstallRequest,
  installService,
  servicePorts,
  uninstallService,
} from "./install.ts";
import { showService } from "./status.ts";

/** Installs the service. */
export function install(request: InstallRequest, io: Io): Promise<ExitCode> {
  return told(io, () => installService(request, io));
}

/** Removes the service. */
export function uninstall(request: ChangeRequest, io: Io): Promise<ExitCode> {
  return told(io, () => uninstallService(request, io));
}

/** Shows the service. */
export function status({ json }: CommonFlags, io: Io): Promise<ExitCode> {
  return told(io, () => showService({ json }, io, servicePorts(io)));
}

async function told(io: Io, work: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work();
  } catch (error) {
    const { message, code } = toStartError(error);
    io.problem(message);
    return code;
  }
}
