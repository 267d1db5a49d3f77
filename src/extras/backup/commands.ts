/** The commands for backups, `backup`, `verify` and `restore`: their options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { BOT_COMMON, COMMON, flag, path, UNUSED_PATH, word } from "../../cli/shared/command.ts";
import type { BackupFlags } from "./backup.ts";
import type { RestoreFlags } from "./restore.ts";
import type { VerifyFlags } from "./verify.ts";

const FILE = word("A backup", "backup file");
const PASSPHRASE = path("File with the passphrase in its first line; - reads stdin");

export const backup: CliCommand = describeCommand<BackupFlags, [to?: string]>({
  brief: "Copy the store, the config and the workspaces into one file",
  notes: [
    "Works while the bot runs, and while it is stopped.",
    "Without a passphrase, the backup has no secret: set the token again after a restore.",
    "`zstd -d` and `tar` open a backup, and `age -d` an encrypted one.",
  ],
  examples: [
    "barnacle backup",
    "barnacle backup --to /mnt/stick --passphrase-file ~/backup-passphrase",
  ],
  exits: {
    io: "disk full or database error",
    tryAgain: "no store",
  },
  parameters: {
    flags: {
      ...BOT_COMMON,
      to: path("New file, or folder for it (default: backup.folder)"),
      passphraseFile: PASSPHRASE,
      encrypt: flag("Ask for a passphrase on the terminal"),
    },
    positional: {
      kind: "tuple",
      parameters: [{ ...word("The same as --to", "path"), optional: true }],
    },
  },
  async run(flags, io, to) {
    const [{ backup, yieldToOthers }, { hiddenOnTerminal }, { createCrashPoints, readCrashPoint }] =
      await Promise
        .all([
          import("./backup.ts"),
          import("./passphrase.ts"),
          import("../../host/process/crash_points.ts"),
        ]);
    const crash = createCrashPoints(readCrashPoint(io.env));
    yieldToOthers();
    return await backup({ ...flags, place: to }, io, hiddenOnTerminal(), crash);
  },
});

export const verify: CliCommand = describeCommand<VerifyFlags, string[]>({
  brief: "Check whether backups are whole",
  notes: ["Reads every byte of each backup and every page of its store. Changes nothing."],
  examples: [
    "barnacle verify barnacle-2026-11-23T03-00-00Z.tar.zst",
    "barnacle verify ~/.local/share/barnacle/backups/*",
  ],
  exits: { failed: "damaged, of a newer version, or a wrong passphrase", io: true },
  parameters: {
    flags: { ...COMMON, config: UNUSED_PATH, passphraseFile: PASSPHRASE },
    positional: { kind: "array", parameter: FILE, minimum: 1 },
  },
  async run(flags, io, ...files) {
    const [{ verify }, { hiddenOnTerminal }] = await Promise.all([
      import("./verify.ts"),
      import("./passphrase.ts"),
    ]);
    return await verify(flags, files, io, hiddenOnTerminal());
  },
});

export const restore: CliCommand = describeCommand<RestoreFlags, [file: string]>({
  brief: "Install a backup in the data directory, here or on another machine",
  notes: [
    "The bot must be stopped. Its next start answers no message from before the restore.",
    "A config that exists stays. Secrets that the backup lacks are listed.",
    "With sudo: restores the machine's service, with its config in /etc/barnacle.",
  ],
  examples: [
    "barnacle restore barnacle-2026-11-23T03-00-00Z.tar.zst",
    "sudo barnacle restore backup.tar.zst.age --passphrase-file passphrase",
  ],
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
      passphraseFile: PASSPHRASE,
      force: flag("Replace existing data; the old ones stay beside the new ones"),
    },
    positional: { kind: "tuple", parameters: [FILE] },
  },
  async run(flags, io, file) {
    const [{ restore }, { hiddenOnTerminal }, { createCrashPoints, readCrashPoint }] = await Promise
      .all([
        import("./restore.ts"),
        import("./passphrase.ts"),
        import("../../host/process/crash_points.ts"),
      ]);
    return await restore(
      flags,
      file,
      io,
      hiddenOnTerminal(),
      createCrashPoints(readCrashPoint(io.env)),
    );
  },
});
