/**
 * `barnacle exec-broker`: runs one command for the bot, started by systemd.
 *
 * @module
 */

import process from "node:process";
import { type CliCommand, describeCommand } from "../help/command_help.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";

/** `barnacle exec-broker` */
export const execBroker: CliCommand = describeCommand<NonNullable<unknown>>({
  brief: "Run one command for the bot; systemd starts this for its socket",
  examples: ["barnacle exec-broker"],
  exits: { done: "the bot has an answer" },
  parameters: {},
  run: serve,
});

async function serve(): Promise<ExitCode> {
  const { serveBroker } = await import("../../exec/broker.ts");
  await serveBroker(process.cwd(), {
    input: process.stdin,
    send: (line) => new Promise((resolve) => process.stdout.write(line, () => resolve())),
  });
  return EXIT.done;
}
