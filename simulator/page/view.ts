/**
 * The world for the page: plain data, with names beside ids.
 *
 * Nothing here is HTML. The text stays unchanged; the page sets it as text, never as markup (X1).
 */

import {
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  type UserId,
} from "../../src/core/discord/ids.ts";
import { may } from "../world/access.ts";
import { linksIn, textOf, usableIn } from "../world/components.ts";
import { nextId } from "../world/snowflake.ts";
import { type Author, type Channel, isPrivate, type Message, type World } from "../world/world.ts";

export interface SeenPerson {
  readonly id: UserId;
  readonly name: string;
  readonly username: string;
  /** The person's relation to the bot, as far as Discord knows: `"owner of the bot"`. */
  readonly note: string;
}

export interface SeenChannel {
  readonly id: ChannelId;
  readonly kind: Channel["kind"];
  readonly guildId?: GuildId;
  /** Of a thread. */
  readonly parentId?: ChannelId;
  readonly name: string;
  readonly topic?: string;
  /** People, not bots, who can read it. */
  readonly viewers: readonly UserId[];
}

export interface SeenMessage {
  readonly id: MessageId;
  readonly channelId: ChannelId;
  readonly author: { readonly id: string; readonly name: string; readonly isBot: boolean };
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly isEdited: boolean;
  readonly text: string;
  readonly replyTo?: MessageId;
  readonly reactions: readonly { readonly emoji: string; readonly by: readonly UserId[] }[];
  readonly attachments: readonly SeenFile[];
  /** Buttons below it, in order. */
  readonly buttons: readonly SeenButton[];
  /** Buttons below it that open an address. */
  readonly links: readonly { readonly label: string; readonly url: string }[];
  /** Menus below it, in order. */
  readonly menus: readonly SeenMenu[];
}

export interface SeenFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Path on the page's server. */
  readonly path: string;
}

export interface SeenButton {
  readonly customId: string;
  readonly label: string;
  /** As Discord colours it. */
  readonly style: "primary" | "secondary" | "success" | "danger";
  readonly isDisabled: boolean;
}

export interface SeenMenu {
  readonly customId: string;
  readonly placeholder: string;
  /** Texts of the options. */
  readonly labels: readonly string[];
  /** Number of options that a person must choose at least, and at most. */
  readonly min: number;
  readonly max: number;
  readonly isDisabled: boolean;
}

/** Discord's numbers of the styles. */
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger" } as const;

export interface SeenWorld {
  readonly bot: { readonly id: UserId; readonly name: string };
  readonly people: readonly SeenPerson[];
  readonly guilds: readonly { readonly id: GuildId; readonly name: string }[];
  readonly channels: readonly SeenChannel[];
  readonly messages: readonly SeenMessage[];
  /** Name of a mention, by its text without brackets: `"@123"`, `"@&123"`, `"#123"`. */
  readonly names: Readonly<Record<string, string>>;
}

/** @param botId Bot of the page: private channels without it are left out. */
export function viewWorld(world: World, botId: UserId): SeenWorld {
  const people = peopleOf(world);
  const channels = [...world.channels.values()].filter((channel) =>
    channel.kind !== "forum" && (!isPrivate(channel) || channel.recipients.includes(botId))
  );
  return {
    bot: { id: botId, name: nameOf(world, botId) },
    people,
    guilds: [...world.guilds.values()].map(({ id, name }) => ({ id, name })),
    channels: channels.map((channel) => viewChannel(world, channel, people, botId)),
    messages: channels.flatMap(({ messages }) =>
      [...messages.values()].map((message) => viewMessage(world, message))
    ),
    names: namesOf(world),
  };
}

export function viewMessage(world: World, message: Message): SeenMessage {
  const { id, channelId, author, content, components, editedAt, reference, reactions } = message;
  return {
    id,
    channelId,
    author: viewAuthor(world, author),
    at: createdAtMs(id),
    isEdited: editedAt !== undefined,
    text: textOf({ content, components }),
    ...(reference?.kind === "reply" && { replyTo: reference.messageId }),
    reactions: [...reactions].map(([emoji, by]) => ({ emoji, by: [...by] })),
    attachments: message.attachments.map(({ id: fileId, filename, sizeBytes }) => ({
      name: filename,
      sizeBytes,
      path: `/files/${channelId}/${fileId}/${encodeURIComponent(filename)}`,
    })),
    buttons: usableIn(components).flatMap((usable) => {
      if (usable.type !== 2) return [];
      const { custom_id: customId, label, emoji, style, disabled } = usable;
      return [{
        customId,
        label: label ?? String(emoji?.["name"] ?? ""),
        style: STYLES[style],
        isDisabled: disabled === true,
      }];
    }),
    links: linksIn(components).map(({ label, url }) => ({ label, url })),
    menus: usableIn(components).flatMap((usable) =>
      usable.type !== 3 ? [] : [{
        customId: usable.custom_id,
        placeholder: usable.placeholder ?? "Choose",
        labels: usable.options.map(({ label }) => label),
        min: usable.min_values,
        max: usable.max_values,
        isDisabled: usable.disabled === true,
      }]
    ),
  };
}

/** Words that were spoken in a voice channel, which no channel has as a message. */
export function viewSaid(
  world: World,
  channelId: ChannelId,
  userId: UserId,
  words: string,
): SeenMessage {
  const id = nextId<"message">(world.ids, Date.now());
  return {
    ...{ id, channelId, at: createdAtMs(id), isEdited: false, text: `🔊 ${words}` },
    author: viewAuthor(world, { kind: "user", userId }),
    ...{ reactions: [], attachments: [], buttons: [], links: [], menus: [] },
  };
}

function viewChannel(
  world: World,
  channel: Channel,
  people: readonly SeenPerson[],
  botId: UserId,
): SeenChannel {
  const { id, kind } = channel;
  const viewers = people.map((person) => person.id).filter((userId) =>
    may(world, channel, userId, "view")
  );
  if (isPrivate(channel)) {
    const others = channel.recipients.map((userId) => nameOf(world, userId)).join(", ");
    const name = kind === "dm" ? nameOf(world, botId) : channel.name ?? others;
    return { id, kind, name, viewers };
  }
  return {
    id,
    kind,
    guildId: channel.guildId,
    name: channel.name,
    viewers,
    ...(channel.kind === "thread" && { parentId: channel.parentId }),
    ...(channel.kind !== "thread" && channel.topic !== undefined && { topic: channel.topic }),
  };
}

function viewAuthor(world: World, author: Author): SeenMessage["author"] {
  if (author.kind === "webhook") {
    const { webhook, name = webhook.name } = author;
    return { id: webhook.id, name, isBot: true };
  }
  const user = world.users.get(author.userId);
  return { id: author.userId, name: nameOf(world, author.userId), isBot: user?.isBot === true };
}

function peopleOf(world: World): readonly SeenPerson[] {
  const owners = new Set(Array.from(world.applications.values(), ({ ownerId }) => ownerId));
  return [...world.users.values()].filter(({ isBot }) => !isBot).map(({ id, username }) => {
    const guilds = [...world.guilds.values()].filter(({ members }) => members.has(id));
    const places = guilds.map(({ name }) => name).join(", ");
    const note = owners.has(id)
      ? "owner of the bot"
      : guilds.length > 0
      ? `member of ${places}`
      : "unknown to the bot";
    return { id, username, name: nameOf(world, id), note };
  });
}

function namesOf(world: World): Readonly<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const id of world.users.keys()) names[`@${id}`] = `@${nameOf(world, id)}`;
  for (const { roles } of world.guilds.values()) {
    for (const { id, name } of roles.values()) names[`@&${id}`] = `@${name.replace(/^@/, "")}`;
  }
  for (const { id, name } of world.channels.values()) names[`#${id}`] = `#${name ?? "unknown"}`;
  return names;
}

function nameOf(world: World, id: UserId): string {
  const user = world.users.get(id);
  return user?.globalName ?? user?.username ?? "deleted account";
}
