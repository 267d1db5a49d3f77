/**
 * Interactions: commands, and uses of components below messages of the bot's; and messages that are
 * commands (K1), by the names and rights of the commands that exist (K2, K3).
 *
 * Each is answered by its token. The store keeps a command until its answer has left.
 *
 * A text is a command only as a whole: a sentence that mentions `/status` gives none.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding}
 */

import type { ApplicationId, ChannelId, MessageId } from "../discord/ids.ts";
import type { InboundMessage, Quoted, Sender } from "./inbound.ts";
import { isAtDiscord } from "./inbound.ts";

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

export interface Interaction extends Pick<InboundMessage, "accountId" | "guildId" | "place"> {
  /** Id of the interaction, not of a message. */
  readonly id: string;
  /** Answers the interaction, for 15 minutes: a secret, which no log may have. */
  readonly token: string;
  /** The application that Discord sent it to; its webhook takes the answer. */
  readonly applicationId: ApplicationId;
  /** Channel, thread or direct message channel in which the person acted. */
  readonly channelId: ChannelId;
  /** The person who acted, as Discord names them; a client cannot forge this. */
  readonly sender: Sender;
  /**
   * Set if the bot is no member of the place: the person has installed the bot for themselves (K6).
   * The place is then a direct one, whatever it is at Discord.
   */
  readonly isElsewhere?: true;
  /** Set if the sender may manage messages in this channel; Discord tells it in guilds. */
  readonly managesMessages?: true;
  /** Set if the bot may not post in this channel: no answer of a turn can come. */
  readonly cannotAnswer?: true;
}

/** The part that all uses of components have in common. */
export interface OnComponent extends Interaction {
  /** Name of the component, without state. Untrusted: a client can send any text. */
  readonly customId: string;
  /** Set if the component's message is a card in Discord's second layout. */
  readonly isOnCard?: true;
}

export interface ButtonPress extends OnComponent {
  /** Tells this use from the others of {@link ComponentUse}. */
  readonly kind: "button";
  readonly messageId: MessageId;
}

/** A person chose options of a select menu. */
export interface Selection extends OnComponent {
  /** Tells this use from the others of {@link ComponentUse}. */
  readonly kind: "select";
  readonly messageId: MessageId;
  /** Values of the chosen options, or ids of chosen users, roles and channels. */
  readonly values: readonly string[];
}

export interface ModalSubmission extends OnComponent {
  /** Tells this use from the others of {@link ComponentUse}. */
  readonly kind: "modal";
  /** The message whose component has opened the modal; absent if a command has. */
  readonly messageId?: MessageId;
  /** The filled-in fields, untrusted. */
  /** The text of its field. Untrusted. */
  readonly text: string;
}

export type ComponentUse = ButtonPress | Selection | ModalSubmission;

export type OptionValue = string | number | boolean;

/** A command as a person gave it: from Discord's menu, or as a text message (K1). */
export interface CommandCall extends Omit<Interaction, "token" | "applicationId"> {
  /** Names of ids in its options and its message; absent: none. */
  readonly names?: InboundMessage["names"];
  /** Set if the person wrote it as a message, so that its id is that of the message. */
  readonly isText?: true;
  /** Name of the command as registered, without `/`: `"status"`. */
  readonly name: string;
  /** Name of its subcommand; absent if the command has none. */
  readonly subcommand?: string;
  /** Values by the option's name; options that the person left out are absent. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** The message on which a person gave a message command, or to which a text command replies. */
  readonly target?: CommandTarget;
}

/** A message that a command is about. Its text is untrusted. */
export interface CommandTarget extends Quoted {
  readonly channelId: ChannelId;
}

/** A slash command. The gateway's thread has deferred its answer, which only the asker sees. */
export interface SlashCommand extends Interaction, CommandCall {
  readonly kind: "slash";
}

/** A person types the value of an option, and Discord asks for suggestions (K2). */
export interface OptionTyping extends Interaction, CommandCall {
  /** Tells it from commands, which change something. */
  readonly kind: "typing";
  readonly typed: {
    readonly option: string;
    /** The text so far; may be empty. Untrusted. */
    readonly text: string;
  };
}
