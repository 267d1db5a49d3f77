/** `barnacle demo`: its options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { type CommonFlags, flag, UNUSED_PATH } from "../../cli/shared/command.ts";
import type { DemoFlags } from "./demo.ts";

export const demo: CliCommand = describeCommand<
  DemoFlags & Pick<CommonFlags, "config" | "data">
>({
  brief: "Try the bot on a simulated Discord, without a token",
  examples: ["barnacle demo", "barnacle demo --host 0.0.0.0", "barnacle demo --check"],
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
      host: {
        kind: "parsed",
        parse: toHost,
        brief: "Address of the page, such as 0.0.0.0 for all of this machine (default: " +
          "127.0.0.1, this machine only)",
        optional: true,
        placeholder: "address",
      },
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

/** An empty address would open the page to other machines. */
function toHost(text: string): string {
  const host = text.trim();
  if (host !== "") return host;
  throw new RangeError(
    "the address is empty: use one of this machine, such as 0.0.0.0, or leave the option out",
  );
}

function toPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`"${text}" is not a port: use a whole number from 0 to 65535`);
}
