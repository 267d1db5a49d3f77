/**
 * The contract of `store.changes`: destructive actions of tools, and messages that tools posted.
 */

import type { AccountId, ChannelId, GuildId, MessageId, UserId } from "../discord/ids.ts";
import type { UndoSteps } from "../turn/ports/discord_place.ts";

/** All methods of `store.changes`. */
export interface ToolChanges {
  /**
   * Stores a change before it is made. A repeated call keeps the first one, which knows the state
   * before.
   *
   * @param most Maximum number of changes of a turn.
   * @returns `undefined` if the turn has made so many already.
   */
  begin(change: NewChange, most: number, now: number): Promise<MadeChange | undefined>;
  /**
   * The number of changes that a turn has made, or perhaps made.
   *
   * @param except Keys of calls that do not count.
   */
  madeBy(accountId: AccountId, turnId: MessageId, except: readonly string[]): Promise<number>;
  /** Forgets a change that Discord refused. */
  refused(id: number): Promise<void>;
  /** Stores a posted message, once. `askerOf()` of the inbox finds its person. */
  posted(message: PostedForPerson, now: number): Promise<void>;
  /** Marks a change as taken back by a call. */
  undone(id: number, by: string, now: number): Promise<void>;
  /**
   * Changes since a time, newest first.
   *
   * @param guildId Of one server; `undefined` for direct messages and all servers.
   */
  since(
    accountId: AccountId,
    guildId: GuildId | undefined,
    since: number,
  ): Promise<readonly MadeChange[]>;
}

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
