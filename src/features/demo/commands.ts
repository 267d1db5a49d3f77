/** `barnacle demo`: its options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { type CommonFlags, flag, UNUSED_PATH } from "../../cli/shared/command.ts";
import type { DemoFlags } from "./demo.ts";

export const demo: CliCommand = describeCommand<
  DemoFlags & Pick<CommonFlags, "config" | "data">
>({
  brief: "Try the bot on a simulated Discord, without a token",
  examples: ["barnacle demo", "barnacle demo --check"],
  exits: {
    done: "ended by a signal, or the bot passed the check",
    failed: "the bot failed",
    tryAgain: "port in use",
    config: true,
  },
  parameters: {
    flags: {
      check: flag("Send the bot a message of each kind, and check what it does, without a page"),
      config: UNUSED_PATH,
      data: UNUSED_PATH, // it uses a temporary directory
      json: flag("Print the page's address, or the result of each message, as JSON"),
      port: {
        kind: "parsed",
        parse: toPort,
        brief: "Port of the page; the next free one if it is in use",
        default: "8787",
      },
    },
  },
  run: async (flags, io) => (await import("./demo.ts")).demo(flags, io),
});

function toPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`"${text}" is not a port: use a whole number from 0 to 65535`);
}
