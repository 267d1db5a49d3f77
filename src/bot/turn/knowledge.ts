/**
 * Joins searches in servers' own messages (T17) with Discord, the store and the config. Without a
 * place that has `knowledge`, it loads nothing and does nothing.
 */

import type { GuildId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { SearchServers } from "../../core/turn/ports/search.ts";
import { placeOfTarget } from "../../discord/gateway/decode/places.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { GuildTarget } from "../../discord/rest/actions/options.ts";
import type { ReadableOptions } from "../../discord/rest/actions/readable.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createKnowledgeUpkeep } from "../../flows/knowledge.ts";
import { latest } from "../../lib/cache.ts";
import { createLoader } from "../../lib/loader.ts";
import { prepareClosedBy } from "../../policy/places.ts";
import { hasKnowledge, knowledgeIn } from "../../policy/knowledge.ts";
import type { AccountContext } from "../account_context.ts";
import type { TurnRulesPorts } from "../rules/turn_rules.ts";
import type { History } from "./history.ts";

export function createAccountKnowledge(
  account: AccountContext,
  { client, reader, sources, history }: {
    readonly client: RestClient;
    readonly reader: Pick<Reader, "index">;
    readonly sources: Pick<TurnRulesPorts, "isOwner">;
    readonly history: Pick<History, "show">;
  },
) {
  const { accountId, policy, store, schedule, now } = account;
  const closed = latest(policy, ({ policy }) => prepareClosedBy(policy));
  const isOn = (): boolean => hasKnowledge(policy().policy);
  const placeOf = ({ guildId, ...target }: GuildTarget) =>
    placeOfTarget(guildId, target, reader.index.get(guildId));
  const isSearchable = (target: GuildTarget): boolean =>
    knowledgeIn(placeOf(target), policy().policy) !== "off";

  /** Servers with a channel that searches may read. */
  function guilds(): readonly GuildId[] {
    if (!isOn()) return [];
    return [...reader.index].flatMap(([guildId, { channels }]) =>
      [...channels.keys()].some((channelId) => isSearchable({ guildId, channelId }))
        ? [guildId]
        : []
    );
  }

  const rules: Omit<ReadableOptions, "client"> = {
    closedBy: (asker, target) =>
      closed()({
        channelId: target.channelId,
        place: placeOf(target),
        sender: asker.sender,
        isOwner: sources.isOwner(asker),
      }),
    isSearchable,
    now,
  };
  const loaded = createLoader(async () => {
    const { createServerSearch } = await import("../../discord/rest/actions/server_search.ts");
    return createServerSearch({
      ...{ ...rules, accountId, client, guilds, schedule },
      show: history.show,
      knowledge: store.knowledge,
    });
  });
  const search: SearchServers = async (by, query) => await (await loaded.get())(by, query);
  const upkeep = createKnowledgeUpkeep({
    ...{ accountId, store, schedule, isOn },
    log: account.forPart("inbox").log,
    keeps({ guildId, channelId, parentId }) {
      const guild = reader.index.get(guildId);
      if (!guild || guild.isAwaited) return true; // Discord has not told its channels yet
      return guild.channels.has(parentId) &&
        isSearchable({
          guildId,
          channelId,
          parentId: parentId === channelId ? undefined : parentId,
        });
    },
  });
  return {
    search,
    upkeep,
    isOn,
    /** The rules of searches, for other parts that read servers. */
    searching: { ...rules, guilds, show: history.show },
    /** Whether a message's place looks questions up by itself. */
    isAuto: ({ place }: InboundMessage): boolean =>
      place.kind === "guild" && knowledgeIn(place, policy().policy) === "auto",
  };
}

/** Searches servers' own messages, and tends those that the store keeps. */
export type AccountKnowledge = ReturnType<typeof createAccountKnowledge>;
