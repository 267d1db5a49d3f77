/**
 * The world that the simulator holds: guilds, channels, people and what they said.
 *
 * It is data, changed only by the functions of this folder's pure files, each
 * of which takes the time as an argument and returns what happened as events.
 * Neither a socket nor a clock is known here, so that every rule of Discord's
 * can be tested as a function.
 *
 * @module
 */

import type {
  ApplicationId,
  ChannelId,
  GuildId,
  MessageId,
  RoleId,
  Snowflake,
  UserId,
} from "../../src/core/discord/ids.ts";
import type { Application, ApplicationCommand } from "./applications.ts";
import type { ActionRow, Button } from "./components.ts";
import type { NonceTable } from "./nonces.ts";
import type { IdCounter } from "./snowflake.ts";

export type { Application, ApplicationCommand, Team, TeamMember } from "./applications.ts";

/** An account: a person, or the user of an application. */
export interface User {
  readonly id: UserId;
  readonly username: string;
  /** Of an account that has not chosen a unique name yet: others may have the same before it. */
  readonly discriminator?: string;
  readonly globalName?: string;
  readonly isBot: boolean;
  /** Whether a bot may write to them first, or at all. */
  readonly acceptsDms: boolean;
}

export interface Role {
  readonly id: RoleId;
  readonly name: string;
  readonly permissions: bigint;
  readonly isMentionable: boolean;
  /** Set on the role that a bot brings with it: it mentions the bot. */
  readonly botId?: UserId;
}

export interface Member {
  readonly userId: UserId;
  readonly roles: readonly RoleId[];
  readonly nick?: string;
  /** Unix time in milliseconds. */
  readonly joinedAt: number;
  /**
   * Unix time in milliseconds to which a timeout is said to last. It is in force for as long as it is
   * set: the rules of the world have no clock.
   */
  readonly timedOutUntil?: number;
}

export interface Guild {
  readonly id: GuildId;
  readonly name: string;
  readonly ownerId: UserId;
  /** Has the guild's own id, as at Discord. */
  readonly everyoneRoleId: RoleId;
  readonly roles: Map<RoleId, Role>;
  readonly members: Map<UserId, Member>;
  readonly channelIds: Set<ChannelId>;
  /** Its level of boosts, by which its limit for uploads goes. */
  premiumTier: 0 | 1 | 2 | 3;
}

interface ChannelBase {
  readonly id: ChannelId;
  /** In the order they were written, which is the order of their ids. */
  readonly messages: Map<MessageId, Message>;
  lastMessageId?: MessageId;
}

export interface TextChannel extends ChannelBase {
  readonly kind: "text" | "forum";
  readonly guildId: GuildId;
  readonly name: string;
  readonly topic?: string;
  readonly overwrites: readonly Overwrite[];
}

export interface Thread extends ChannelBase {
  readonly kind: "thread";
  readonly guildId: GuildId;
  readonly parentId: ChannelId;
  readonly name: string;
  readonly ownerId: UserId;
  /** Quiet until somebody writes in it. */
  readonly isArchived: boolean;
  /** Closed to all who may not manage threads. */
  readonly isLocked: boolean;
}

export interface PrivateChannel extends ChannelBase {
  readonly kind: "dm" | "group_dm";
  /** Everybody in it, the bot too. */
  readonly recipients: readonly UserId[];
  readonly name?: string;
}

export type GuildChannel = TextChannel | Thread;
export type Channel = GuildChannel | PrivateChannel;

export interface Webhook {
  readonly id: Snowflake<"webhook">;
  readonly name: string;
  /** Set where an application owns it, such as PluralKit. */
  readonly applicationId?: ApplicationId;
}

export type Author =
  | { readonly kind: "user"; readonly userId: UserId }
  | {
    readonly kind: "webhook";
    readonly webhook: Webhook;
    /** What it calls itself in this message: any name, and any picture. */
    readonly name?: string;
    readonly avatar?: string;
  };

/** One exception of a channel, for a role or for a member. */
export interface Overwrite {
  readonly id: Snowflake;
  readonly kind: "role" | "member";
  readonly allow: bigint;
  readonly deny: bigint;
}

export interface Attachment {
  readonly id: Snowflake<"attachment">;
  readonly filename: string;
  /** What people are shown, where Discord has changed the name; without the extension. */
  readonly title?: string;
  readonly sizeBytes: number;
  readonly contentType?: string;
  readonly description?: string;
  /** What is downloaded; a file without is there by name only. They go when others need the room. */
  bytes?: Uint8Array<ArrayBuffer>;
}

export interface Media {
  /** Keeps an attachment's bytes, and lets go of the oldest where it becomes too much. */
  keep(attachment: Attachment): void;
}

/** What a message replies to, or forwards. */
export interface Reference {
  readonly kind: "reply" | "forward";
  readonly messageId: MessageId;
  readonly channelId: ChannelId;
}

/** A part of a message that the simulator keeps and shows, but does not read. */
export type Opaque = Readonly<Record<string, unknown>>;

export interface Message {
  readonly id: MessageId;
  readonly channelId: ChannelId;
  readonly author: Author;
  readonly content: string;
  /** Unix time in milliseconds. */
  readonly editedAt?: number;
  readonly nonce?: string | number;
  readonly reference?: Reference;
  /** Whom it pings, which is less than whom its text names. */
  readonly pings: Pings;
  readonly attachments: readonly Attachment[];
  readonly embeds: readonly Opaque[];
  readonly components: readonly ActionRow[];
  readonly flags: number;
  readonly isTts: boolean;
  /** By emoji, `"👀"` or `"name:id"`: who reacted, in order. */
  readonly reactions: Map<string, Set<UserId>>;
}

export interface Pings {
  readonly users: readonly UserId[];
  readonly roles: readonly RoleId[];
  readonly everyone: boolean;
}

/** Somebody has pressed a button or given a command: its application has three seconds to answer. */
export interface Interaction {
  readonly id: Snowflake<"interaction">;
  /** Answers it, whoever has it. */
  readonly token: string;
  readonly applicationId: ApplicationId;
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly subject: InteractionSubject;
  /** Unix time in milliseconds. */
  readonly at: number;
  answer?: InteractionAnswer;
}

export type InteractionSubject =
  /** With the message that has the button, as it was then. */
  | { readonly kind: "button"; readonly message: Message; readonly button: Button }
  | {
    readonly kind: "command";
    readonly command: ApplicationCommand;
    readonly options: readonly Opaque[];
  };

export type InteractionAnswer =
  /** A message; an ephemeral one is in no channel, and only who pressed sees it. */
  | { readonly kind: "replied"; readonly message: Message; readonly isEphemeral: boolean }
  | { readonly kind: "updated"; readonly message: Message }
  /** "Is thinking", or nothing at all: the answer is to come later. */
  | { readonly kind: "deferred"; readonly isEphemeral: boolean };

/** Something that the gateway tells to those who may see it. */
export type WorldEvent =
  | { readonly kind: "message_created" | "message_updated"; readonly message: Message }
  | { readonly kind: "message_deleted"; readonly message: Message }
  | {
    readonly kind: "reaction_added" | "reaction_removed";
    readonly message: Message;
    readonly userId: UserId;
    readonly emoji: string;
  }
  | {
    readonly kind: "typing_started";
    readonly channelId: ChannelId;
    readonly userId: UserId;
    readonly at: number;
  }
  | { readonly kind: "guild_joined"; readonly guildId: GuildId; readonly userId: UserId }
  | { readonly kind: "guild_left"; readonly guildId: GuildId; readonly userId: UserId }
  | {
    readonly kind: "channel_created" | "channel_updated" | "channel_deleted";
    readonly channel: GuildChannel;
  }
  | { readonly kind: "member_updated"; readonly guildId: GuildId; readonly member: Member }
  | { readonly kind: "role_updated"; readonly guildId: GuildId; readonly role: Role }
  | { readonly kind: "guild_updated"; readonly guildId: GuildId }
  | { readonly kind: "interaction_created"; readonly interaction: Interaction };

export interface World {
  readonly ids: IdCounter;
  readonly users: Map<UserId, User>;
  readonly applications: Map<ApplicationId, Application>;
  readonly guilds: Map<GuildId, Guild>;
  readonly channels: Map<ChannelId, Channel>;
  /** One per webhook that has been made; their ids are authors too. */
  readonly webhooks: Map<string, Webhook>;
  /** Presses of buttons, in order. */
  readonly interactions: Map<string, Interaction>;
  readonly nonces: NonceTable;
  readonly media: Media;
  /** Where attachments are downloaded: never at Discord's, once a simulator shows this world. */
  mediaUrl: string;
  /** Messages kept in each channel; beyond, the oldest is forgotten, so that a bench may run for ever. */
  readonly keptPerChannel: number;
}

/** The channel in which two people talk alone, if they have one. */
export function directChannel(world: World, a: UserId, b: UserId): PrivateChannel | undefined {
  for (const channel of world.channels.values()) {
    if (channel.kind !== "dm") continue;
    if (channel.recipients.includes(a) && channel.recipients.includes(b)) return channel;
  }
  return undefined;
}

export function isPrivate(channel: Channel): channel is PrivateChannel {
  return channel.kind === "dm" || channel.kind === "group_dm";
}
