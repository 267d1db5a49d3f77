/**
 * Interactions: commands, and uses of components below messages of the bot's.
 *
 * Each is answered by its token and never stored.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding}
 *
 * @module
 */

import type { AccountId, ApplicationId, ChannelId, GuildId, MessageId } from "../discord/ids.ts";
import type { Place, Sender } from "./inbound.ts";

/** The part that all interactions have in common. */
export interface Interaction {
  /** The account of ours that got it. */
  readonly accountId: AccountId;
  /** Id of the interaction, not of a message. */
  readonly id: string;
  /** Answers the interaction, for 15 minutes: a secret, which no log may have. */
  readonly token: string;
  /** The application that Discord sent it to; its webhook takes the answer. */
  readonly applicationId: ApplicationId;
  /** Channel, thread or direct message channel in which the person acted. */
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** The channel with its names, for policy. */
  readonly place: Place;
  /** The person who acted, as Discord names them; a client cannot forge this. */
  readonly sender: Sender;
  /** Set if the sender may manage messages in this channel; Discord tells it in guilds. */
  readonly managesMessages?: true;
}

/** The part that all uses of components have in common. */
export interface OnComponent extends Interaction {
  /** Name of the component, without state. Untrusted: a client can send any text. */
  readonly customId: string;
}

/** A person pressed a button. */
export interface ButtonPress extends OnComponent {
  /** Tells this use from the others of {@link ComponentUse}. */
  readonly kind: "button";
  /** The message that has the button. */
  readonly messageId: MessageId;
}

/** A person chose options of a select menu. */
export interface Selection extends OnComponent {
  /** Tells this use from the others of {@link ComponentUse}. */
  readonly kind: "select";
  /** The message that has the menu. */
  readonly messageId: MessageId;
  /** Values of the chosen options, or ids of chosen users, roles and channels. */
  readonly values: readonly string[];
}

/** A person submitted a modal. */
export interface ModalSubmission extends OnComponent {
  /** Tells this use from the others of {@link ComponentUse}. */
  readonly kind: "modal";
  /** Typed texts, untrusted, by the `custom_id` of each text input. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Any use of a component. */
export type ComponentUse = ButtonPress | Selection | ModalSubmission;

/** A slash command. The gateway's thread has deferred its answer, which only the asker sees. */
export interface SlashCommand extends Interaction {
  /** Tells a command from the uses of components. */
  readonly kind: "slash";
  /** Name of the command as registered, without `/`: `"status"`. */
  readonly name: string;
  /** Values by the option's name; options that the person left out are absent. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}
