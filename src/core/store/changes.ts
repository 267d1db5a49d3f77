/** Values of `store.changes`: destructive actions of tools, and messages that tools posted. */

import type { AccountId, ChannelId, GuildId, MessageId, UserId } from "../discord/ids.ts";
import type { UndoSteps } from "../turn/ports/discord_place.ts";

/** A change that is about to be made. */
export interface NewChange {
  readonly accountId: AccountId;
  /** Identifies the call, also after a crash. */
  readonly callKey: string;
  readonly turnId: MessageId;
  readonly askerId: UserId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Absent for a change of the whole server. */
  readonly channelId?: ChannelId;
  /** Its effect, as the end of "would". */
  readonly what: string;
  /** Absent if it cannot be taken back. */
  readonly undo?: UndoSteps;
}

/** A change that was made, or was perhaps made. */
export interface MadeChange extends NewChange {
  readonly id: number;
  /** Whether it was taken back. */
  readonly isUndone: boolean;
  /** Identifies the call that took it back. */
  readonly undoneBy?: string;
}

/** A message that the bot has posted for a person, beside the outbox. */
export interface PostedForPerson {
  readonly accountId: AccountId;
  readonly messageId: MessageId;
  readonly askerId: UserId;
}
