/**
 * Runs a slash command, and gives the answer that the gateway's thread has deferred (K2, K3, K5).
 *
 * The thread defers as soon as the command arrives, in a request of its own. The answer may overtake
 * that request, and Discord then does not know the interaction's webhook yet, so it is tried again.
 *
 * @module
 */

import type { SlashCommand } from "../../core/inbound/interactions.ts";
import type { Command } from "../../interactions/command.ts";
import type { InteractionContext } from "../../interactions/context.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { notice } from "../../render/notices/notices.ts";
import type { AuthorizeInteraction } from "./components.ts";

/** Everything that commands need from outside. */
export interface CommandsPorts {
  /** Commands that exist; a call of any other one gets a notice. */
  readonly commands: readonly Command[];
  /** Judges by policy whether the person may give the command. */
  readonly authorize: AuthorizeInteraction<SlashCommand>;
  /** Gives the deferred answer. */
  readonly complete: (call: SlashCommand, content: string) => Promise<void>;
  /** Whether Discord does not know that the answer was deferred, or does not yet. */
  readonly isUnknown: (error: unknown) => boolean;
  /** Passed to each command, and used for the texts of notices. */
  readonly context: InteractionContext;
  /** Waits between tries of the answer. */
  readonly schedule: Schedule;
  /** Reports failed answers, failed commands and refused users. */
  readonly log: Log;
}

/** Characters of a message at Discord. */
const MAX_LENGTH = 2_000;

/** Milliseconds between tries: 6 s in all, twice as long as Discord takes a deferral. */
const RETRY_MS: readonly number[] = [250, 750, 2_000, 3_000];

/**
 * Creates the handler of slash commands.
 *
 * @returns Answers one command; never rejects.
 */
export function createCommands(ports: CommandsPorts): (call: SlashCommand) => Promise<void> {
  const { complete, isUnknown, schedule, log } = ports;
  const wait = (ms: number) => new Promise<void>((resolve) => void schedule(resolve, ms));

  async function answer(call: SlashCommand, text: string): Promise<void> {
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

/** The answer; a failure is an answer, too. */
async function textFor(
  call: SlashCommand,
  { commands, authorize, context, log }: CommandsPorts,
): Promise<string> {
  const texts = context.texts();
  const command = commands.find(({ name }) => name === call.name);
  if (!command) return notice("unknownCommand", {}, texts);
  try {
    const { kind, why, rule } = await authorize(call, command.needs);
    if (kind !== "accept") {
      log.debug("Refused a command: this user has no right to it", { ...idsOf(call), why, rule });
      return notice("notAuthorized", {}, texts);
    }
    const text = await command.run(call, context);
    if (text !== "" && text.length <= MAX_LENGTH) return text;
    throw new RangeError(`/${command.name} answered with ${text.length} characters`);
  } catch (error) {
    log.error("A command failed", { ...idsOf(call), error });
    return notice("failure", { id: call.id }, texts);
  }
}

/** For the log; the token of an interaction is a secret, and options are the asker's words. */
function idsOf({ id, name, channelId, sender }: SlashCommand) {
  return { interactionId: id, command: name, channelId, usedBy: sender.id };
}
