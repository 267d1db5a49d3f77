/**
 * Runs the commands that people give: as slash commands, in the menu of a message, and as text
 * messages; and suggests values while a person types (K1, K2, K3, K6).
 *
 * A text command is in the inbox like any other message. Its turn asks no model: it runs the command,
 * and the store takes the answer with the end of the turn (T3). So a crash runs the command again and
 * answers once.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { CommandCall, OptionTyping, SlashCommand } from "../../core/inbound/interactions.ts";
import { createMissingPermission } from "../../discord/rest/permissions/explain_denial.ts";
import {
  ANSWER_MAX,
  type AnswerParts,
  type Choice,
  type CommandWork,
  partsOf,
} from "../../interactions/base/command.ts";
import { readWords, usageOf } from "../../interactions/base/words.ts";
import { COMMANDS, MESSAGE_COMMANDS } from "../../interactions/registry.ts";
import { failedText, NOT_AUTHORIZED, privateText, usageText } from "../../render/sentences.ts";
import { commandOf } from "../judging/judge.ts";
import { answersOf, giveAnswer, nextRefusal } from "./answers.ts";
import { authorize } from "./authorize.ts";

const UNKNOWN_COMMAND = "I no longer have this command.";

/** A command that is gone needs the least, so that people without rights cost no answer each. */
const GONE: CommandWork = { needs: "everyone", run: () => UNKNOWN_COMMAND };

/** Milliseconds that an option may take to suggest values. */
const SUGGEST_MS = 1_000;

/** Maximum number of suggestions at Discord. */
const MAX_CHOICES = 25;

const missingPermission = perAccount(
  "interactions",
  ({ rest, now }) => createMissingPermission(rest, now),
);

/**
 * Answers one slash command or message command. The gateway's thread has deferred the answer (K5).
 * Never rejects.
 */
export async function runSlash(account: BotAccount, call: SlashCommand): Promise<void> {
  const all: readonly (CommandWork & { readonly name: string })[] = call.target
    ? MESSAGE_COMMANDS
    : COMMANDS;
  const command = all.find(({ name }) => name === call.name) ?? GONE;
  const answer = await runCommand(account, call, command);
  try {
    if (answer) {
      const { text, isRefusal, ...below } = answer;
      await giveAnswer(
        account,
        call,
        isRefusal ? undefined : text, // a refusal is worth no direct message
        () => answersOf(account).complete(call, text, below),
      );
    }
    await account.store.inbox.commandAnswered(call.id);
  } catch (error) {
    account.log.warn("Cannot answer a command", { ...idsOf(call), error });
  }
}

/** Runs the command of a message, and returns its answer; an empty one is none. */
export async function runText(account: BotAccount, message: InboundMessage): Promise<string> {
  const { accountId, id, channelId, guildId, place, sender, names, quoted } = message;
  const given = commandOf(account, message);
  const command = COMMANDS.find(({ name }) => name === given?.name);
  if (!given || !command) return UNKNOWN_COMMAND;
  if (command.isMenuOnly) return `Use \`/${command.name}\` from Discord's menu.`;
  if (command.isPrivate && place.kind !== "dm") {
    return privateText(command.name);
  }
  const read = readWords(command, command.inOrder?.(given.words) ?? given.words);
  if (!read) return usageText(usageOf(command));
  const asker = guildId && { channelId, guildId, userId: sender.id };
  const manages = given.kind.needs === "session" && place.kind === "guild" && asker &&
    await missingPermission(account)(asker, ["Manage Messages"]) === undefined;
  const call: CommandCall = {
    accountId,
    id,
    channelId,
    guildId,
    place,
    sender,
    managesMessages: manages || undefined,
    isText: true,
    names,
    name: command.name,
    ...read,
    target: quoted ? { ...quoted, channelId } : undefined,
  };
  return (await runCommand(account, call, command))?.text ?? "";
}

/**
 * Suggests values for the option that a person types. Never rejects.
 *
 * Discord drops suggestions after three seconds, and a person has typed on by then. So there are none
 * after a second, and none if anything fails; failures go to the log at debug level.
 */
export async function suggest(account: BotAccount, typing: OptionTyping): Promise<void> {
  const { schedule, log } = account;
  const late = Promise.withResolvers<readonly Choice[]>();
  const cancel = schedule(() => late.resolve([]), SUGGEST_MS);
  try {
    const found = choicesOf(account, typing).catch((error: unknown) => {
      log.debug("Cannot suggest values", { ...idsOf(typing), error });
      return [];
    });
    const choices = await Promise.race([found, late.promise]);
    if (choices) await answersOf(account).suggest(typing, choices.slice(0, MAX_CHOICES));
  } catch (error) {
    log.debug("Cannot send suggestions", { ...idsOf(typing), error });
  } finally {
    cancel();
  }
}

/** @returns `undefined` for a person without the right: not even an empty answer leaves. */
async function choicesOf(
  account: BotAccount,
  typing: OptionTyping,
): Promise<readonly Choice[] | undefined> {
  const command = COMMANDS.find(({ name }) => name === typing.name);
  const part = command?.subcommands?.find(({ name }) => name === typing.subcommand) ?? command;
  const option = part?.options?.find(({ name }) => name === typing.typed.option);
  const { kind } = await authorize(account, typing, command?.needs ?? "everyone");
  if (kind !== "accept") return undefined;
  return await option?.suggest?.(typing, account) ?? [];
}

/** Runs a command, and returns its answer, or a refusal, or a failure; `undefined` for a quiet end. */
async function runCommand(
  account: BotAccount,
  call: CommandCall,
  { needs, run }: CommandWork,
): Promise<AnswerParts & { readonly isRefusal: boolean } | undefined> {
  const { log } = account;
  try {
    const { kind, why, rule } = await authorize(account, call, needs);
    if (kind !== "accept") {
      const how = nextRefusal(account, call.sender.id, !call.isText);
      if (how === "nothing") return undefined;
      if (how === "tell") {
        log.debug("Refused a command: this user has no right to it", { ...idsOf(call), why, rule });
      }
      return { text: NOT_AUTHORIZED, isRefusal: true };
    }
    const answer = partsOf(await run(call, account));
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
