/**
 * Runs a slash command or a message command, and gives the answer that the gateway's thread has
 * deferred (K2, K5, K6).
 *
 * @module
 */

import type { SlashCommand } from "../../core/inbound/interactions.ts";
import type { Command, MessageCommand } from "../../interactions/base/command.ts";
import { notice } from "../../render/notices/notices.ts";
import { idsOf, runCommand, type RunCommandPorts } from "./run_command.ts";

/** Everything that commands need from outside. */
export interface CommandsPorts extends RunCommandPorts {
  /** Commands that exist; a call of any other one gets a notice. */
  readonly commands: readonly Command[];
  /** Commands in the menu of a message. */
  readonly messageCommands: readonly MessageCommand[];
  /** Gives the deferred answer. Rejects if it fails. */
  readonly answerDeferred: (call: SlashCommand, content: string) => Promise<void>;
}

/**
 * Creates the handler of slash commands and message commands.
 *
 * @returns Answers one command; never rejects.
 */
export function createCommands(ports: CommandsPorts): (call: SlashCommand) => Promise<void> {
  const { answerDeferred, log } = ports;
  return async (call) => {
    try {
      await answerDeferred(call, await textFor(call, ports));
    } catch (error) {
      log.warn("Cannot answer a command", { ...idsOf(call), error });
    }
  };
}

async function textFor(call: SlashCommand, ports: CommandsPorts): Promise<string> {
  const { commands, messageCommands, context } = ports;
  const command = call.target
    ? messageCommands.find(({ name }) => name === call.name)
    : commands.find(({ name }) => name === call.name);
  if (!command) return notice("unknownCommand", {}, context.texts());
  return await runCommand(call, command, ports);
}
