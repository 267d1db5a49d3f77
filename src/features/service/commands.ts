/** `barnacle service …`: options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { COMMON, type CommonFlags, flag, UNUSED_PATH } from "../../cli/shared/command.ts";

interface ChangeFlags extends CommonFlags {
  readonly yes: boolean;
  readonly dryRun: boolean;
}

const YES = flag("Ask no question");
const DRY_RUN = flag("Print all files and commands, and change nothing");

export const service: CliGroup = describeGroup(
  "Install, check or remove Barnacle's service",
  {
    install: describeCommand<ChangeFlags>({
      brief: "Install the service, or bring it up to date, and start it",
      notes: [
        "With sudo: a service of the machine (systemd), with its own user and a sandbox. " +
        "Without: a service of this user (systemd, or launchd on macOS).",
        "Shows each file and command, asks once, and waits until the bot is ready.",
      ],
      examples: [
        "sudo barnacle service install --config config.jsonc",
        "barnacle service install --dry-run",
      ],
      exits: {
        failed: "no service manager, another unit of that name, or the bot did not start",
        io: true,
        config: true,
      },
      parameters: {
        flags: {
          ...COMMON,
          config: {
            ...COMMON.config,
            brief: "Config of the service (default: the one that it has, or that `run` would use)",
          },
          data: { ...COMMON.data, brief: "Data directory of a user's service" },
          yes: YES,
          dryRun: DRY_RUN,
        },
      },
      async run(flags, io) {
        const { installService } = await import("./install.ts");
        return await reportingErrors(io, () => installService(flags, io));
      },
    }),
    uninstall: describeCommand<ChangeFlags>({
      brief: "Stop and remove the service; data and config stay",
      examples: ["sudo barnacle service uninstall"],
      exits: { failed: "another unit of that name, or a command failed", io: true },
      parameters: {
        flags: { ...COMMON, config: UNUSED_PATH, data: UNUSED_PATH, yes: YES, dryRun: DRY_RUN },
      },
      async run(flags, io) {
        const { uninstallService } = await import("./install.ts");
        return await reportingErrors(io, () => uninstallService(flags, io));
      },
    }),
    status: describeCommand<CommonFlags>({
      brief: "Show whether the service runs, since when, and how it ended last",
      examples: ["barnacle service status"],
      exits: { failed: "not installed, or not running" },
      parameters: { flags: { ...COMMON, config: UNUSED_PATH, data: UNUSED_PATH } },
      async run(flags, io) {
        const { showService } = await import("./status.ts");
        return await reportingErrors(io, () => showService(flags, io));
      },
    }),
  },
  "status",
);
