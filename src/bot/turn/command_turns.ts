/**
 * Ends turns that ask no model: those of commands, and all others while the account is paused.
 *
 * @module
 */

import type { Claim } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Model } from "../../core/model.ts";
import { answerCommand, type CommandTurnPorts } from "../../flows/turn/command_turn.ts";
import type { AccountSettings } from "../../flows/interactions/chosen_settings.ts";
import { notice, type Texts } from "../../render/notices/notices.ts";

/** Everything that turns need of commands. */
export interface TurnCommands {
  /** Whether a message is a command. */
  isCommand(message: InboundMessage): boolean;
  /** Runs the command of a message, and returns its answer. */
  run(message: InboundMessage): Promise<string>;
  /** The model of a conversation. */
  modelOf(sessionKey: string): Promise<Model>;
  /** The settings that people have chosen by commands. */
  readonly settings: Pick<AccountSettings, "queueMode" | "mannerOf">;
  /** Whether an owner has paused the account (X4). */
  isPaused(): Promise<boolean>;
}

/** The dependencies of such turns. */
export interface CommandTurnsOptions extends Omit<CommandTurnPorts, "run" | "queue"> {
  /** The text commands. */
  readonly commands: TurnCommands;
  /** The bot's sentences. */
  readonly texts: () => Texts;
  /** Rules of full channel queues. */
  readonly queue: () => CommandTurnPorts["queue"];
}

/**
 * Creates the check of each claim.
 *
 * @returns Whether the turn has ended. Rejects if the store refuses it.
 */
export function createCommandTurns(
  { commands, texts, queue, ...ports }: CommandTurnsOptions,
): (claim: Claim) => Promise<boolean> {
  const end = async (claim: Claim, run: CommandTurnPorts["run"]) => {
    const plan = queue();
    await answerCommand(claim, { ...ports, queue: plan, run });
    return true;
  };
  return async (claim) => {
    if (commands.isCommand(claim.message)) return await end(claim, commands.run);
    if (!await commands.isPaused()) return false;
    // Another bot gets no answer: it would answer that one, too.
    const text = claim.message.sender.automaton ? "" : notice("paused", {}, texts());
    return await end(claim, () => Promise.resolve(text));
  };
}
