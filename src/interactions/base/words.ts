/** Reads the words of a text command as the options that the slash command takes (K1). */

import type { OptionValue } from "../../core/inbound/interactions.ts";
import type { Command, CommandOption } from "./command.ts";

interface WrittenOptions {
  /** Name of the subcommand; absent if the command has none. */
  readonly subcommand?: string;
  /** Values by the option's name. */
  readonly options: Readonly<Record<string, OptionValue>>;
}

/**
 * Reads words in the order of the options: `/memory 3`. An option may be named, as in Discord's
 * menu: `/memory edit:3 text:no sugar`. The last text option takes all words that are left.
 *
 * @returns `undefined` if the words do not fit.
 */
export function readWords(
  { options, subcommands }: Pick<Command, "options" | "subcommands">,
  words: string,
): WrittenOptions | undefined {
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
): WrittenOptions["options"] | undefined {
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
