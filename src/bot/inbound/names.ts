/**
 * What the config names, held against the guilds that the bot is in.
 *
 * Names in allowlists are found to be ids, and a guild that nobody has listed is told of (P12, P6a).
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import type { Logging } from "../../log.ts";
import type { Store } from "../../store/store.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { PolicyKeeper } from "../rules/policy.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { namesIn } from "../../discord/gateway/decode/places.ts";
import { createMembers } from "../../discord/rest/calls/members.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { type ClosedGuild, createJoined } from "../../flows/receive/joined.ts";
import { createNames, type Names } from "../../flows/names/resolve.ts";
import { schedule } from "../../lib/schedule.ts";
import { unresolvedNames } from "../../policy/pinned.ts";
import { rulesFor } from "../../policy/place_rules.ts";
import type { AccessPolicy } from "../../policy/rules.ts";

export interface NamesOptions {
  /** As of now: it may be read again (C9). */
  readonly config: () => Config;
  readonly store: Pick<Store, "pairing">;
  readonly client: RestClient;
  readonly reader: Reader;
  readonly policy: PolicyKeeper;
  readonly outbound: Pick<Outbound, "tellOwners">;
  readonly logging: Logging;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface HeldNames extends Names {
  /** A batch has changed guilds: a name may be found now that was not. */
  guildsChanged(): void;
  /** The bot was added to a guild just now. */
  joined(guild: Named<GuildId>): void;
}

/** Nobody waits for it: what people wait for goes first. */
const BACKGROUND = { priority: "background" } as const;

/** How long guilds gather before they are looked at, in milliseconds. */
const GATHER_MS = 1_000;
/** So often those that a READY has listed are waited for; one that has an outage is not. */
const MAX_GATHERINGS = 15;

export function createHeldNames(
  { config, store, client, reader, policy, outbound, logging, now }: NamesOptions,
): HeldNames {
  const { accountId } = config().discord;
  const log = logging.forPart("access");
  const members = createMembers(client, BACKGROUND);
  const names = createNames({
    accountId,
    unresolved: () => unresolvedNames(policy.now().policy),
    guilds: () =>
      Array.from(reader.index.values()).filter(({ isAwaited }) => !isAwaited).map(namesIn),
    searchMembers: (guildId, query) => members.search(guildId, query),
    isRefused: (error) => error instanceof RestError && error.kind === "forbidden",
    store: store.pairing,
    onResolved: (found) => policy.resolved(found),
    schedule,
    random: Math.random,
    now,
    log,
  });
  const joined = createJoined({
    closed: (guild) => closedTo(guild, policy.now().policy),
    guildsPath: () => policy.now().policy.ruleOf(GUILDS),
    tellOwners: (text) => outbound.tellOwners(text),
    texts: () => config().texts,
    log,
  });
  let cancel: (() => void) | undefined;
  let isReady = false;

  /** What is not found is said, so it is looked for where it may be found. */
  function resolveSoon(gatherings = 1): void {
    cancel ??= schedule(() => {
      cancel = undefined;
      const isWhole = [...reader.index.values()].every(({ isAwaited }) => !isAwaited);
      if (isWhole || gatherings >= MAX_GATHERINGS) names.resolve();
      else resolveSoon(gatherings + 1);
    }, GATHER_MS);
  }

  return {
    resolve() {
      isReady = true;
      resolveSoon();
    },
    resolveAgain() {
      if (isReady) names.resolveAgain(); // before that nothing was looked for
    },
    guildsChanged() {
      if (isReady) resolveSoon();
    },
    joined,
    async stop() {
      cancel?.();
      await names.stop();
    },
  };
}

const GUILDS = "channels.discord.guilds";

/** Whether the guild itself is not let in, whatever the channel. */
function closedTo(guild: Named<GuildId>, policy: AccessPolicy): ClosedGuild | undefined {
  const id = parseSnowflake<"channel">(guild.id); // the guild decides, whatever its channels
  if (!id) return undefined;
  const channel = { id, name: "" };
  const rules = rulesFor({ kind: "guild", guild, channel }, policy);
  if (rules.kind === "open") return undefined;
  const { why, rule } = rules;
  return why === "guilds-disabled" || why === "guild-not-listed"
    ? { why, rule: policy.ruleOf(rule) }
    : undefined;
}
