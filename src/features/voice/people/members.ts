/**
 * Reads the people of voice channels: their names and roles at Discord, and whether the config lets
 * them talk to the bot there (V2). The gateway tells roles only as people come, and change there.
 */

import type { BotAccount } from "../../../account/account.ts";
import { perAccount } from "../../../account/per_account.ts";
import type { GuildId, RoleId, UserId } from "../../../core/discord/ids.ts";
import type { VoiceMember } from "../../../core/discord/gateway.ts";
import type { Sender } from "../../../core/inbound/inbound.ts";
import { memberPayload, userPayload } from "../../../discord/gateway/decode/payloads.ts";
import { displayNameOf, placeIn, senderOf } from "../../../discord/gateway/decode/decode.ts";
import { expect, RestError } from "../../../discord/rest/exchange/rest_error.ts";
import { isRecord } from "../../../lib/text/json.ts";
import type { CallPlace, CallSpeaker } from "../line/call.ts";

/** Milliseconds for which facts of a person are fresh. */
const FRESH_MS = 60_000;
const MAX_KNOWN = 500;

interface KnownMember {
  readonly at: number;
  readonly member: Promise<CallSpeaker | undefined>;
  /** The roles that the gateway told last before it. */
  readonly roles: readonly RoleId[] | undefined;
}

const knownMembers = perAccount("voice", () => new Map<string, KnownMember>());

/** People and bots in the voice channels of a guild. */
export function statesOf({ voiceIndex }: BotAccount, guildId: GuildId): readonly VoiceMember[] {
  return voiceIndex?.of(guildId) ?? [];
}

/** The people in a channel; no bots. */
export function peopleIn(
  account: BotAccount,
  { guildId, channelId }: CallPlace,
): readonly VoiceMember[] {
  return statesOf(account, guildId).filter((one) => one.channelId === channelId && !one.isBot);
}

async function ask(
  { reader, rest }: BotAccount,
  guildId: GuildId,
  userId: UserId,
): Promise<CallSpeaker | undefined> {
  const path = `/guilds/${guildId}/members/${userId}`;
  const raw = await rest.request("GET", path).catch((error: unknown) => {
    if (error instanceof RestError && error.kind === "not_found") return undefined;
    throw error;
  });
  if (!isRecord(raw)) return undefined;
  const { roles } = expect("GET /guilds/:id/members/:id", memberPayload, raw);
  const user = expect("GET /guilds/:id/members/:id", userPayload, raw["user"]);
  const automaton = user.bot || user.system ? "bot" : undefined;
  const nick = typeof raw["nick"] === "string" ? raw["nick"] : undefined;
  return {
    sender: senderOf(user, { roles, automaton }, reader.index.get(guildId)),
    displayName: displayNameOf(user, nick),
  };
}

function read(
  account: BotAccount,
  guildId: GuildId,
  userId: UserId,
): Promise<CallSpeaker | undefined> {
  const { now } = account;
  const known = knownMembers(account);
  const key = `${guildId} ${userId}`;
  const before = known.get(key);
  const { roles } = statesOf(account, guildId).find((one) => one.userId === userId) ?? {};
  const isFresh = before && now() - before.at < FRESH_MS &&
    (!roles || before.roles?.toString() === roles.toString());
  if (isFresh) return before.member;
  const member = ask(account, guildId, userId);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(key, { at: now(), member, roles });
  member.catch(() => known.get(key)?.member === member && known.delete(key));
  return member;
}

/** Whether a person may talk to the bot in a voice channel; bots never may. */
export function mayTalk(
  { policy, reader }: BotAccount,
  { guildId, channelId }: CallPlace,
  sender: Sender,
): boolean {
  if (sender.automaton) return false;
  const place = placeIn(guildId, channelId, reader.index.get(guildId));
  const event = { kind: "speech", place, channelId, sender } as const;
  return policy().authorize(event, {}).kind === "accept";
}

/**
 * Reads a person who may talk to the bot there; `undefined`: another one.
 *
 * @throws {RestError} As a rejection.
 */
export async function speakerIn(
  account: BotAccount,
  place: CallPlace,
  userId: UserId,
): Promise<CallSpeaker | undefined> {
  const member = await read(account, place.guildId, userId);
  return member && mayTalk(account, place, member.sender) ? member : undefined;
}

/** People were forgotten, or the config has changed: nothing is known any more. */
export function forgetMembers(account: BotAccount): void {
  knownMembers(account).clear();
}
