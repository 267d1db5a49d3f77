/**
 * Compares the config's names with the bot's guilds.
 *
 * It resolves names in allow lists to ids, and tells the owner about a guild that the config does
 * not list (P12, P6a).
 */

import type { Account } from "../../core/account/account.ts";
import { type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import type { CurrentPolicy, PolicyKeeper } from "../judging/policy_keeper.ts";
import type { Renamed } from "../../core/inbound/events.ts";
import type { GuildNames, GuildPlace, Named } from "../../core/inbound/inbound.ts";
import { type ClosedGuild, createGuildJoined } from "../inbound/guild_joined.ts";
import type { IdLookUp } from "./find_wrong_ids.ts";
import { createSeenShards } from "./seen_shards.ts";
import { createUnknownIds } from "./unknown_ids.ts";
import type { GuildNotices } from "../inbound/guild_notices.ts";
import { createNames, type SearchPorts } from "./resolve.ts";
import { heldNames } from "./held.ts";
import { unresolvedNames } from "../../policy/rules/pinned.ts";
import type { ListedId } from "../../policy/rules/listed_ids.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { ResolvedNames } from "../../store/pairing/pairing.ts";

/** How long to gather changed guilds before looking at them, in milliseconds. */
const GATHER_MS = 1_000;
/**
 * How long to wait for the guilds that READY listed, in milliseconds; a guild with an outage is not
 * awaited further.
 */
const GATHER_MAX_MS = 15_000;

/** How long to wait before the report of unknown ids, in milliseconds. */
const REPORT_AFTER_MS = 10_000;
/** How long to wait for guilds that are awaited, in milliseconds. */
const REPORT_MAX_MS = 30_000;
/** By how much both waits are longer for each shard to come: Discord lets one identify in 5 s. */
const IDENTIFY_MS = 6_000;

/**
 * Creates the name resolution of an account, which goes on as guilds change. The function is longer
 * than most, because its inner functions share one state: the work that is due.
 */
export function createNameResolver(
  account: Account<{ readonly pairing: ResolvedNames }, CurrentPolicy>,
  {
    guilds,
    awaited,
    otherIds,
    described,
    searchMembers,
    isRefused,
    lookUp,
    keeper,
    notices,
    tellOwners,
  }:
    & Pick<SearchPorts, "searchMembers" | "isRefused">
    & {
      /** Guilds with complete facts, without those that are awaited or in an outage. */
      readonly guilds: () => readonly GuildNames[];
      /** The others; of some, Barnacle knows the id alone. */
      readonly awaited: () => readonly GuildNames[];
      /** The ids of the config beside the access rules. */
      readonly otherIds: () => readonly ListedId[];
      /** The guild as the gateway has described it, or as it is given. */
      readonly described: (
        guild: Named<GuildId>,
      ) => Named<GuildId> & Pick<GuildPlace, "hasNamesake">;
      readonly lookUp: IdLookUp;
      readonly keeper: Pick<PolicyKeeper, "resolved" | "hold">;
      readonly notices: Pick<GuildNotices, "add">;
      readonly tellOwners: (text: string) => Promise<void>;
    },
) {
  const { policy, schedule, now } = account;
  const access = account.forPart("access");
  const { log } = access;
  const shards = createSeenShards();
  const isWhole = () => shards.toCome() === 0 && awaited().length === 0;
  const names = createNames({
    ...access,
    unresolved: () => unresolvedNames(policy().policy),
    isWhole,
    mayMiss: shards.mayMiss,
    guilds,
    searchMembers,
    isRefused,
    keeper,
  });
  const joined = createGuildJoined({ texts: account.texts, log }, {
    closed: (guild) => closedTo(described(guild), policy().policy),
    guildsPath: () => policy().policy.ruleOf(GUILDS),
    notices,
  });
  const unknownIds = createUnknownIds({ texts: account.texts, log }, lookUp, tellOwners);
  let cancel: (() => void) | undefined;
  let cancelReport: (() => void) | undefined;
  let isReady = false;
  /** Whether the last report lacked guilds. */
  let isPartial = false;

  /** Looks for names in every guild that may have them, because a missing name is reported. */
  function resolveSoon(waitedMs = GATHER_MS): void {
    cancel ??= schedule(() => {
      cancel = undefined;
      if (isWhole() || isOver(waitedMs, GATHER_MAX_MS)) names.resolve();
      else resolveSoon(waitedMs + GATHER_MS);
    }, GATHER_MS);
  }

  function isOver(waitedMs: number, maxMs: number): boolean {
    return waitedMs >= maxMs + shards.toCome() * IDENTIFY_MS;
  }

  /** The owner may invite the bot right after its start, and guilds may be awaited. */
  function reportLater(waitedMs = REPORT_AFTER_MS): void {
    cancelReport ??= schedule(() => {
      cancelReport = undefined;
      if (!isWhole() && !isOver(waitedMs, REPORT_MAX_MS)) {
        return reportLater(waitedMs + REPORT_AFTER_MS);
      }
      isPartial = !isWhole();
      const unread = awaited().map((guild) => ({ ...guild, isUnread: true } as const));
      void unknownIds.check(policy().policy, [...guilds(), ...unread], {
        sight: shards,
        others: otherIds(),
      });
    }, REPORT_AFTER_MS);
  }

  return {
    /** Sets the number of the account's shards. */
    setShardCount: shards.setCount,
    /** A shard is ready, so its guilds are known. */
    ready(shardId: number): void {
      shards.ready(shardId);
      isReady = true;
      resolveSoon();
      reportLater();
    },
    resolveAgain(): void {
      if (!isReady) return; // no look-up has run before
      names.resolveAgain();
      reportLater();
    },
    /** A batch has changed guilds, so a missing name may exist now. */
    guildsChanged(): void {
      if (!isReady) return;
      resolveSoon();
      // One of the ids may be known now, or be found wrong.
      if (isPartial || unknownIds.findings().length > 0) reportLater();
    },
    /** A person was forgotten (X5): the findings may name them. */
    personForgotten(): void {
      unknownIds.forget();
      if (isReady) reportLater();
    },
    /** A guild or channel has another name now; a name in the config keeps its object. */
    renamed({ guild, channel }: Renamed): void {
      const held = heldNames(policy().policy, guild, channel, now());
      if (held.length === 0) return;
      keeper.hold(held);
      names.keep(held);
      for (const { typed, id } of held) {
        log.info("A name in the config means the object that had it until now", { typed, id });
      }
    },
    /** Discord has just added the bot to a guild. */
    joined,
    /** Ids and names of the config that mean nothing at Discord. */
    findings: unknownIds.findings,
    async stop(): Promise<void> {
      cancel?.();
      cancelReport?.();
      await names.stop();
    },
  };
}

const GUILDS = "channels.discord.guilds";

/** Whether the policy refuses the guild itself, in every channel. */
function closedTo(
  { id: guildId, name, hasNamesake }: Named<GuildId> & Pick<GuildPlace, "hasNamesake">,
  policy: AccessPolicy,
): ClosedGuild | undefined {
  const id = parseSnowflake<"channel">(guildId); // the guild's rule decides, whatever its channels allow
  if (!id) return undefined;
  const channel = { id, name: "" };
  const guild = { id: guildId, name };
  const rules = rulesFor(
    { kind: "guild", guild, channel, hasNamesake: hasNamesake || undefined },
    policy,
  );
  if (rules.kind === "open") return undefined;
  const { why, rule } = rules;
  return why === "guilds-disabled" || why === "guild-not-listed"
    ? { why, rule: policy.ruleOf(rule) }
    : undefined;
}
