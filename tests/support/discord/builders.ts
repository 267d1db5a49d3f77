/** Test data with every field filled in, so that a test names only the fields that it needs. */

import {
  type AccountId,
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  parseSnowflake,
  type RoleId,
  type Snowflake,
  toAccountId,
  type UserId,
} from "../../../src/core/discord/ids.ts";
import type {
  GuildPlace,
  InboundMessage,
  Overheard,
  Sender,
} from "../../../src/core/inbound/inbound.ts";
import type { OutboundMessage, Reply } from "../../../src/core/outbound/outbound.ts";
import type { PairingRequest } from "../../../src/core/inbound/pairing.ts";

export const ACCOUNT: AccountId = toAccountId("default");

export const userId = (digits: string): UserId => snowflake<"user">(digits);
export const guildId = (digits: string): GuildId => snowflake<"guild">(digits);
export const channelId = (digits: string): ChannelId => snowflake<"channel">(digits);
export const messageId = (digits: string): MessageId => snowflake<"message">(digits);
/** The id of a message sent at that time, in milliseconds. */
export const messageIdAt = (ms: number): MessageId =>
  messageId(String(BigInt(ms - 1_420_070_400_000) << 22n));
export const roleId = (digits: string): RoleId => snowflake<"role">(digits);

/** Ada: an account without a discriminator, a role or a PluralKit system. */
export function sender(fields: Partial<Sender> = {}): Sender {
  return { id: userId("123456789012345678"), username: "ada", roles: [], ...fields };
}

/** A direct message from Ada: "hello". */
export function directMessage(fields: Partial<InboundMessage> = {}): InboundMessage {
  const { id = messageId("1400000000000000001") } = fields;
  return {
    kind: "message",
    accountId: ACCOUNT,
    id,
    revision: 0,
    channelId: channelId("1400000000000000002"),
    place: { kind: "dm" },
    sender: sender(),
    text: "hello",
    sentAt: createdAtMs(id),
    mentionsOthers: false,
    extras: [],
    ...fields,
  };
}

/** The channel #help of the guild "Friends of Barnacle". */
export function guildPlace(fields: Partial<GuildPlace> = {}): GuildPlace {
  return {
    kind: "guild",
    guild: { id: guildId("1400000000000000010"), name: "Friends of Barnacle" },
    channel: { id: channelId("1400000000000000011"), name: "help" },
    ...fields,
  };
}

/** Ada writes hello in {@link guildPlace}, or in the given place, without a mention. */
export function guildMessage(fields: Partial<InboundMessage> = {}): InboundMessage {
  const place = fields.place?.kind === "guild" ? fields.place : guildPlace();
  return directMessage({
    place,
    guildId: place.guild.id,
    channelId: (place.thread ?? place.channel).id,
    ...fields,
  });
}

/** An overheard "good morning" of Bob in a channel. */
export function overheard(fields: Partial<Overheard> = {}): Overheard {
  const { messageId: id = messageId("1400000000000000020") } = fields;
  return {
    messageId: id,
    tag: "bob",
    authorId: userId("987654321098765432"),
    text: "good morning",
    sentAt: createdAtMs(id),
    ...fields,
  };
}

/** Ada's pairing request, at the start of 2026. */
export function pairingRequest(fields: Partial<PairingRequest> = {}): PairingRequest {
  const { createdAt = Date.UTC(2026, 0, 1) } = fields;
  return {
    id: 1,
    accountId: ACCOUNT,
    userId: userId("123456789012345678"),
    username: "ada",
    channelId: channelId("1400000000000000002"),
    messageId: messageId("1400000000000000001"),
    code: "ABCD2345",
    buttons: { approve: "pairing:yes", deny: "pairing:no" },
    createdAt,
    expiresAt: createdAt + 60 * 60 * 1_000,
    ...fields,
  };
}

/** The main agent's answer to {@link directMessage}, which pings no one. */
export function reply(fields: Partial<Reply> = {}): Reply {
  return {
    kind: "reply",
    accountId: ACCOUNT,
    channelId: channelId("1400000000000000002"),
    cause: messageId("1400000000000000001"),
    revision: 0,
    agentId: "main",
    chunks: ["hello, Ada"],
    files: [],
    mayPing: { users: [], roles: [] },
    ...fields,
  };
}

/** One frozen message, whose nonce tells it apart. */
export function outboundMessage(fields: Partial<OutboundMessage> = {}): OutboundMessage {
  return {
    accountId: ACCOUNT,
    channelId: channelId("1400000000000000002"),
    nonce: "nonce-1",
    content: "hello, Ada",
    pings: { users: [], roles: [], quotedAuthor: false },
    ...fields,
  };
}

function snowflake<Kind extends string>(digits: string): Snowflake<Kind> {
  const id = parseSnowflake<Kind>(digits);
  if (!id) throw new RangeError(`Test id is no snowflake: ${digits}`);
  return id;
}
