/** `barnacle upgrade`: its options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { BOT_COMMON, flag, text, UNUSED_PATH } from "../../cli/shared/command.ts";
import type { UpgradeFlags } from "./upgrade.ts";

/** `barnacle upgrade` */
export const upgrade: CliCommand = describeCommand<UpgradeFlags>({
  brief: "Install a newer release of Barnacle, and restart the bot with it",
  notes: [
    "Checks the signed list of releases, and the size and hash of the download. Barnacle never " +
    "looks for a release by itself.",
    "The bot resumes its session, so no message is lost. The old program stays as " +
    "`barnacle.previous`.",
    "If the new version fails, ends or hangs before its first event, the old one comes back by " +
    "itself. Later, `--back` brings it back, as long as the store has the same schema.",
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
    failed: "wrong signature or download, another owner of the program, or the new version failed",
    partly: "--check: there is a newer release; else: installed, and the bot did not confirm it",
    io: "disk full, or a folder that you may not write to",
    tryAgain: "no network, or another upgrade is running",
  },
  parameters: {
    flags: {
      ...BOT_COMMON,
      config: UNUSED_PATH,
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
    const [{ upgrade, upgradePorts }, { createCrashPoints, readCrashPoint }] = await Promise.all([
      import("./upgrade.ts"),
      import("../../host/process/crash_points.ts"),
    ]);
    return await upgrade(flags, io, upgradePorts(io, createCrashPoints(readCrashPoint(io.env))));
  },
});
