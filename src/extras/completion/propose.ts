/**
 * Proposes the next word of a command line, from the same table of commands as `--help`.
 *
 * The library has a completion, too. It proposes hidden options, offers no sub-commands of a group
 * with a default command, and knows neither `--option=value` nor which values are paths.
 */

import type { CliCommand, CliOption, CliParameters } from "../../cli/help/command_help.ts";
import { dashed } from "../../cli/help/error_texts.ts";
import type { Commands } from "../../cli/help/wrong_command.ts";

/** A word that may come next. */
export interface Proposal {
  readonly value: string;
  /** One line about it; absent: the value says all. */
  readonly about?: string;
}

/** A value that the config, the store or the shell knows. */
export interface WantedValue {
  /** Name of the option, or of the argument in the help: `"account"`, `"key"`. */
  readonly name: string;
  /** Values of the arguments before it. */
  readonly before: readonly string[];
  readonly typed: string;
  /** Stands before each value: `"--account="`. */
  readonly head: string;
}

/** What may come next. */
interface Proposed {
  readonly proposals: readonly Proposal[];
  /** Values that come in place of the proposals, if there are any. Absent: the proposals are all. */
  readonly wanted?: WantedValue;
}

const NOTHING: Proposed = { proposals: [] };
const HELP: Proposal = { value: "--help", about: "Print the help" };

/**
 * Proposes the last word.
 *
 * @param words The words after `barnacle`; the last one is incomplete, and may be empty.
 */
export function propose(words: readonly string[], commands: Commands): Proposed {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const [name, sub] = before;
  if (name === undefined) {
    return from(current, [
      ...namesOf(commands),
      { value: "help", about: "Print the help of a command" },
      HELP,
      { value: "--version", about: "Print the version" },
    ]);
  }
  if (name === "help") return ofHelp(before.slice(1), current, commands);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command?.kind !== "group") {
    return command ? ofCommand(command, before.slice(1), current) : NOTHING;
  }
  const fallback = command.defaultCommand === undefined
    ? undefined
    : command.commands[command.defaultCommand];
  if (sub === undefined) {
    if (current.startsWith("-")) {
      return fallback ? ofCommand(fallback, [], current) : from(current, [HELP]);
    }
    return from(current, namesOf(command.commands));
  }
  if (Object.hasOwn(command.commands, sub)) {
    const inner = command.commands[sub];
    return inner ? ofCommand(inner, before.slice(2), current) : NOTHING;
  }
  return fallback && sub.startsWith("-") ? ofCommand(fallback, before.slice(1), current) : NOTHING;
}

function ofHelp(before: readonly string[], current: string, commands: Commands): Proposed {
  const [name = ""] = before;
  if (before.length === 0) return from(current, namesOf(commands));
  const group = Object.hasOwn(commands, name) ? commands[name] : undefined;
  return before.length === 1 && group?.kind === "group"
    ? from(current, namesOf(group.commands))
    : NOTHING;
}

function namesOf(commands: Commands): readonly Proposal[] {
  return Object.entries(commands).map(([value, command]) => ({
    value,
    about: command.kind === "command" ? command.help.brief : command.brief,
  }));
}

function from(typed: string, proposals: readonly Proposal[], head = ""): Proposed {
  return {
    proposals: proposals.filter(({ value }) => value.startsWith(typed))
      .map((one) => ({ ...one, value: head + one.value })),
  };
}

function ofCommand({ target }: CliCommand, before: readonly string[], current: string): Proposed {
  const { parameters } = target;
  const { given, inputs, open, isEnded } = read(before, parameters);
  if (open !== undefined) return ofOption(open, parameters, inputs, current, "");
  if (current.startsWith("-") && !isEnded) {
    const [, written = "", value] = /^--([\w-]+)=(.*)$/s.exec(current) ?? [];
    const name = nameOf(written, parameters);
    if (value !== undefined) {
      return name === undefined
        ? NOTHING
        : ofOption(name, parameters, inputs, value, `--${written}=`);
    }
    return from(current, optionsOf(parameters, given));
  }
  const placeholder = placeholderAt(parameters, inputs.length);
  const options = current === "" && !isEnded ? optionsOf(parameters, given) : [];
  return placeholder === undefined ? from(current, options) : {
    proposals: options,
    wanted: { name: placeholder, before: inputs, typed: current, head: "" },
  };
}

/** The words of a command's line, read up to the incomplete one. */
function read(words: readonly string[], parameters: CliParameters): {
  /** Names of the options. */
  readonly given: ReadonlySet<string>;
  readonly inputs: readonly string[];
  /** The option whose value comes next. */
  readonly open?: string;
  /** Whether `--` ended the options. */
  readonly isEnded: boolean;
} {
  const given = new Set<string>();
  const inputs: string[] = [];
  let open: string | undefined;
  let isEnded = false;
  for (const word of words) {
    if (open !== undefined) {
      open = undefined;
      continue;
    }
    if (isEnded || !word.startsWith("-") || word === "-") inputs.push(word);
    else if (word === "--") isEnded = true;
    else {
      const [, written = "", value] = /^--?([\w-]+)(=.*)?$/s.exec(word) ?? [];
      const name = nameOf(written, parameters);
      const option = name === undefined ? undefined : parameters.flags?.[name];
      if (name === undefined || !option) continue; // unknown, which only the command may say
      given.add(name);
      if (value === undefined && option.kind !== "boolean" && option.kind !== "counter") {
        open = name;
      }
    }
  }
  return { given, inputs, open, isEnded };
}

/** An option's name in the table, of `dry-run`, `dryRun` or a letter. */
function nameOf(written: string, { flags = {}, aliases = {} }: CliParameters): string | undefined {
  const [, other] = Object.entries(aliases).find(([letter]) => letter === written) ?? [];
  return other ?? Object.keys(flags).find((name) => name === written || bare(name) === written);
}

/** `"dry-run"` of `dryRun`. */
function bare(name: string): string {
  return dashed(name).slice(2);
}

function optionsOf(
  { flags = {} }: CliParameters,
  given: ReadonlySet<string>,
): readonly Proposal[] {
  return [
    ...Object.entries(flags).filter(([name, option]) => isOffered(name, option, given))
      .map(([name, { brief }]) => ({ value: dashed(name), about: brief })),
    HELP,
  ];
}

function isOffered(name: string, option: CliOption, given: ReadonlySet<string>): boolean {
  if ("hidden" in option && option.hidden === true) return false;
  return !given.has(name) || ("variadic" in option && option.variadic !== undefined);
}

function ofOption(
  name: string,
  { flags = {} }: CliParameters,
  before: readonly string[],
  typed: string,
  head: string,
): Proposed {
  const option = flags[name];
  if (!option) return NOTHING;
  // A list such as `gateway,turns`: only its last part is incomplete.
  const comma = "variadic" in option && typeof option.variadic === "string"
    ? typed.lastIndexOf(option.variadic) + 1
    : 0;
  const [listed, last] = [typed.slice(0, comma), typed.slice(comma)];
  if (option.kind === "enum") {
    return from(last, option.values.map((value) => ({ value })), head + listed);
  }
  if (option.kind === "boolean" || option.kind === "counter") return NOTHING;
  const placeholder = option.placeholder ?? name;
  const wanted = name === "account" ? name : placeholder;
  return { proposals: [], wanted: { name: wanted, before, typed: last, head: head + listed } };
}

function placeholderAt({ positional }: CliParameters, index: number): string | undefined {
  if (!positional) return undefined;
  const parameter = positional.kind === "array"
    ? positional.parameter
    : positional.parameters[index];
  return parameter?.placeholder;
}
