/** `barnacle logs`, with its options and help. */

import process from "node:process";
import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { BOT_COMMON, flag, path, text, toLimit } from "../../cli/shared/command.ts";
import type { LogsFlags } from "./logs.ts";

const LEVELS = ["error", "warn", "info", "debug"] as const;

export const logs: CliCommand = describeCommand<LogsFlags>({
  brief: "Show the log",
  notes: [
    "Reads the first of: `log.file`, the file that the bot's stderr is, the log of its service.",
    "Times are UTC.",
  ],
  examples: [
    "barnacle logs -f",
    "barnacle logs --level warn --since 2h",
    "barnacle logs -g 1400000000000000001",
    "docker logs barnacle 2>&1 | barnacle logs --file -",
  ],
  exits: {
    io: "the log cannot be read",
    tryAgain: "no log found",
  },
  parameters: {
    flags: {
      ...BOT_COMMON,
      follow: flag("Show new lines as they come, until Ctrl+C"),
      lines: {
        kind: "parsed",
        parse: toLimit,
        brief: "Number of the newest lines (default: 200; with --since: all)",
        placeholder: "number",
        optional: true,
      },
      level: {
        kind: "enum",
        values: LEVELS,
        brief: "Least important level",
        placeholder: "level",
        optional: true,
      },
      part: {
        ...text("Part of the program, such as gateway, turns or delivery", "part"),
        variadic: ",",
        optional: true,
      },
      account: {
        ...text("Lines of one account of channels.discord.accounts", "id"),
        optional: true,
      },
      since: {
        kind: "parsed",
        async parse(text) {
          return (await import("../../lib/text/times.ts")).toSince(text, Date.now());
        },
        brief:
          'Lines since a time: 30m, 2h, 7d, today, yesterday, 2026-01-31 or "2026-01-31 12:30"',
        placeholder: "time",
        optional: true,
      },
      grep: { ...text("Lines with this text, in any case", "text"), optional: true },
      file: path("Log file to read; - reads stdin"),
      unit: { ...text("Service of systemd whose journal to read", "name"), optional: true },
    },
    aliases: { f: "follow", n: "lines", g: "grep" },
  },
  async run(flags, io) {
    const { logs } = await import("./logs.ts");
    const stopping = new AbortController();
    // `barnacle logs -f | head` must end with head.
    for (const event of ["error", "close"]) process.stdout.on(event, () => stopping.abort());
    // Without this, journalctl could go on after SIGTERM.
    if (flags.follow) {
      for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopping.abort());
    }
    return await logs(flags, io, stopping.signal);
  },
});
