/**
 * Translates commands into Discord's words, within Discord's limits (K1).
 *
 * @see {@link https://docs.discord.com/developers/interactions/application-commands}
 *
 * @module
 */

import type {
  Localizations,
  RegisteredCommand,
  RegisteredOption,
} from "../../core/discord/registered_command.ts";
import type {
  Command,
  CommandOption,
  MessageCommand,
  Subcommand,
} from "../../interactions/base/command.ts";

/** The operator's words for commands, by the command's name (`messages.commands`). */
export type CommandTexts = Readonly<
  Record<string, {
    /** By Discord's locales. */
    readonly name?: Localizations | undefined;
    /** By Discord's locales. */
    readonly description?: Localizations | undefined;
  }>
>;

/** Discord's `ApplicationCommandTypes`. */
const SLASH = 1;
const MESSAGE = 3;

/** Discord's `ApplicationCommandOptionTypes`. */
const SUBCOMMAND = 1;
const OPTION_TYPES: Readonly<Record<CommandOption["type"], number>> = {
  text: 3,
  whole: 4,
  boolean: 5,
  user: 6,
};

/** Maximum number of commands of each type, and of characters of one. */
const MAX_COMMANDS: ReadonlyMap<number, number> = new Map([[SLASH, 100], [MESSAGE, 5]]);
const MAX_CHARS = 8_000;

/** Translates a slash command. */
export function toRegistered(
  { name, description, options, subcommands }: Command,
  texts: CommandTexts = {},
): RegisteredCommand {
  return {
    type: SLASH,
    name,
    description,
    ...localized(name, texts),
    options: subcommands ? subcommands.map(toSubcommand) : options.map(toOption),
  };
}

/** Translates a command in the menu of a message. */
export function toMessageMenu(
  { name }: MessageCommand,
  texts: CommandTexts = {},
): RegisteredCommand {
  const { description_localizations: _, ...names } = localized(name, texts);
  return { type: MESSAGE, name, description: "", ...names, options: [] };
}

/**
 * Keeps the commands that Discord takes: so many of each type, and none that is too long. A command
 * that is too long in another language stays without its localised words.
 */
export function withinLimits(
  commands: readonly RegisteredCommand[],
): { readonly kept: readonly RegisteredCommand[]; readonly left: readonly string[] } {
  const counts = new Map<number, number>();
  const left: string[] = [];
  const kept = commands.flatMap((command): readonly RegisteredCommand[] => {
    const count = (counts.get(command.type) ?? 0) + 1;
    const plain = charsOf(command) > MAX_CHARS ? withoutLocales(command) : command;
    if (count > (MAX_COMMANDS.get(command.type) ?? 0) || charsOf(plain) > MAX_CHARS) {
      left.push(command.name);
      return [];
    }
    counts.set(command.type, count);
    return [plain];
  });
  return { kept, left };
}

/** Characters of a command as Discord counts them: names, descriptions and values. */
export function charsOf(command: RegisteredCommand): number {
  const { name, description, name_localizations, description_localizations, options } = command;
  return longest(name, name_localizations) + longest(description, description_localizations) +
    options.reduce((sum, option) => sum + optionChars(option), 0);
}

function optionChars({ name, description, choices = [], options = [] }: RegisteredOption): number {
  return name.length + description.length +
    choices.reduce((sum, { name, value }) => sum + name.length + value.length, 0) +
    options.reduce((sum, option) => sum + optionChars(option), 0);
}

function longest(text: string, localized: Localizations = {}): number {
  return Math.max(text.length, ...Object.values(localized).map(({ length }) => length));
}

function withoutLocales(
  { name_localizations: _, description_localizations: __, ...command }: RegisteredCommand,
): RegisteredCommand {
  return command;
}

function localized(
  command: string,
  texts: CommandTexts,
): Pick<RegisteredCommand, "name_localizations" | "description_localizations"> {
  const { name = {}, description = {} } = Object.hasOwn(texts, command) ? texts[command] ?? {} : {};
  return {
    ...(Object.keys(name).length > 0 && { name_localizations: name }),
    ...(Object.keys(description).length > 0 && { description_localizations: description }),
  };
}

function toSubcommand({ name, description, options }: Subcommand): RegisteredOption {
  return {
    type: SUBCOMMAND,
    name,
    description,
    ...(options.length > 0 && { options: options.map(toOption) }),
  };
}

function toOption(
  { name, description, type, isRequired, choices, suggest }: CommandOption,
): RegisteredOption {
  return {
    type: OPTION_TYPES[type],
    name,
    description,
    ...(isRequired && { required: true }),
    ...(suggest && { autocomplete: true }),
    ...(choices && { choices: choices.map(({ name, value }) => ({ name, value })) }),
  };
}
