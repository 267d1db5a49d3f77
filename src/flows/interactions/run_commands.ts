/**
 * Runs the commands that people give: as slash commands, in the menu of a message, and as text
 * messages; and suggests values while a person types (K1, K2, K3, K6).
 *
 * A text command is in the inbox like any other message. Its turn asks no model: it runs the
 * command, and the store takes the answer with the end of the turn (T3). So a crash runs the
 * command again and answers once.
 */

import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets, perAccount } from "../../account/per_account.ts";
import {
  type CommandCall,
  type InboundMessage,
  type OptionTyping,
  type OptionValue,
  type SlashCommand,
} from "../../core/inbound/inbound.ts";
import { createMissingPermission } from "../../discord/rest/requests/guild_reads.ts";
import {
  ANSWER_MAX,
  type AnswerParts,
  type Choice,
  type Command,
  type CommandOption,
  type CommandWork,
  partsOf,
} from "../../interactions/base/command.ts";
import { COMMANDS, MESSAGE_COMMANDS } from "../../interactions/registry.ts";
import { inTime } from "../../lib/clock.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { failedText, NOT_AUTHORIZED, privateText, usageText } from "../../render/sentences.ts";
import { textCommandOf } from "../judging/judge.ts";
import { answersOf, giveAnswer, nextRefusal } from "./answers.ts";
import { authorize } from "./may_use.ts";

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
  const given = textCommandOf(account, message);
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
  try {
    const found = choicesOf(account, typing).catch((error: unknown) => {
      log.debug("Cannot suggest values", { ...idsOf(typing), error });
      return [];
    });
    const choices = await inTime(found, SUGGEST_MS, schedule, () => []);
    if (choices) await answersOf(account).suggest(typing, choices.slice(0, MAX_CHOICES));
  } catch (error) {
    log.debug("Cannot send suggestions", { ...idsOf(typing), error });
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
  const choices = await option?.suggest?.(typing, account) ?? [];
  return choices.map(({ name, value }) => ({ name: cleanSecrets(account, name), value }));
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
    if (length > 0 && length <= ANSWER_MAX) {
      const text = bounded(cleanSecrets(account, answer.text), ANSWER_MAX);
      return { ...answer, text, isRefusal: false };
    }
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

/**
 * Reads words in the order of the options: `/memory 3`. An option may be named, as in Discord's
 * menu: `/memory edit:3 text:no sugar`. The last text option takes all words that are left.
 *
 * @returns `undefined` if the words do not fit.
 */
export function readWords(
  { options, subcommands }: Command,
  words: string,
): Pick<CommandCall, "subcommand" | "options"> | undefined {
  if (!subcommands) {
    const read = readOptions(options, words);
    return read && { options: read };
  }
  const [, name = "", rest = ""] = /^(\S*)\s*([^]*)$/.exec(words.trim()) ?? [];
  const subcommand = subcommands.find((one) => one.name === name.toLowerCase());
  const read = subcommand && readOptions(subcommand.options, rest);
  return read && subcommand && { subcommand: subcommand.name, options: read };
}

function readOptions(
  options: readonly CommandOption[] = [],
  words: string,
): CommandCall["options"] | undefined {
  const read: Record<string, OptionValue> = Object.create(null);
  const open = [...options];
  let rest = words.trim();
  while (rest !== "") {
    const [, named = ""] = /^([\w-]{1,32}):/.exec(rest) ?? [];
    const isNamed = open.some(({ name }) => name === named.toLowerCase());
    const at = isNamed ? open.findIndex(({ name }) => name === named.toLowerCase()) : 0;
    const [option] = open.splice(at, 1);
    if (!option) return undefined;
    const given = isNamed ? rest.slice(named.length + 1).trimStart() : rest;
    const text = takesAll(option, open, given, isNamed) ? given : /^\S*/.exec(given)?.[0] ?? "";
    const value = valueOf(option, text);
    if (value === undefined) return undefined;
    read[option.name] = value;
    rest = given.slice(text.length).trimStart();
  }
  return open.some(({ isRequired }) => isRequired) ? undefined : read;
}

/**
 * Whether an option takes all words that are left: a free text that comes last, or that is named and
 * has no other named option behind it.
 */
function takesAll(
  { type, choices }: CommandOption,
  open: readonly CommandOption[],
  words: string,
  isNamed: boolean,
): boolean {
  if (type !== "text" || choices) return false;
  return open.length === 0 || (isNamed && !open.some(({ name }) => words.includes(` ${name}:`)));
}

function valueOf({ type, choices }: CommandOption, text: string): OptionValue | undefined {
  switch (type) {
    case "whole":
      return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
    case "boolean":
      return BOOLEANS.get(text.toLowerCase());
    case "user":
      return USER.exec(text)?.[1];
    case "channel":
      return /^(?:<#)?(\d{1,20})>?$/.exec(text)?.[1];
    case "text":
      if (text === "") return undefined;
      if (!choices) return text;
      return choices.find(({ name, value }) => isSame(value, text) || isSame(name, text))?.value;
  }
}

const isSame = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

const USER = /^(?:<@!?)?(\d{1,20})>?$/;

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["false", false],
  ["no", false],
  ["off", false],
]);

/** How to write a command, for a person whose words did not fit: `/approve [id] [allow-once|deny]`. */
export function usageOf({ name, options, subcommands }: Command): string {
  const lines = subcommands ?? [{ name: "", options }];
  return lines.map((line) =>
    `\`${["/" + name, line.name, ...(line.options ?? []).map(shown)].filter(Boolean).join(" ")}\``
  ).join("\n");
}

function shown({ name, isRequired, choices }: CommandOption): string {
  const values = choices?.map(({ value }) => value).join("|") ?? name;
  return isRequired ? `<${values}>` : `[${values}]`;
}
