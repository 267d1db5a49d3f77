/** `barnacle run`: its options and help. */

import type { Feature } from "../../features/feature.ts";
import { type CliCommand, describeCommand } from "../help/command_help.ts";
import { COMMON, flag } from "../shared/command.ts";
import { createHangups } from "./hangup.ts";
import type { RunFlags } from "./run.ts";

/** `barnacle run`, which starts these features, too. */
export const runCommand = (features: readonly Feature[]): CliCommand =>
  describeCommand<RunFlags>({
    brief: "Connect to Discord and answer messages",
    examples: ["barnacle run", "DISCORD_BOT_TOKEN=… barnacle run --config config.jsonc"],
    exits: {
      done: "stopped by a signal",
      failed: "internal error",
      io: true,
      tryAgain: "another instance, or Discord unreachable",
      refused: true,
      config: true,
    },
    parameters: {
      flags: {
        ...COMMON,
        json: flag("Log as JSON, even on a terminal"),
        connectionDebug: flag("Log all gateway traffic, without message content"),
        force: flag("Stop another instance that uses the same data or token, and replace it"),
        insecurePermissions: flag("Start even if other users may write the config file"),
      },
    },
    async run(flags, io) {
      const hangups = createHangups(); // before the rest is loaded
      const { runBot } = await import("./run.ts");
      return await runBot(flags, io, hangups, features);
    },
  });
