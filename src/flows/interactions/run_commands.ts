/**
 * Runs the commands that people give: as slash commands, in the menu of a message, and as text
 * messages; and suggests values while a person types (K1, K2, K3, K6).
 *
 * A text command is in the inbox like any other message. Its turn asks no model: it runs the command,
 * and the store takes the answer with the end of the turn (T3). So a crash runs the command again and
 * answers once.
 */

import type { CommandNeeds, TextCommand } from "../../core/inbound/text_commands.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type {
  CommandCall,
  ComponentUse,
  OptionTyping,
  SlashCommand,
} from "../../core/inbound/interactions.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import {
  ANSWER_MAX,
  type AnswerParts,
  type Choice,
  type Command,
  type CommandWork,
  type MessageCommand,
  partsOf,
} from "../../interactions/base/command.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import { readWords, usageOf } from "../../interactions/base/words.ts";
import type { StartTimer } from "../../lib/clock.ts";
import { failedText, NOT_AUTHORIZED, privateText, usageText } from "../../render/sentences.ts";
import type { createRefusals } from "./refusals.ts";

const UNKNOWN_COMMAND = "I no longer have this command.";

/** Everything that commands need, however a person gives them. */
export interface CommandRunner {
  /** Commands that exist; a call of any other one gets a notice. */
  readonly commands: readonly Command[];
  /** Judges by policy whether a person may give a command or use a component. */
  readonly authorize: (
    event: CommandCall | ComponentUse,
    needs: CommandNeeds,
  ) => Verdict | Promise<Verdict>;
  /** Decides how the bot answers people without the right. */
  readonly refusals: ReturnType<typeof createRefusals>;
  /** Passed to each command; its log gets failed commands and refused people. */
  readonly context: InteractionContext;
}

/** Milliseconds that an option may take to suggest values. */
const SUGGEST_MS = 1_000;

/** Maximum number of suggestions at Discord. */
const MAX_CHOICES = 25;

/**
 * Creates the handler of slash commands and message commands. The gateway's thread has deferred each
 * answer (K5).
 *
 * @param give Gives the deferred answer. Rejects if that fails. A fleeting answer is worth no direct
 * message if Discord does not take it.
 * @returns Answers one command; never rejects.
 */
export function createSlashCommands(
  runner: CommandRunner,
  messageCommands: readonly MessageCommand[],
  give: (call: SlashCommand, answer: AnswerParts, isFleeting: boolean) => Promise<void>,
): (call: SlashCommand) => Promise<void> {
  const { commands, context } = runner;
  /** A command that is gone needs the least, so that people without rights cost no answer each. */
  const gone: CommandWork = {
    needs: "everyone",
    run: () => UNKNOWN_COMMAND,
  };
  return async (call) => {
    const all: readonly (CommandWork & { readonly name: string })[] = call.target
      ? messageCommands
      : commands;
    const command = all.find(({ name }) => name === call.name) ?? gone;
    const answer = await runCommand(call, command, runner);
    try {
      if (answer) await give(call, answer, answer.isRefusal);
    } catch (error) {
      context.log.warn("Cannot answer a command", { ...idsOf(call), error });
    }
  };
}

/**
 * Creates the handler of text commands.
 *
 * @param commandOf Reads a message as a command.
 * @param managesMessages Whether the sender of a message may manage messages in its channel; rejects
 * if Discord does not answer.
 */
export function createTextCommands(
  runner: CommandRunner,
  commandOf: (message: InboundMessage) => TextCommand | undefined,
  managesMessages: (message: InboundMessage) => Promise<boolean>,
): (message: InboundMessage) => Promise<string> {
  const { commands } = runner;
  return async (message) => {
    const given = commandOf(message);
    const command = commands.find(({ name }) => name === given?.name);
    if (!given || !command) return UNKNOWN_COMMAND;
    const { place, channelId, quoted } = message;
    if (command.isMenuOnly) return `Use \`/${command.name}\` from Discord's menu.`;
    if (command.isPrivate && place.kind !== "dm") {
      return privateText(command.name);
    }
    const read = readWords(command, command.inOrder?.(given.words) ?? given.words);
    if (!read) return usageText(usageOf(command));
    const manages = given.kind.needs === "session" && place.kind === "guild" &&
      await managesMessages(message);
    const call: CommandCall = {
      accountId: message.accountId,
      id: message.id,
      channelId,
      guildId: message.guildId,
      place,
      sender: message.sender,
      managesMessages: manages || undefined,
      isText: true,
      names: message.names,
      name: command.name,
      ...read,
      target: quoted ? { ...quoted, channelId } : undefined,
    };
    const answer = await runCommand(call, command, runner);
    return answer?.text ?? "";
  };
}

/**
 * Creates the handler of suggestions.
 *
 * Discord drops suggestions after three seconds, and a person has typed on by then. So there are none
 * after a second, and none if anything fails; failures go to the log at debug level.
 *
 * @param send Sends the suggestions.
 * @returns Answers one request for suggestions; never rejects.
 */
export function createSuggestions(
  runner: CommandRunner,
  send: (typing: OptionTyping, choices: readonly Choice[]) => Promise<void>,
  schedule: StartTimer,
): (typing: OptionTyping) => Promise<void> {
  const { log } = runner.context;
  return async (typing) => {
    const late = Promise.withResolvers<readonly Choice[]>();
    const cancel = schedule(() => late.resolve([]), SUGGEST_MS);
    try {
      const found = choicesOf(typing, runner).catch((error: unknown) => {
        log.debug("Cannot suggest values", { ...idsOf(typing), error });
        return [];
      });
      const choices = await Promise.race([found, late.promise]);
      if (choices) await send(typing, choices.slice(0, MAX_CHOICES));
    } catch (error) {
      log.debug("Cannot send suggestions", { ...idsOf(typing), error });
    } finally {
      cancel();
    }
  };
}

/** @returns `undefined` for a person without the right: not even an empty answer leaves. */
async function choicesOf(
  typing: OptionTyping,
  { commands, authorize, context }: CommandRunner,
): Promise<readonly Choice[] | undefined> {
  const command = commands.find(({ name }) => name === typing.name);
  const part = command?.subcommands?.find(({ name }) => name === typing.subcommand) ?? command;
  const option = part?.options?.find(({ name }) => name === typing.typed.option);
  const { kind } = await authorize(typing, command?.needs ?? "everyone");
  if (kind !== "accept") return undefined;
  return await option?.suggest?.(typing, context) ?? [];
}

/** Runs a command, and returns its answer, or a refusal, or a failure; `undefined` for a quiet end. */
async function runCommand(
  call: CommandCall,
  { needs, run }: CommandWork,
  { authorize, refusals, context }: CommandRunner,
): Promise<AnswerParts & { readonly isRefusal: boolean } | undefined> {
  const { log } = context;
  try {
    const { kind, why, rule } = await authorize(call, needs);
    if (kind !== "accept") {
      const how = refusals.next(call.sender.id, !call.isText);
      if (how === "nothing") return undefined;
      if (how === "tell") {
        log.debug("Refused a command: this user has no right to it", { ...idsOf(call), why, rule });
      }
      return { text: NOT_AUTHORIZED, isRefusal: true };
    }
    const answer = partsOf(await run(call, context));
    const { length } = answer.text;
    if (length > 0 && length <= ANSWER_MAX) return { ...answer, isRefusal: false };
    throw new RangeError(`/${call.name} answered with ${length} characters`);
  } catch (error) {
    log.error("A command failed", { ...idsOf(call), error });
    return { text: failedText(call.id), isRefusal: false };
  }
}

/** For the log; the token of an interaction is a secret, and options are the asker's words. */
function idsOf({ id, name, channelId, sender }: CommandCall) {
  return { interactionId: id, command: name, channelId, usedBy: sender.id };
}
