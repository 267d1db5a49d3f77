/** Declares who is in voice channels, as the gateway tells it. */

import type { ChannelId, GuildId, RoleId, UserId } from "./ids.ts";

/** A person or bot in a voice channel, also this bot itself. */
export interface VoiceMember {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly isBot: boolean;
  /** By themselves, by a moderator, or as a listener of a stage. */
  readonly isMuted: boolean;
  /** As of their last move or change there; absent: Discord did not tell them with it. */
  readonly roles?: readonly RoleId[] | undefined;
}

/** The channel in which the bot is to be; absent: none of the guild. */
export interface OwnVoice {
  readonly guildId: GuildId;
  /** Absent: none. */
  readonly channelId?: ChannelId | undefined;
}

/** A person's or bot's move, which also tells the session of the voice connection. */
export interface VoiceMove {
  readonly guildId: GuildId;
  readonly userId: UserId;
  /** Absent: none. */
  readonly channelId?: ChannelId | undefined;
  readonly sessionId: string;
}

export interface VoiceServer {
  readonly guildId: GuildId;
  /** Secret of this connection. */
  readonly token: string;
  /** Host and port; absent: the server is gone, and Discord will name another one. */
  readonly endpoint?: string | undefined;
}
