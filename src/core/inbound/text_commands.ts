/**
 * Reads messages as commands (K1), by the names and rights of the commands that exist (K2, K3).
 *
 * A text is a command only as a whole: a sentence that mentions `/status` gives none.
 */

import type { InboundMessage } from "./inbound.ts";
import { isAtDiscord } from "./origin.ts";

/**
 * Who may give a command. `everyone`: each person who may talk to the bot there. `session`: in a
 * guild, a person who may manage messages, or an owner; elsewhere, as `everyone`. `owner`: an
 * owner of the bot. `approver`: an approver.
 */
export type CommandNeeds = "everyone" | "session" | "owner" | "approver";

/** How a command is given (M4, K1). */
export interface CommandKind {
  readonly needs: CommandNeeds;
  /** Whether words may follow its name. */
  readonly takesWords: boolean;
}

export interface TextCommand {
  /** Lower case, without `/`. */
  readonly name: string;
  /** Its rights and whether it takes words. */
  readonly kind: CommandKind;
  /** The text after the name; empty if there is none. */
  readonly words: string;
}

/**
 * Reads a message as a command (K1). The mention of the bot may precede it, unless the message
 * mentions others, too.
 */
export function commandIn(
  { text, mention, mentionsOthers }: {
    readonly text: string;
    readonly mention?: string;
    readonly mentionsOthers: boolean;
  },
  commands: ReadonlyMap<string, CommandKind>,
): TextCommand | undefined {
  if (commands.size === 0 || !text.includes("/")) return undefined; // most texts
  const isMentioned = mention !== undefined && !mentionsOthers;
  return commandOf(isMentioned ? text.replace(/^\s*<@[!&]?\d{1,20}>/, "") : text, commands);
}

/**
 * Reads a message as a command that Barnacle runs. Only people give commands: bots do not, and a
 * run of a schedule and a question by a command have texts of their own.
 */
export function textCommandIn(
  message: InboundMessage,
  commands: ReadonlyMap<string, CommandKind>,
): TextCommand | undefined {
  return !isAtDiscord(message) || message.sender.automaton
    ? undefined
    : commandIn(message, commands);
}

/**
 * Reads a text as a command: `"/forget me"`, `"/Forget: me"`, `"/status"`. Not `"/status now"`, since
 * `status` takes no words. Not `"/configure"`, since a command must match as a whole word.
 *
 * @returns `undefined` if the text is no command.
 */
export function commandOf(
  text: string,
  commands: ReadonlyMap<string, CommandKind>,
): TextCommand | undefined {
  if (commands.size === 0 || !/^\s*\//.test(text)) return undefined;
  const [, name = "", words = ""] = /^\/([\w-]+)(?:\s*:)?(?:\s+(.*))?$/s.exec(text.trim()) ?? [];
  const kind = commands.get(name.toLowerCase());
  if (!kind || (words !== "" && !kind.takesWords)) return undefined;
  return { name: name.toLowerCase(), kind, words };
}
