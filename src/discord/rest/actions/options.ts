/** Declares the dependencies, callers and targets of the actions of the tool `discord`. */

import type {
  AccountId,
  ChannelId,
  GuildId,
  MessageId,
  UserId,
} from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { OpenDirect } from "../../../core/outbound/requests.ts";
import type { EmbedContent, Frozen, OutboundFile } from "../../../core/outbound/outbound.ts";
import type { SendResult } from "../../../core/store/outbox.ts";
import type { DiscordCall, Show, ToolTarget } from "../../../core/turn/ports/discord_call.ts";
import type {
  LimitPort,
  MediaFile,
  NewPresence,
  ReadersPort,
} from "../../../core/turn/ports/discord_place.ts";
import type { OutboundFilesPort } from "../../../core/turn/ports/outbound_files.ts";
import type { Channel } from "../../../core/rights/channel.ts";
import type { Decision } from "../../../core/people/question.ts";
import type { Clock, StartTimer } from "../../../lib/clock.ts";
import type { GuildReads } from "../requests/guild_reads.ts";
import type { RestApi } from "../client/client.ts";
import type { ToolChanges } from "../../../store/changes/changes.ts";

export interface GuildTarget {
  readonly channelId: ChannelId;
  readonly guildId: GuildId;
  /** The channel of a thread; absent for other channels. */
  readonly parentId?: ChannelId;
}

export interface ActionsOptions extends Clock {
  readonly accountId: AccountId;
  readonly client: RestApi;
  /** The bot's user id; `undefined` until it is known. */
  readonly self: () => UserId | undefined;
  readonly isOwner: (message: InboundMessage) => boolean;
  /** Servers that turns of other servers may reach, too: `tools.discord.alsoGuilds`. */
  readonly alsoGuilds: () => readonly string[];
  /** The config path that closes another channel to the asker (P6–P9); `undefined`: it is open. */
  readonly closedBy: (asker: InboundMessage, target: GuildTarget) => string | undefined;
  /** Whether all direct messages share a session (`session.dmScope: "main"`). */
  readonly sharesDirect: () => boolean;
  /** Changes by the tool, with the way to take each back. */
  readonly changes: ToolChanges;
  /** A change of a turn was taken back. */
  readonly onUndone: (turnId: MessageId) => void;
  /** Maximum number of destructive actions of a turn: `tools.discord.maxDestructive`. */
  readonly maxDestructive: () => number;
  /** The person whom a message of the bot answers. */
  readonly askerOf: (accountId: AccountId, messageId: MessageId) => Promise<UserId | undefined>;
  /** Sets the bot's status on all its gateway connections. */
  readonly setPresence: (presence: NewPresence) => Promise<void>;
  readonly show: Show;
  /** Cleans a text, and cuts it into messages; throws if it has nothing to show. */
  readonly composed: (
    call: DiscordCall,
    target: ToolTarget,
    post: {
      readonly text: string;
      /** The message that it replies to; absent if it replies to none. */
      readonly replyTo?: MessageId;
      /** Absent if there are none. */
      readonly files?: readonly OutboundFile[];
      /** A box below the text; absent: none. */
      readonly embed?: EmbedContent;
    },
  ) => readonly Frozen[];
  /** Sends messages by the outbox, and waits for Discord. A repeated call sends none twice. */
  readonly deliver: (
    frozen: readonly Frozen[],
    signal: AbortSignal,
  ) => Promise<readonly SendResult[]>;
  /** Makes the title of a thread; empty if the text has no letters. */
  readonly titleOf: (written: string) => string;
  readonly cleanSecrets: (text: string) => string;
  readonly media: (call: DiscordCall, from: string, maxBytes: number) => Promise<MediaFile>;
  /** Reads a file for a place, and keeps it for a repeated call. */
  readonly fileFor: OutboundFilesPort["forPeople"];
  readonly openDirect: OpenDirect;
  /** Lets people allow actions that their asker may not do. */
  readonly readers: ReadersPort;
  /** Lets people allow more destructive actions. */
  readonly limit: LimitPort;
  readonly schedule: StartTimer;
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
export interface Origin {
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
