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

interface Interaction {
  readonly accountId: AccountId;
  /** Of the interaction, not of a message. */
  readonly id: string;
  /** Answers the interaction, for 15 minutes: a secret, which no log may have. */
  readonly token: string;
  readonly applicationId: ApplicationId;
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  readonly place: Place;
  readonly sender: Sender;
}

interface OnComponent extends Interaction {
  /** As the bot named it; it carries no state. Anyone can send any. */
  readonly customId: string;
}

export interface ButtonPress extends OnComponent {
  readonly kind: "button";
  /** The message that has the button. */
  readonly messageId: MessageId;
}

export interface Selection extends OnComponent {
  readonly kind: "select";
  /** The message that has the menu. */
  readonly messageId: MessageId;
  /** Values of the chosen options, or ids of chosen users, roles and channels. */
  readonly values: readonly string[];
}

export interface ModalSubmission extends OnComponent {
  readonly kind: "modal";
  /** What was typed, by the `custom_id` of each text input. */
  readonly fields: Readonly<Record<string, string>>;
}

export type ComponentUse = ButtonPress | Selection | ModalSubmission;

/** A slash command. The gateway's thread has deferred its answer, which only the asker sees. */
export interface SlashCommand extends Interaction {
  readonly kind: "slash";
  /** `"status"`. */
  readonly name: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
}
