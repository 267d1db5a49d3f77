/**
 * Runs a slash command or a message command, and gives the answer that the gateway's thread has
 * deferred (K2, K5, K6).
 *
 * The thread defers as soon as the command arrives, in a request of its own. The answer may overtake
 * that request, and Discord then does not know the interaction's webhook yet, so it is tried again.
 * The answer replaces the deferral, so a command that runs twice shows one answer.
 *
 * @module
 */

import { createdAtMs, parseSnowflake } from "../../core/discord/ids.ts";
import type { SlashCommand } from "../../core/inbound/interactions.ts";
import type { Command, MessageCommand } from "../../interactions/base/command.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { notice } from "../../render/notices/notices.ts";
import { idsOf, runCommand, type RunCommandPorts } from "./run_command.ts";

/** Everything that commands need from outside. */
export interface CommandsPorts extends RunCommandPorts {
  /** Commands that exist; a call of any other one gets a notice. */
  readonly commands: readonly Command[];
  /** Commands in the menu of a message. */
  readonly messageCommands: readonly MessageCommand[];
  /** Gives the deferred answer. */
  readonly complete: (call: SlashCommand, content: string) => Promise<void>;
  /** Sends an answer to the asker alone, once the interaction's token has expired. */
  readonly tellLate: (call: SlashCommand, content: string) => Promise<void>;
  /** Whether Discord does not know that the answer was deferred, or does not yet. */
  readonly isUnknown: (error: unknown) => boolean;
  /** Waits between tries of the answer. */
  readonly schedule: Schedule;
}

/** Milliseconds between tries: 6 s in all, twice as long as Discord takes a deferral. */
const RETRY_MS: readonly number[] = [250, 750, 2_000, 3_000];

/** Milliseconds for which a token is used: Discord takes it for 15 minutes from its own clock. */
const TOKEN_MS = 15 * 60_000 - 10_000;

/**
 * Creates the handler of slash commands and message commands.
 *
 * @returns Answers one command; never rejects.
 */
export function createCommands(ports: CommandsPorts): (call: SlashCommand) => Promise<void> {
  const { complete, tellLate, isUnknown, schedule, context, log } = ports;
  const wait = (ms: number) => new Promise<void>((resolve) => void schedule(resolve, ms));

  async function answer(call: SlashCommand, text: string): Promise<void> {
    if (isExpired(call, context.now())) return await tellLate(call, text);
    for (const waitMs of RETRY_MS) {
      try {
        return await complete(call, text);
      } catch (error) {
        if (!isUnknown(error)) throw error;
        await wait(waitMs);
      }
    }
    await complete(call, text);
  }

  return async (call) => {
    try {
      await answer(call, await textFor(call, ports));
    } catch (error) {
      log.warn("Cannot answer a command", { ...idsOf(call), error });
    }
  };
}

function isExpired({ id }: SlashCommand, now: number): boolean {
  const snowflake = parseSnowflake<"interaction">(id);
  return snowflake !== undefined && now - createdAtMs(snowflake) >= TOKEN_MS;
}

async function textFor(call: SlashCommand, ports: CommandsPorts): Promise<string> {
  const { commands, messageCommands, context } = ports;
  const command = call.target
    ? messageCommands.find(({ name }) => name === call.name)
    : commands.find(({ name }) => name === call.name);
  if (!command) return notice("unknownCommand", {}, context.texts());
  return await runCommand(call, command, ports);
}
