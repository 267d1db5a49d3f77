/**
 * Lets people, other bots and webhooks act by name: `say({ as: "ada", in: "#general", … })`.
 *
 * They keep Discord's rules as the bot does. A forbidden act is a mistake in a test or a script,
 * and throws.
 */

import { type ChannelId, parseSnowflake, type UserId } from "../../src/core/discord/ids.ts";
import { renameUser } from "./changes.ts";
import { EMPTY_DRAFT } from "./draft.ts";
import { openDirectChannel } from "../world/create_world.ts";
import { chooseOptions, giveCommand, type GivenCommand, pressButton } from "./interactions.ts";
import { type ModalValues, submitModal } from "./modals.ts";
import { deleteMessage, editMessage, postMessage } from "./messages.ts";
import { addReaction, removeReaction, startTyping } from "./reactions.ts";
import type { Outcome } from "../world/refusals.ts";
import { leaveThread } from "./threads.ts";
import { type Proxied, proxyMessage } from "./webhooks.ts";
import type {
  Attachment,
  Author,
  Channel,
  Interaction,
  Message,
  Opaque,
  World,
  WorldEvent,
} from "../world/world.ts";

export interface ActorAndChannel {
  /** A username, a tag such as `"ada#1234"`, a user's id, or the name of a webhook. */
  readonly as: string;
  /**
   * `"#general"`, `"Elsewhere/#lounge"`, the name of a thread, a channel's id, or `"dm"` for direct
   * messages with the bot. `"dm:Limpet"` names another bot.
   */
  readonly in: string;
}

export interface NewMessage extends ActorAndChannel {
  readonly text: string;
  /** Name and picture that a webhook shows; it can take another person's. */
  readonly calling?: { readonly name: string; readonly avatar?: string };
  /** The message that it replies to. */
  readonly replyTo?: string;
  readonly attachments?: readonly Omit<Attachment, "id">[];
  readonly embeds?: readonly Opaque[];
  /** Further fields of Discord's message: a poll, stickers, a forwarded message. */
  readonly more?: Opaque;
}

export interface ActorAndMessage extends ActorAndChannel {
  readonly message: string;
}

export interface People {
  say(words: NewMessage): Message;
  edit(on: ActorAndMessage & { readonly text: string }): Message;
  delete(on: ActorAndMessage): void;
  /** Discord adds a preview to a message, which is no edit. */
  preview(message: Message, embed: Opaque): void;
  react(on: ActorAndMessage & { readonly emoji: string }): void;
  unreact(on: ActorAndMessage & { readonly emoji: string }): void;
  type(acting: ActorAndChannel): void;
  leave(acting: ActorAndChannel): void;
  /** Presses a button of a bot's message. */
  press(on: ActorAndMessage & { readonly customId: string }): Interaction;
  /** Chooses options of a menu below a bot's message, by their labels. */
  choose(
    on: ActorAndMessage & { readonly customId: string; readonly labels: readonly string[] },
  ): Interaction;
  /** Fills in the modal that was the answer to an interaction, and sends it. */
  submit(opened: Interaction, values: ModalValues): Interaction;
  /** Gives a command of the bot. */
  command(given: ActorAndChannel & GivenCommand): Interaction;
  /** PluralKit replaces a message by one of a member of its writer's system. */
  proxy(proxied: Proxied): Message;
  /** Takes another username; any account may then take the old one. */
  rename(who: string, username: string): void;
  /** Username, tag or id of the person. */
  user(name: string): UserId;
  /** The channel of a name, as in {@link ActorAndChannel}. */
  channel(name: string, as?: string): Channel;
}

export interface PeopleDeps {
  readonly world: World;
  /** The bot for `"dm"`. */
  readonly botId: UserId;
  readonly now: () => number;
  publish(events: readonly WorldEvent[]): void;
}

export function createPeople({ world, botId, now, publish }: PeopleDeps): People {
  const settle = <Value>(what: string, outcome: Outcome<Value>): Value => {
    if (outcome.kind === "refused") {
      const { code, message } = outcome.refused;
      throw new RangeError(`Cannot ${what}: ${message} (${code})`);
    }
    publish(outcome.events);
    return outcome.value;
  };
  const channelOf = (name: string, as?: string) => findChannel(world, name, botId, as, now());

  return {
    channel: channelOf,
    user: (name) => findUser(world, name),
    say(words) {
      const { text, replyTo, attachments = [], embeds = [], more } = words;
      const draft = {
        ...EMPTY_DRAFT,
        content: text,
        attachments,
        embeds,
        ...(more && { more, hasMore: true }),
        ...(replyTo !== undefined && {
          reference: { kind: "reply" as const, messageId: replyTo, failIfNotExists: true },
        }),
      };
      const channel = channelOf(words.in, words.as);
      const author = findAuthor(world, words);
      return settle(
        `say something in ${words.in} as ${words.as}`,
        postMessage(world, channel.id, author, draft, now()),
      ).message;
    },
    edit(on) {
      const channel = channelOf(on.in, on.as);
      return settle(
        `edit ${on.message} as ${on.as}`,
        editMessage(world, channel.id, on.message, findUser(world, on.as), {
          content: on.text,
        }, now()),
      );
    },
    preview({ channelId, id }, embed) {
      const { messages } = channelOf(channelId);
      const message = messages.get(id);
      if (!message) throw new RangeError(`Cannot add a preview: ${id} is gone`);
      const changed = { ...message, embeds: [embed] };
      messages.set(id, changed);
      publish([{ kind: "message_updated", message: changed }]);
    },
    delete(on) {
      const channel = channelOf(on.in, on.as);
      settle(
        `delete ${on.message} as ${on.as}`,
        deleteMessage(world, channel.id, on.message, findUser(world, on.as)),
      );
    },
    react(on) {
      const channel = channelOf(on.in, on.as);
      settle(
        `react to ${on.message} as ${on.as}`,
        addReaction(world, channel.id, on.message, findUser(world, on.as), on.emoji),
      );
    },
    unreact(on) {
      const channel = channelOf(on.in, on.as);
      settle(
        `take back a reaction to ${on.message} as ${on.as}`,
        removeReaction(world, channel.id, on.message, findUser(world, on.as), on.emoji),
      );
    },
    leave({ as, in: where }) {
      const thread = channelOf(where, as);
      if (thread.kind !== "thread") throw new RangeError(`Cannot leave ${where}: it is no thread`);
      publish(leaveThread(thread, findUser(world, as)));
    },
    press({ as, in: where, message, customId }) {
      const channel = channelOf(where, as);
      return settle(
        `press ${customId} below ${message} as ${as}`,
        pressButton(world, channel.id, message, findUser(world, as), customId, now()),
      );
    },
    choose({ as, in: where, message: messageId, customId, labels }) {
      const { id: channelId } = channelOf(where, as);
      return settle(
        `choose ${labels.join(", ")} below ${messageId} as ${as}`,
        chooseOptions(
          world,
          { channelId, messageId, customId },
          findUser(world, as),
          labels,
          now(),
        ),
      );
    },
    submit: (opened, values) =>
      settle(`submit the modal of ${opened.id}`, submitModal(world, opened, values, now())),
    command({ as, in: where, ...given }) {
      const application = [...world.applications.values()].find(({ userId }) => userId === botId);
      if (!application) throw new RangeError("There is no such bot");
      const channel = channelOf(where, as);
      return settle(
        `give /${given.name} in ${where} as ${as}`,
        giveCommand(world, application, channel.id, findUser(world, as), given, now()),
      );
    },
    proxy: (proxied) => settle(`proxy ${proxied.original.id}`, proxyMessage(world, proxied, now())),
    rename: (who, username) => publish(renameUser(world, findUser(world, who), username)),
    type(acting) {
      const channel = channelOf(acting.in, acting.as);
      settle(
        `type in ${acting.in} as ${acting.as}`,
        startTyping(world, channel.id, findUser(world, acting.as), now()),
      );
    },
  };
}

function findAuthor(
  world: World,
  { as: name, calling }: Pick<NewMessage, "as" | "calling">,
): Author {
  const webhook = [...world.webhooks.values()].find((webhook) =>
    webhook.name === name || webhook.id === name
  );
  return webhook
    ? { kind: "webhook", webhook, ...calling }
    : { kind: "user", userId: findUser(world, name) };
}

function findUser(world: World, name: string): UserId {
  for (const { id, username, discriminator } of world.users.values()) {
    if (id === name || username === name || `${username}#${discriminator}` === name) return id;
  }
  throw new RangeError(`Cannot find ${name}: no account has this name or id`);
}

function findChannel(
  world: World,
  name: string,
  botId: UserId,
  as: string | undefined,
  now: number,
): Channel {
  const [, , bot] = /^dm(:(.+))?$/.exec(name) ?? [];
  if (name === "dm" || bot !== undefined) {
    if (as === undefined) throw new RangeError("Cannot find direct messages: say whose");
    const withId = bot === undefined ? botId : findUser(world, bot);
    return openDirectChannel(world, findUser(world, as), withId, now);
  }
  const id: ChannelId | undefined = parseSnowflake<"channel">(name);
  const byId = id && world.channels.get(id);
  if (byId) return byId;
  const [guildName, channelName] = name.includes("/") ? cut(name) : [undefined, name];
  const plain = channelName.replace(/^#/, "");
  for (const guild of world.guilds.values()) {
    if (guildName !== undefined && guild.name !== guildName) continue;
    for (const channelId of guild.channelIds) {
      const channel = world.channels.get(channelId);
      if (channel?.name === plain) return channel;
    }
  }
  throw new RangeError(`Cannot find a channel called ${name}`);
}

function cut(name: string): readonly [string, string] {
  const at = name.lastIndexOf("/");
  return [name.slice(0, at), name.slice(at + 1)];
}
