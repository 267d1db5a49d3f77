/**
 * Finds the ids of an account's names, for `status --probe`: first those that its bot has resolved, then by the current
 * names of guilds and members.
 */

import type { GuildNames } from "../../core/inbound/inbound.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import { namesIn } from "../../discord/gateway/decode/places.ts";
import { createGuildList } from "../../discord/rest/requests/guild_reads.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import type { Matched, UnfoundReason } from "../../flows/names/match.ts";
import { resolveNames } from "../../flows/names/name_resolver.ts";
import { printable } from "../../lib/text/quoted.ts";
import { type UnresolvedName, unresolvedNames, withNames } from "../../policy/rules/pinned.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { Discord } from "../../cli/shared/discord.ts";
import type { Store } from "../../store/store.ts";

export interface NameMapping extends Pick<UnresolvedName, "kind" | "typed" | "rule"> {
  /** The id; absent unless there is exactly one match. */
  readonly id?: string;
  /** Its current name. */
  readonly name?: string;
  /** The matches, if there are several. */
  readonly candidates?: readonly { readonly id: string; readonly name: string }[];
  /** The reason for having no id. */
  readonly why?: string;
}

interface NamesAsked {
  readonly accountId: AccountId;
  /** As in the config, with names unresolved. */
  readonly policy: AccessPolicy;
  /** For names that the bot has resolved. */
  readonly store: Store | undefined;
  readonly discord: Discord;
  readonly now: number;
}

/**
 * Finds the ids of all names.
 *
 * @throws {RestError} If a request to Discord fails.
 */
export async function mappingsOf(asked: NamesAsked): Promise<readonly NameMapping[]> {
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
  }, discord.api);
  const mappings = new Map(all.map(({ rule }) => [rule, [] as NameMapping[]]));
  for (const match of matched) {
    mappings.get(match.wanted.rule)?.push(toMapping(match, refused));
  }
  for (const wanted of all.filter(({ rule }) => !open.has(rule))) {
    mappings.get(wanted.rule)?.push(ofStored(wanted, known));
  }
  return [...mappings.values()].flat();
}

function ofStored(
  { kind, typed, rule }: UnresolvedName,
  known: readonly ResolvedName[],
): NameMapping {
  // If a name was resolved twice, the first result counts.
  const [first] = known.filter((name) => name.kind === kind && name.typed.trim() === typed.trim())
    .sort((a, b) => a.at - b.at);
  return { kind, typed, rule, id: first?.id, name: first?.name };
}

function toMapping(matched: Matched, refused: unknown): NameMapping {
  const { kind, typed, rule } = matched.wanted;
  const common = { kind, typed, rule };
  switch (matched.kind) {
    case "resolved":
      return { ...common, id: matched.name.id, name: matched.name.name };
    case "role":
      return { ...common, id: matched.role.id, name: matched.role.name };
    case "ambiguous":
      return { ...common, candidates: matched.candidates, why: "several matches" };
    case "unfound":
      return { ...common, why: whyText(matched.why, refused) };
  }
}

function whyText(why: UnfoundReason, refused: unknown): string {
  switch (why) {
    case "no-match":
      return "no match";
    case "no-guild":
      return "the bot is in no such guild";
    case "not-searched":
      return refused instanceof RestError
        ? `Discord does not let the bot search members (${
          printable(refused.message)
        }): enable the ` +
          "Server Members Intent in the developer portal"
        : "too many names to search for";
  }
}

/** Guilds that the store knows; if the bot has never run, those that Discord returns. */
async function guildsOf({ accountId, store, discord }: NamesAsked): Promise<readonly GuildNames[]> {
  const { index } = restoreIndex(await store?.gateway.guildsOf(accountId) ?? []);
  if (index.size > 0) return Array.from(index.values(), namesIn);
  const list = createGuildList(discord.api);
  const guilds: GuildNames[] = [];
  for (const { id, name } of await list.guilds()) {
    guilds.push({ id, name, channels: await list.channels(id), roles: [] });
  }
  return guilds;
}
