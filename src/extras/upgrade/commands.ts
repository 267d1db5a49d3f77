/** `barnacle upgrade`: its options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { BOT_COMMON, flag, text } from "../../cli/shared/command.ts";
import type { UpgradeFlags } from "./upgrade.ts";

export const upgrade: CliCommand = describeCommand<UpgradeFlags>({
  brief: "Install a newer release of Barnacle, and restart the bot with it",
  notes: [
    "Checks the signed list of releases, and the size and hash of the download. Barnacle never " +
    "looks for a release by itself.",
    "The bot resumes its session, so no message is lost. The old program stays as " +
    "`barnacle.previous`.",
    "The new version must accept the config first. `--back` returns to the old program; if the new " +
    "version has changed the store's schema, only until its first event, and with a stopped bot.",
  ],
  examples: [
    "barnacle upgrade --check",
    "barnacle upgrade",
    "barnacle upgrade --to 1.2.0",
    "barnacle upgrade --from /mnt/stick/releases",
    "barnacle upgrade --back",
  ],
  exits: {
    done: "upgraded, or the newest release already",
    failed:
      "wrong signature or download, another owner of the program, refused config, or no way back",
    partly: "--check: there is a newer release; else: installed, and the bot did not confirm it",
    io: "disk full, or a folder that you may not write to",
    tryAgain: "no network, another upgrade came first, or --back: the bot runs",
  },
  parameters: {
    flags: {
      ...BOT_COMMON,
      check: flag("Look for a newer release, and change nothing"),
      back: flag("Return to the previous program"),
      to: {
        ...text("Release to install; the only way to an older one", "version"),
        optional: true,
      },
      from: {
        ...text("Address or folder with releases (default: the project's)", "place"),
        optional: true,
      },
    },
  },
  async run(flags, io) {
    const { createCrashPoints, readCrashPoint } = await import(
      "../../host/process/crash_points.ts"
    );
    const work = flags.back
      ? (await import("./go_back.ts")).goBack
      : (await import("./upgrade.ts")).upgrade;
    return await work(flags, io, createCrashPoints(readCrashPoint(io.env)));
  },
});
