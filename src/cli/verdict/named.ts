/** Finds the person or place that a command line names: by id, or by a name that the store knows once. */

import { ChannelTypes } from "@discordeno/types";
import {
  type AccountId,
  type ChannelId,
  type GuildId,
  type MessageId,
  parseSnowflake,
  type UserId,
} from "../../core/discord/ids.ts";
import {
  parseTarget,
  parseUser,
  type Target,
  type TargetProblem,
} from "../../core/outbound/target.ts";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { isFormOf } from "../../policy/rules.ts";
import type { Store } from "../../store/store.ts";

interface ListedChannel {
  readonly id: ChannelId;
  readonly name: string;
  readonly guild: string;
  readonly guildId: GuildId;
}

/** The channels of these accounts, guild by guild. Channels without a known name are left out. */
export async function knownChannels(
  { gateway }: Pick<Store, "gateway">,
  accounts: readonly AccountId[],
): Promise<readonly ListedChannel[]> {
  const known: ListedChannel[] = [];
  for (const accountId of accounts) {
    const { index } = restoreIndex(await gateway.guildsOf(accountId));
    for (const [guildId, { name: guild, channels }] of index) {
      for (const { id, name } of channels.values()) {
        if (name !== undefined) known.push({ id, name, guild, guildId });
      }
    }
  }
  return known;
}

/** The message or failure to explain. */
export type Subject =
  | { readonly kind: "failure"; readonly failureId: string }
  | {
    readonly kind: "message";
    readonly messageId: MessageId;
    /** From a link; without a guild it is a direct message. */
    readonly place?: { readonly channelId: ChannelId; readonly guildId?: GuildId };
  }
  | { readonly kind: "problem"; readonly problem: string };

/** Format of error ids; a message id has at least 17 digits. */
const FAILURE_ID = /^`?([0-9a-f]{12})`?$/i;

/** With Shift, Discord's "Copy Message ID" puts the channel's id before the message's. */
const IDS = /^(?:(\d{15,20})-)?(\d{15,20})$/;

export function parseSubject(text: string): Subject {
  const trimmed = text.trim();
  const [, failureId] = FAILURE_ID.exec(trimmed) ?? [];
  if (failureId !== undefined) return { kind: "failure", failureId: failureId.toLowerCase() };

  const [, , digits] = IDS.exec(trimmed) ?? [];
  const messageId = digits === undefined ? undefined : parseSnowflake<"message">(digits);
  if (messageId) return { kind: "message", messageId };

  const target = parseTarget(trimmed);
  if (target.kind !== "channel" || target.messageId === undefined) {
    return {
      kind: "problem",
      problem: `${quoted(trimmed)} is neither a message link or id nor an error id`,
    };
  }
  const { channelId, guildId } = target;
  return {
    kind: "message",
    messageId: target.messageId,
    place: { channelId, guildId: guildId || undefined },
  };
}

/**
 * The usernames of people whom the bot knows, by id: those who wrote to it, and paired people. A name
 * is no identity, so texts show the id, too.
 */
export async function knownPeople(
  { messages, pairing }: Store,
  accounts: readonly AccountId[],
): Promise<ReadonlyMap<string, string>> {
  const people = new Map<string, string>(await messages.askersNames());
  for (const accountId of accounts) {
    for (const { userId, username } of await pairing.paired(accountId)) {
      people.set(userId, username);
    }
  }
  return people;
}

/** Finds a person. @param text An id, `"<@id>"`, `"@name"` or `"name"`. */
export async function findUser(text: string, store: Store): Promise<UserId | TargetProblem> {
  const name = text.trim().replace(/^@/, "").toLowerCase();
  const people = await knownPeople(store, await store.gateway.accountIds());
  const ids = [...people].filter(([, other]) => other.toLowerCase() === name).map(([id]) => id);
  const userId = parseUser(text) ?? (ids.length === 1 && parseSnowflake<"user">(ids[0] ?? ""));
  return userId || {
    kind: "problem",
    problem: `${ids.length > 1 ? ids.join(" and ") : "no known person"} has the name ${
      quoted(text)
    }`,
    hint: "an id or <@id>: with Discord's developer mode on, a person's menu copies it",
  };
}

/** Finds a target. @param text As of `parseTarget`, `"@name"`, `"#name"`, `"name"` or `"guild/name"`. */
export async function findTarget(
  text: string,
  store: Store,
  accountId: AccountId,
): Promise<Target | TargetProblem> {
  const target = parseTarget(text);
  if (target.kind !== "problem") return target;
  if (text.startsWith("@")) {
    const user = await findUser(text, store);
    return typeof user === "string" ? { kind: "user", userId: user } : user;
  }
  const found: { readonly id: ChannelId; readonly name: string }[] = [];
  const { index } = restoreIndex(await store.gateway.guildsOf(accountId));
  for (const { name: guild, channels } of index.values()) {
    for (const { id, name, type } of channels.values()) {
      if (type !== ChannelTypes.GuildCategory && isNamed(text.trim(), guild, name)) {
        found.push({ id, name: `${guild}/${name}` });
      }
    }
  }
  const [first, another] = found;
  if (first && !another) return { kind: "channel", channelId: first.id };
  const candidates = found.map(({ id, name }) => `${id} (${printable(name)})`).join(" or ");
  const problem = first
    ? `${quoted(text)} is ambiguous: ${candidates}; use the id`
    : `unknown channel ${quoted(text)}${
      index.size === 0 ? ": the bot has never been connected" : ""
    }`;
  return { ...target, problem };
}

function isNamed(text: string, guildName: string, name = ""): boolean {
  if (text === name || text === `#${name}` || isFormOf(text, name)) return true;
  const at = text.lastIndexOf("/");
  const [guild, channel] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
  return at >= 0 && (guild === guildName || isFormOf(guild, guildName)) &&
    (channel === name || isFormOf(channel, name));
}
