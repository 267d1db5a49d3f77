/**
 * Declares commands and components of people in Discord. `registry.ts` lists all of them.
 *
 * One definition of a command serves the slash command, the text command, its rights, the suggestions
 * and the documentation (K1).
 */

import type { BotAccount } from "../../account/account.ts";
import type {
  CommandCall,
  CommandNeeds,
  ComponentUse,
  EventOf,
  OptionTyping,
} from "../../core/inbound/inbound.ts";
import type { Button, Card, Menu } from "../../core/outbound/outbound.ts";
import { bounded } from "../../lib/text/quoted.ts";

/** Maximum UTF-16 units of an answer: those of one message in Discord's second layout. */
export const ANSWER_MAX = 4_000;

/** A value that a person may choose. */
export interface Choice {
  /** What Discord shows: 1 to 100 characters. */
  readonly name: string;
  /** The value that the command gets: 1 to 100 characters. */
  readonly value: string;
}

/** A value that a person may give with a command. */
export interface CommandOption {
  /** Lower case, 1 to 32 characters. */
  readonly name: string;
  /** 1 to 100 characters. */
  readonly description: string;
  /**
   * `whole` is an integer. `user` and `channel` are ids, which in a text command may be mentions. In
   * a text command, a `text` option that comes last takes all words.
   */
  readonly type: "text" | "whole" | "boolean" | "user" | "channel";
  /** Whether Discord refuses a call without it; absent: no. */
  readonly isRequired?: boolean;
  /** The only values of a text option, at most 25; absent: any text. */
  readonly choices?: readonly Choice[];
  /**
   * Suggests values while a person types. It answers within a second, or Discord shows none.
   *
   * @returns At most 25 are shown.
   */
  readonly suggest?: (
    typing: OptionTyping,
    account: BotAccount,
  ) => readonly Choice[] | Promise<readonly Choice[]>;
}

/** A part of a command with options of its own: `/config get`. */
export interface Subcommand {
  /** Lower case, 1 to 32 characters. */
  readonly name: string;
  /** 1 to 100 characters. */
  readonly description: string;
  /** Required ones come first; absent: none. */
  readonly options?: readonly CommandOption[];
}

/**
 * The work of a command, however a person gives it.
 */
export interface CommandWork {
  /** The right that policy checks before {@link CommandWork.run}. */
  readonly needs: CommandNeeds;
  /**
   * Runs once the asker's rights are checked. A crash may run it a second time, or leave it without
   * an answer. So a command that changes something records the call's id with the change.
   *
   * @returns The answer, 1 to {@link ANSWER_MAX}. Only the asker sees that of a slash command.
   */
  run(call: CommandCall, account: BotAccount): CommandAnswer | Promise<CommandAnswer>;
}

/** A text, with components below that of a slash command. */
export interface AnswerParts {
  readonly text: string;
  /** At most 25. */
  readonly buttons?: readonly Button[];
  /** For a text of at most 2,000 characters. */
  readonly menu?: Menu | undefined;
}

export type CommandAnswer = string | AnswerParts;

export const partsOf = (answer: CommandAnswer): AnswerParts =>
  typeof answer === "string" ? { text: answer } : answer;

/** A command: its name for Discord, its right and its answer. */
export interface Command extends CommandWork {
  /** Lower case, 1 to 32 characters, without `/`. */
  readonly name: string;
  /** 1 to 100 characters; Discord shows it in the list of commands. */
  readonly description: string;
  /** Required ones come first; absent: none, as if there are subcommands. */
  readonly options?: readonly CommandOption[];
  /** Each call names one of them; absent: the command has none. */
  readonly subcommands?: readonly Subcommand[];
  /** Set if the answer is for the asker alone: as a text, it works in direct messages only. */
  readonly isPrivate?: true;
  /**
   * Puts the words of a text command into the order of the options, for a command that people also
   * write in another one; absent: they are in order.
   */
  readonly inOrder?: (words: string) => string;
  /**
   * Set if a text with words after the name is this command, too, though it has no options: people
   * then see how to write it. A text that only begins like another command goes to the model.
   */
  readonly takesWords?: true;
  /** The core's command after which lists show it; absent, for a feature's: near the end. */
  readonly follows?: string;
  /** Set if it works as a slash command only. */
  readonly isMenuOnly?: true;
  /** Whether the config allows the command now; absent: always. */
  readonly isOffered?: (account: BotAccount) => boolean;
}

/** A command in the menu of a message (K6). */
export interface MessageCommand extends CommandWork {
  /** 1 to 32 characters, as Discord shows it: `"Ask Barnacle"`. */
  readonly name: string;
}

export type ComponentAnswer =
  /** Replaces the message that has the component; the card is for messages that are one. */
  | {
    readonly how: "update";
    readonly text: string;
    readonly card?: Card;
    readonly menu?: Menu | undefined;
    readonly later?: Later;
  }
  /** A message of 1 to 2000 characters for the person alone. */
  | { readonly how: "reply"; readonly text: string; readonly later?: Later }
  /** A text for the person alone, who has no right to this; told once a minute (X4a). */
  | {
    readonly how: "refuse";
    readonly text: string;
    /** For the log, with its fields. */
    readonly event: string;
    readonly fields: Record<string, unknown>;
    readonly later?: undefined;
  }
  /** The gateway's thread has opened a form. */
  | { readonly how: "form"; readonly later?: undefined };

/** Does work that takes long, beside the answer. Its result replaces a `reply`. */
export type Later = () => Promise<string>;

export type ComponentKind = ComponentUse["kind"];

/** A component of one kind: its name for routing, its right and its answer. */
export interface ComponentOf<Kind extends ComponentKind> {
  /** Only uses of this kind are routed to it. */
  readonly kind: Kind;
  /** The part of a `custom_id` before its first `:`, by which uses are routed. */
  readonly name: string;
  /** The right that policy checks before {@link ComponentOf.run}. */
  readonly needs: CommandNeeds;
  /**
   * Runs once the person's rights are checked. A client can send any `custom_id`, so `run` trusts
   * only the store.
   *
   * @returns `undefined` if the component has no effect any more.
   */
  run(use: EventOf<Kind>, account: BotAccount): Promise<ComponentAnswer | undefined>;
  /** The sentence for the person if `run` failed; absent: the usual one. */
  readonly failedText?: string;
}

export type Component = {
  [Kind in ComponentKind]: ComponentOf<Kind>;
}[ComponentKind];

/** Maximum number of suggestions, and of characters of each, at Discord. */
const MAX_CHOICES = 25;
const MAX_LENGTH = 100;

/**
 * The choices that contain the typed text, those that begin with it first. A value that is too long
 * for Discord is left out.
 */
export function choicesFor(typed: string, all: readonly Choice[]): readonly Choice[] {
  const text = typed.trim().toLowerCase();
  const found = all.filter(({ name, value }) =>
    value.length <= MAX_LENGTH && `${name} ${value}`.toLowerCase().includes(text)
  );
  const first = (choice: Choice) => choice.value.toLowerCase().startsWith(text) ? 0 : 1;
  return found.toSorted((one, other) => first(one) - first(other)).slice(0, MAX_CHOICES)
    .map(({ name, value }) => ({ name: bounded(name, MAX_LENGTH), value }));
}
