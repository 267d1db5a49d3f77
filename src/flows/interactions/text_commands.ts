/**
 * Runs commands that people write as messages (K1, M4).
 *
 * Such a message is in the inbox like any other. Its turn asks no model: it runs the command, and the
 * store takes the answer with the end of the turn (T3). So a crash runs the command again and answers
 * once.
 *
 * @module
 */

import type { TextCommand } from "../../core/inbound/commands.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { Command } from "../../interactions/base/command.ts";
import { readWords, usageOf } from "../../interactions/base/words.ts";
import { notice } from "../../render/notices/notices.ts";
import { runCommand, type RunCommandPorts } from "./run_command.ts";

/** Everything that text commands need from outside. */
export interface TextCommandsPorts extends RunCommandPorts {
  /** Commands that exist. */
  readonly commands: readonly Command[];
  /** Reads a message as a command. */
  readonly commandOf: (message: InboundMessage) => TextCommand | undefined;
  /**
   * Whether the sender of a message may manage messages in its channel.
   *
   * @throws {unknown} If Discord does not answer, as a rejection.
   */
  readonly managesMessages: (message: InboundMessage) => Promise<boolean>;
}

/** Runs the command of a message, and returns its answer. */
export type RunTextCommand = (message: InboundMessage) => Promise<string>;

/** Creates the text commands. */
export function createTextCommands(ports: TextCommandsPorts): RunTextCommand {
  const { commands, commandOf, managesMessages, context } = ports;
  return async (message) => {
    const given = commandOf(message);
    const command = commands.find(({ name }) => name === given?.name);
    const texts = context.texts();
    if (!given || !command) return notice("unknownCommand", {}, texts);
    const { place, channelId, quoted } = message;
    if (command.isMenuOnly) return notice("commandMenu", { name: command.name }, texts);
    if (command.isPrivate && place.kind !== "dm") {
      return notice("commandPrivate", { name: command.name }, texts);
    }
    const read = readWords(command, command.inOrder?.(given.words) ?? given.words);
    if (!read) return notice("commandUsage", { usage: usageOf(command) }, texts);
    const manages = given.kind.needs === "session" && place.kind === "guild" &&
      await managesMessages(message);
    const call: CommandCall = {
      accountId: message.accountId,
      id: message.id,
      channelId,
      ...(message.guildId !== undefined && { guildId: message.guildId }),
      place,
      sender: message.sender,
      ...(manages && { managesMessages: true }),
      isText: true,
      name: command.name,
      ...read,
      ...(quoted && { target: { ...quoted, channelId } }),
    };
    return await runCommand(call, command, ports);
  };
}
