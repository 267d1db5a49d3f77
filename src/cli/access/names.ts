/**
 * Which ids an account's names are: what its bot has found, and for the rest what the guilds and
 * their members are called now.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import { restore } from "../../discord/gateway/decode/guild_index.ts";
import { namesIn } from "../../discord/gateway/decode/places.ts";
import { createGuildList } from "../../discord/rest/calls/guild_list.ts";
import { createMembers } from "../../discord/rest/calls/members.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import type { GuildNames, Matched, UnfoundReason } from "../../flows/names/match.ts";
import { resolveNames } from "../../flows/names/resolve.ts";
import { printable } from "../../lib/text/quoted.ts";
import { type UnresolvedName, unresolvedNames, withNames } from "../../policy/pinned.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import type { Store } from "../../store/store.ts";
import type { Discord } from "../shared/discord.ts";

/** One name of the config, and what it is. */
export interface Mapping {
  readonly accountId: AccountId;
  readonly kind: UnresolvedName["kind"];
  readonly typed: string;
  /** Config path of the entry. */
  readonly rule: string;
  /** What it is, where it is one thing. */
  readonly id?: string;
  readonly name?: string;
  /** What it may be, where it may be several. */
  readonly candidates?: readonly { readonly id: string; readonly name: string }[];
  /** Why it stays a name. */
  readonly why?: string;
}

export interface NamesAsked {
  readonly accountId: AccountId;
  /** As it is written: no name is an id yet. */
  readonly policy: AccessPolicy;
  readonly store: Store | undefined;
  /** Absent where Discord is not to be asked, or there is no token. */
  readonly discord: Discord | undefined;
  /** Unix time in milliseconds. */
  readonly now: number;
}

/** @throws {RestError} If Discord cannot be asked. */
export async function mappingsOf(asked: NamesAsked): Promise<readonly Mapping[]> {
  const { accountId, policy, store, discord, now } = asked;
  const all = unresolvedNames(policy);
  if (all.length === 0) return [];
  const known = await store?.pairing.namesOf(accountId) ?? [];
  const left = unresolvedNames(withNames(policy, known));
  const open = new Set(left.map(({ rule }) => rule));
  const { matched, refused } = await resolveNames(left, {
    guilds: await guildsOf(asked),
    resolved: known,
    now,
  }, {
    searchMembers: (guildId, query) =>
      discord ? createMembers(discord.api).search(guildId, query) : Promise.reject(OFFLINE),
    isRefused: (error) =>
      error === OFFLINE || (error instanceof RestError && error.kind === "forbidden"),
  });
  const found = new Map(all.map(({ rule }) => [rule, [] as Mapping[]]));
  for (const one of matched) {
    found.get(one.wanted.rule)?.push(toMapping(accountId, one, refused));
  }
  for (const wanted of all.filter(({ rule }) => !open.has(rule))) {
    found.get(wanted.rule)?.push(ofStored(accountId, wanted, known));
  }
  return [...found.values()].flat();
}

/** Members are searched at Discord only. */
const OFFLINE = new Error("Discord was not asked");

function ofStored(
  accountId: AccountId,
  { kind, typed, rule }: UnresolvedName,
  known: readonly ResolvedName[],
): Mapping {
  // Where a name was found twice the first time holds.
  const [first] = known.filter((one) => one.kind === kind && one.typed.trim() === typed.trim())
    .sort((a, b) => a.at - b.at);
  return {
    accountId,
    kind,
    typed,
    rule,
    ...(first && { id: first.id, name: first.name }),
  };
}

function toMapping(accountId: AccountId, matched: Matched, refused: unknown): Mapping {
  const { kind, typed, rule } = matched.wanted;
  const common = { accountId, kind, typed, rule };
  switch (matched.kind) {
    case "resolved":
      return { ...common, id: matched.name.id, name: matched.name.name };
    case "role":
      return { ...common, id: matched.role.id, name: matched.role.name };
    case "ambiguous":
      return { ...common, candidates: matched.candidates, why: "several have this name" };
    case "unfound":
      return { ...common, why: whyText(matched.why, refused) };
  }
}

function whyText(why: UnfoundReason, refused: unknown): string {
  switch (why) {
    case "no-match":
      return "nothing has this name";
    case "no-guild":
      return "the bot knows no such guild";
    case "not-searched":
      if (refused === OFFLINE) return "members were not searched: Discord was not asked";
      return refused instanceof RestError
        ? `Discord lets the bot search no members (${printable(refused.message)}): switch on the ` +
          "Server Members Intent in the developer portal"
        : "there are too many names to search for";
  }
}

/** As the running bot knows them; where none has run yet, as Discord says. */
async function guildsOf(
  { accountId, store, discord }: NamesAsked,
): Promise<readonly GuildNames[]> {
  const { index } = restore(await store?.gateway.guildsOf(accountId) ?? []);
  if (index.size > 0 || !discord) return Array.from(index.values(), namesIn);
  const list = createGuildList(discord.api);
  const guilds: GuildNames[] = [];
  for (const { id, name } of await list.guilds()) {
    guilds.push({ id, name, channels: await list.channels(id), roles: [] });
  }
  return guilds;
}
