/** Declares the callers and targets of the actions of the tool `discord`. */

import type { BotAccount } from "../../account/account.ts";
import type { ChannelId, GuildId, UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Decision } from "../../core/people/question.ts";
import type { Channel } from "../../core/rights/permissions.ts";
import type { GuildReads } from "../../discord/rest/requests/guild_reads.ts";

export interface GuildTarget {
  readonly channelId: ChannelId;
  readonly guildId: GuildId;
  /** The channel of a thread; absent for other channels. */
  readonly parentId?: ChannelId;
}

/** A person for whom an action runs. */
export interface Asker {
  readonly userId: UserId;
  /** The question; absent for a command. */
  readonly message?: InboundMessage;
  /** Whether the person owns the bot. Rights at Discord bind owners only where they read. */
  readonly isOwner: boolean;
}

/** Where an action comes from: its people, and the place in which they ask. */
export interface Caller {
  readonly account: BotAccount;
  /** Other servers that it may reach, too: `tools.discord.alsoGuilds`; absent: none. */
  readonly alsoGuilds?: readonly string[];
  /** The people whose messages share the turn. */
  readonly askers: readonly Asker[];
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** The decision of a person about the call; absent: no person was asked. */
  readonly decision?: Decision;
  /** The question in whose answer people read the result; absent: it shows nothing of Discord. */
  readonly shownTo?: InboundMessage;
  /** As {@link DiscordCall.sharesReads}. */
  readonly sharesReads?: object;
}

/** A place that an action may reach. */
export interface FoundTarget {
  /** Absent for the whole server. */
  readonly channelId?: ChannelId;
  /** The channel of a thread that is not the place of the turn; absent for other places. */
  readonly parentId?: ChannelId;
  /** Absent in direct messages, which have no rights. */
  readonly guild?: { readonly id: GuildId; readonly reads: GuildReads };
  /** The reader of direct messages that a call writes to; absent for other places. */
  readonly readerId?: UserId;
  /** Reads the channel; rejects for a whole server. */
  channel(): Promise<Channel>;
}
