/** `barnacle service install`, `uninstall` and `status`, with errors as one line. */

import type { CommonFlags } from "../shared/command.ts";
import type { ExitCode } from "../shared/exit_code.ts";
import { reportingErrors } from "../shared/start_error.ts";
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
  return reportingErrors(io, () => installService(request, io));
}

/** Removes the service. */
export function uninstall(request: ChangeRequest, io: Io): Promise<ExitCode> {
  return reportingErrors(io, () => uninstallService(request, io));
}

/** Shows the service. */
export function status({ json }: CommonFlags, io: Io): Promise<ExitCode> {
  return reportingErrors(io, () => showService({ json }, io, servicePorts(io)));
}
