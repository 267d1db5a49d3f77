/** The commands for backups, `backup` and `restore`: their options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { BOT_COMMON, COMMON, flag, path, word } from "../../cli/shared/command.ts";
import type { BackupFlags } from "./backup.ts";
import type { RestoreFlags } from "./restore.ts";

export const backup: CliCommand = describeCommand<BackupFlags>({
  brief: "Copy the store, the config and the workspaces into one file",
  notes: [
    "Works while the bot runs, and while it is stopped.",
    "The backup has no secret: set the token again after a restore. `tar` opens it.",
  ],
  examples: ["barnacle backup", "barnacle backup --to /mnt/stick"],
  exits: { io: "disk full or database error", tryAgain: "no store" },
  parameters: {
    flags: { ...BOT_COMMON, to: path("New file, or folder for it (default: backup.folder)") },
  },
  async run(flags, io) {
    return await (await import("./backup.ts")).backup(flags, io);
  },
});

export const restore: CliCommand = describeCommand<RestoreFlags, [file: string]>({
  brief: "Install a backup in the data directory, here or on another machine",
  notes: [
    "The bot must be stopped. Its next start answers no message from before the restore.",
    "A config that exists stays.",
    "With sudo: restores the machine's service, with its config in /etc/barnacle.",
  ],
  examples: ["barnacle restore barnacle-2026-11-23T03-00-00Z.tar.gz"],
  exits: {
    failed: "the backup cannot be used, or there are data already",
    io: "disk full or database error; the old data are unchanged",
    tryAgain: "a bot runs with the data",
  },
  parameters: {
    flags: {
      ...COMMON,
      data: {
        ...COMMON.data,
        brief: "Data directory (default: $BARNACLE_DATA, $STATE_DIRECTORY or " +
          "~/.local/share/barnacle; with sudo /var/lib/barnacle)",
      },
      force: flag("Replace existing data; the old ones stay beside the new ones"),
    },
    positional: { kind: "tuple", parameters: [word("A backup", "backup file")] },
  },
  async run(flags, io, file) {
    return await (await import("./restore.ts")).restore(flags, file, io);
  },
});
