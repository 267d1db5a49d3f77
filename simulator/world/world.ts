/**
 * The simulator's world: guilds, channels, people and messages.
 *
 * It is data. Only the pure functions of this folder and of `actions/` change it. They take the time
 * as an argument and return events. There is no socket and no clock here, so every rule of Discord
 * can be tested as a function.
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
import type { Button, Menu, TopComponent } from "./components.ts";
import type { Modal } from "./modals.ts";
import type { NonceTable } from "./nonces.ts";
import type { IdCounter } from "./snowflake.ts";

export type { Application, ApplicationCommand, Team, TeamMember } from "./applications.ts";

/** An account: a person, or the user of an application. */
export interface User {
  readonly id: UserId;
  readonly username: string;
  /** Set for an account without a unique username: others may share the part before the `#`. */
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
  /** Set for the role that a bot brings with it: it mentions the bot. */
  readonly botId?: UserId;
}

export interface Member {
  readonly userId: UserId;
  readonly roles: readonly RoleId[];
  readonly nick?: string;
  /** Unix time in milliseconds. */
  readonly joinedAt: number;
  /**
   * End of a timeout, Unix time in milliseconds. The timeout applies while this is set, because the
   * rules of the world have no clock.
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
  readonly things: GuildThings;
  /** Its boost level, which sets the limit for uploads. */
  premiumTier: 0 | 1 | 2 | 3;
}

interface ChannelBase {
  readonly id: ChannelId;
  /** In the order of writing, which is the order of their ids. */
  readonly messages: Map<MessageId, Message>;
  lastMessageId?: MessageId;
}

export interface TextChannel extends ChannelBase {
  readonly kind: "text" | "forum" | "voice" | "stage" | "category";
  readonly guildId: GuildId;
  readonly name: string;
  readonly topic?: string;
  /** Its category. */
  readonly parentId?: ChannelId;
  readonly position?: number;
  readonly slowmodeSec?: number;
  /** Tags of a forum. */
  readonly tags?: readonly {
    readonly id: Snowflake;
    readonly name: string;
    readonly moderated: boolean;
  }[];
  readonly isAgeRestricted?: boolean;
  /** Members that a voice channel takes; 0 or absent: any number. */
  readonly userLimit?: number;
  /** Region of a voice channel's server. */
  readonly region?: string;
  readonly overwrites: readonly Overwrite[];
}

export interface Thread extends ChannelBase {
  readonly kind: "thread";
  readonly guildId: GuildId;
  readonly parentId: ChannelId;
  readonly name: string;
  readonly ownerId: UserId;
  /** Its members; an account that writes in it becomes one. */
  readonly members: Set<UserId>;
  /** Minutes without a message until Discord archives it. */
  readonly archiveAfterMin: number;
  /** Archived until a message in it opens it. */
  readonly isArchived: boolean;
  /** Only members who may manage threads can write. */
  readonly isLocked: boolean;
  /** Tags of a post in a forum. */
  readonly tagIds?: readonly Snowflake[];
}

export interface PrivateChannel extends ChannelBase {
  readonly kind: "dm" | "group_dm";
  /** All its members, the bot included. */
  readonly recipients: readonly UserId[];
  readonly name?: string;
}

export type GuildChannel = TextChannel | Thread;
export type Channel = GuildChannel | PrivateChannel;

export interface Webhook {
  readonly id: Snowflake<"webhook">;
  readonly name: string;
  /** Set if an application owns it, such as PluralKit. */
  readonly applicationId?: ApplicationId;
  /** The channel that it belongs to; without one, it still posts in any. */
  readonly channelId?: ChannelId;
}

export type Author =
  | { readonly kind: "user"; readonly userId: UserId }
  | {
    readonly kind: "webhook";
    readonly webhook: Webhook;
    /** Name and picture in this message; a webhook may take any. */
    readonly name?: string;
    readonly avatar?: string;
  };

/** One overwrite of a channel, for a role or for a member. */
export interface Overwrite {
  readonly id: Snowflake;
  readonly kind: "role" | "member";
  readonly allow: bigint;
  readonly deny: bigint;
}

export interface Attachment {
  readonly id: Snowflake<"attachment">;
  readonly filename: string;
  /** Name for people, if Discord changed it; without the extension. */
  readonly title?: string;
  readonly sizeBytes: number;
  readonly contentType?: string;
  readonly description?: string;
  /** Whether people see it only after a click. */
  readonly isSpoiler?: boolean;
  /** Width and height of a picture. */
  readonly width?: number;
  readonly height?: number;
  /** Set on the recording of a voice message. */
  readonly voice?: { readonly durationSecs: number; readonly waveform: string };
  /** The content; absent once other files needed the room. */
  bytes?: Uint8Array<ArrayBuffer>;
}

export interface Media {
  /** Keeps an attachment's bytes, and drops the oldest if there are too many. */
  keep(attachment: Attachment): void;
}

/** The message that this one replies to, or forwards. */
export interface Reference {
  readonly kind: "reply" | "forward";
  readonly messageId: MessageId;
  readonly channelId: ChannelId;
}

/** A part of a message that the simulator keeps and shows, but does not interpret. */
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
  /** Accounts that it pings: a part of those in its text. */
  readonly pings: Pings;
  readonly attachments: readonly Attachment[];
  readonly embeds: readonly Opaque[];
  readonly components: readonly TopComponent[];
  /** Further fields of Discord's message, such as a poll, stickers or a forwarded message. */
  readonly more?: Opaque;
  readonly flags: number;
  readonly isTts: boolean;
  /** Set while it is pinned, Unix time in milliseconds. */
  readonly pinnedAt?: number;
  readonly poll?: Poll;
  readonly stickerIds?: readonly string[];
  /** By emoji, `"👀"` or `"name:id"`: the reacting accounts, in order. */
  readonly reactions: Map<string, Set<UserId>>;
}

/** A poll in a message. The simulator takes no votes from clients; tests set them. */
export interface Poll {
  readonly question: string;
  readonly answers: readonly string[];
  readonly hours: number;
  readonly allowsSeveral: boolean;
  /** Votes by the number of the answer, from 1. */
  readonly votes: ReadonlyMap<number, number>;
  readonly isOver: boolean;
}

/** An emoji or a sticker of a guild. */
export interface Expression {
  readonly id: Snowflake;
  readonly name: string;
  readonly bytes: number;
}

/** Everything of a guild beside its members, roles and channels. */
export interface GuildThings {
  readonly emojis: Map<string, Expression>;
  readonly stickers: Map<string, Expression>;
  /** Scheduled events in Discord's JSON, by id. */
  readonly events: Map<string, Opaque>;
  readonly bans: Set<UserId>;
  /** The members in voice channels, in the order of their joins. */
  readonly voice: Map<UserId, VoiceState>;
  /** Searches to answer with 202 before the first result. */
  unindexed: number;
}

/** A member in a voice channel. */
export interface VoiceState {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  /** At Discord, the id of the gateway's session. */
  readonly sessionId: string;
  readonly selfMute: boolean;
  readonly selfDeaf: boolean;
  /** Set by a moderator, as is {@link deaf}. */
  readonly mute: boolean;
  readonly deaf: boolean;
  /** Set without the right to speak, and in the audience of a stage. */
  readonly suppress: boolean;
  /** Unix time in milliseconds of a request to speak. */
  readonly requestedAt?: number | undefined;
}

export interface Pings {
  readonly users: readonly UserId[];
  readonly roles: readonly RoleId[];
  readonly everyone: boolean;
}

/** A person used a component or gave a command; the application has three seconds to answer. */
export interface Interaction {
  readonly id: Snowflake<"interaction">;
  /** Permits an answer, by anyone who has it. */
  readonly token: string;
  readonly applicationId: ApplicationId;
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly subject: InteractionSubject;
  /** Unix time in milliseconds. */
  readonly at: number;
  /** As the person sees it now: a deferred one is replaced by the answer that follows. */
  answer?: InteractionAnswer;
  /** Set if the first answer left the component's message as it was, for a later change. */
  defersUpdate?: true;
  /** Ephemeral messages after the answer. */
  readonly followUps: Message[];
}

export type InteractionSubject =
  /** With the button's message at that time. */
  | { readonly kind: "button"; readonly message: Message; readonly button: Button }
  | {
    readonly kind: "select";
    readonly message: Message;
    readonly menu: Menu;
    /** Values of the chosen options. */
    readonly values: readonly string[];
  }
  | {
    readonly kind: "modal";
    readonly modal: Modal;
    /** The message whose component opened it. */
    readonly message?: Message;
    /** By the `custom_id` of the field. */
    readonly values: Readonly<Record<string, string>>;
  }
  | {
    readonly kind: "command";
    readonly command: ApplicationCommand;
    readonly options: readonly Opaque[];
    /** Set while the person still types an option. */
    readonly isTyping?: true;
    /** The message with the menu. */
    readonly target?: Message;
    /** Set if the person has installed the bot, and the place has not. */
    readonly isOwnInstall?: true;
  };

export type InteractionAnswer =
  /** A message; an ephemeral one is in no channel, and only that person sees it. */
  | { readonly kind: "replied"; readonly message: Message; readonly isEphemeral: boolean }
  | { readonly kind: "updated"; readonly message: Message }
  /** A window with fields. */
  | { readonly kind: "modal"; readonly modal: Modal }
  /** Values for the option that the person types. */
  | { readonly kind: "suggested"; readonly choices: readonly Opaque[] }
  /** "Is thinking", or nothing at all: the answer comes later. */
  | { readonly kind: "deferred"; readonly isEphemeral: boolean }
  /** The application has deleted its deferred answer: the person sees none. */
  | { readonly kind: "withdrawn" };

/** An event that the gateway sends to bots that may see it. */
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
  | {
    readonly kind: "thread_member_added" | "thread_member_removed";
    readonly thread: Thread;
    readonly userId: UserId;
  }
  | { readonly kind: "member_updated"; readonly guildId: GuildId; readonly member: Member }
  | { readonly kind: "role_updated"; readonly guildId: GuildId; readonly role: Role }
  | { readonly kind: "guild_updated"; readonly guildId: GuildId }
  | {
    readonly kind: "voice_changed";
    readonly guildId: GuildId;
    /** The last one, if the member has left. */
    readonly state: VoiceState;
    readonly isGone: boolean;
  }
  /** For one bot alone: where to connect, with which token. */
  | {
    readonly kind: "voice_server_changed";
    readonly guildId: GuildId;
    readonly userId: UserId;
    readonly token: string;
    /** `null` while Discord looks for another server. */
    readonly endpoint: string | null;
  }
  | { readonly kind: "interaction_created"; readonly interaction: Interaction };

export interface World {
  readonly ids: IdCounter;
  readonly users: Map<UserId, User>;
  readonly applications: Map<ApplicationId, Application>;
  readonly guilds: Map<GuildId, Guild>;
  readonly channels: Map<ChannelId, Channel>;
  /** One for each webhook; their ids are authors, too. */
  readonly webhooks: Map<string, Webhook>;
  /** Presses of buttons, in order. */
  readonly interactions: Map<string, Interaction>;
  readonly nonces: NonceTable;
  /** Milliseconds within which an interaction must be answered. */
  interactionMs: number;
  readonly media: Media;
  /** Address of attachment downloads: never Discord's once a simulator shows this world. */
  mediaUrl: string;
  /**
   * Maximum number of messages in each channel; beyond it the oldest is forgotten, so that a bench
   * may run for ever.
   */
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
