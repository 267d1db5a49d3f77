/**
 * Suggests values while a person types the option of a command (K2).
 *
 * Discord drops suggestions after three seconds, and a person has typed on by then. So there are none
 * after a second, and none if anything fails.
 *
 * @module
 */

import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { CommandCall, OptionTyping } from "../../core/inbound/interactions.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Choice, Command } from "../../interactions/base/command.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import type { Log } from "../../lib/log.ts";
import type { StartTimer } from "../../lib/clock.ts";
import { idsOf } from "./run_command.ts";

/** Everything that suggestions need from outside. */
export interface SuggestionsPorts {
  /** Commands that exist. */
  readonly commands: readonly Command[];
  /** Judges by policy whether the person may give the command: others learn nothing. */
  readonly authorize: (call: CommandCall, needs: CommandNeeds) => Verdict | Promise<Verdict>;
  /** Sends the suggestions. */
  readonly send: (typing: OptionTyping, choices: readonly Choice[]) => Promise<void>;
  /** Passed to each option. */
  readonly context: InteractionContext;
  /** Ends the wait for an option. */
  readonly schedule: StartTimer;
  /** Gets failures at debug level: people type on. */
  readonly log: Log;
}

/** Milliseconds that an option may take. */
const SUGGEST_MS = 1_000;

/** Maximum number of suggestions at Discord. */
const MAX_CHOICES = 25;

/**
 * Creates the handler.
 *
 * @returns Answers one request for suggestions; never rejects.
 */
export function createSuggestions(
  ports: SuggestionsPorts,
): (typing: OptionTyping) => Promise<void> {
  const { send, schedule, log } = ports;
  return async (typing) => {
    const late = Promise.withResolvers<readonly Choice[]>();
    const cancel = schedule(() => late.resolve([]), SUGGEST_MS);
    try {
      const found = choicesOf(typing, ports).catch((error: unknown) => {
        log.debug("Cannot suggest values", { ...idsOf(typing), error });
        return [];
      });
      const choices = await Promise.race([found, late.promise]);
      await send(typing, choices.slice(0, MAX_CHOICES));
    } catch (error) {
      log.debug("Cannot send suggestions", { ...idsOf(typing), error });
    } finally {
      cancel();
    }
  };
}

async function choicesOf(
  typing: OptionTyping,
  { commands, authorize, context }: SuggestionsPorts,
): Promise<readonly Choice[]> {
  const command = commands.find(({ name }) => name === typing.name);
  const part = command?.subcommands?.find(({ name }) => name === typing.subcommand) ?? command;
  const option = part?.options.find(({ name }) => name === typing.typed.option);
  if (!command || !option?.suggest) return [];
  const { kind } = await authorize(typing, command.needs);
  return kind === "accept" ? await option.suggest(typing, context) : [];
}
