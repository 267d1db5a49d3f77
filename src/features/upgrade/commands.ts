/** `barnacle upgrade`: its options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { COMMON, type CommonFlags, flag, text, UNUSED_PATH } from "../../cli/shared/command.ts";
import type { UpgradeFlags } from "./upgrade.ts";

export const upgrade: CliCommand = describeCommand<UpgradeFlags & CommonFlags>({
  brief: "Install a newer release of Barnacle, and restart its service",
  notes: [
    "Checks the signature of the release, and the hash of the download. Barnacle never looks for a " +
    "release by itself.",
    "The bot resumes its session, so no message is lost. The old program stays as " +
    "`barnacle.previous`; the command says how to go back to it.",
  ],
  examples: [
    "barnacle upgrade --check",
    "barnacle upgrade",
    "barnacle upgrade --to 1.2.0",
    "barnacle upgrade --from /mnt/stick/v1.2.0",
  ],
  exits: {
    done: "upgraded, or the newest release already",
    failed: "wrong signature or download, or a program that a package or another user owns",
    partly: "--check: there is a newer release; else: installed, and its service does not start",
    io: "disk full, or a folder that you may not write to",
    tryAgain: "no network",
  },
  parameters: {
    flags: {
      ...COMMON,
      config: UNUSED_PATH,
      data: UNUSED_PATH,
      check: flag("Look for a newer release, and change nothing"),
      to: {
        ...text("Release to install; the only way to an older one", "version"),
        optional: true,
      },
      from: {
        ...text("Address or folder with the files of a release (default: the project's)", "place"),
        optional: true,
      },
    },
  },
  async run(flags, io) {
    return await (await import("./upgrade.ts")).upgrade(flags, io);
  },
});
