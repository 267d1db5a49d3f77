/** `barnacle service install`, `uninstall` and `status`, with errors as one line. */

import type { CommonFlags } from "../../cli/shared/command.ts";
import type { ExitCode } from "../../cli/shared/exit_code.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import type { Io } from "../../cli/terminal/io.ts";
import {
  type ChangeRequest,
  type InstallRequest,
  installService,
  servicePorts,
  uninstallService,
} from "./install.ts";
import { showService } from "./status.ts";

export function install(request: InstallRequest, io: Io): Promise<ExitCode> {
  return reportingErrors(io, () => installService(request, io));
}

export function uninstall(request: ChangeRequest, io: Io): Promise<ExitCode> {
  return reportingErrors(io, () => uninstallService(request, io));
}

export function status({ json }: CommonFlags, io: Io): Promise<ExitCode> {
  return reportingErrors(io, () => showService({ json }, io, servicePorts(io)));
}
