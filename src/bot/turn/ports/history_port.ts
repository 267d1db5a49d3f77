/**
 * The history of channels, for tools: of channels that the asker may read by Discord's permissions,
 * and that the policy opens. Messages pass the same policy as live ones.
 *
 * @module
 */

import {
  compareIds,
  createdAtMs,
  type MessageId,
  parseSnowflake,
} from "../../../core/discord/ids.ts";
import type { Model } from "../../../core/model.ts";
import { BudgetSpent } from "../../../core/spending/budget.ts";
import { metered, type SpendPort } from "../../../core/spending/metered_model.ts";
import type { ShownMessage } from "../../../core/turn/ports/discord.ts";
import type { HistoryPort } from "../../../core/turn/ports/history.ts";
import { usedBy } from "../../../core/turn/used_by.ts";
import {
  createReadHistory,
  MAX_HISTORY,
  type RawMessage,
} from "../../../discord/rest/calls/history.ts";
import { createSingleReads } from "../../../discord/rest/calls/single_message.ts";
import type { RestApi } from "../../../discord/rest/client/client.ts";
import type { Reader } from "../../../discord/gateway/read/reader.ts";
import { summariseChannel } from "../../../flows/session/summarise_channel.ts";
import type { Log } from "../../../lib/log.ts";
import { createAssertMayQuote } from "../discord/age_limit.ts";
import {
  type ClosedToAskerOptions,
  createClosedToAsker,
} from "../discord/targets/closed_to_asker.ts";
import { createShow, showAll, type ShowOptions } from "../discord/reading.ts";
import { createTargets } from "../discord/targets/targets.ts";
import { RefusedCall } from "../../../core/refused_call.ts";

/** The dependencies of the port. */
export interface HistoryPortOptions extends ShowOptions, ClosedToAskerOptions {
  /** Sends requests to Discord. */
  readonly client: RestApi;
  /** The account's own user and its guilds, as the gateway told them. */
  readonly reader: Pick<Reader, "self" | "index">;
  /** The current model, which writes summaries. */
  readonly model: () => Model;
  /** Checks budgets, and counts the requests for summaries. */
  readonly spend: SpendPort;
  /** The agent of the current config. */
  readonly agentId: () => string;
  /** Removes the program's secrets from a text. */
  readonly cleanSecrets: (text: string) => string;
  /** Returns at least 8 random letters and digits. */
  readonly randomId: () => string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets warnings and failures. */
  readonly log: Log;
}

/** Creates the port. */
export function createHistoryPort(options: HistoryPortOptions): HistoryPort {
  const { client, reader, isOwner, model, spend, agentId, now } = options;
  const page = createReadHistory(client);
  const show = createShow(options);
  const reads = createSingleReads(client);
  const assertMayQuote = createAssertMayQuote(reads);
  const targets = createTargets({
    client,
    isOwner,
    self: () => reader.self?.userId,
    closedBy: createClosedToAsker(options),
    alsoGuilds: () => [],
    now,
  });

  return {
    async read({ message, signal }, { channelId, limit, before, sinceMs = 0 }) {
      const origin = targets.originOf({ message });
      const place = await targets.channel(origin, channelId);
      const { channelId: there = message.channelId, guild } = place;
      const isHere = there === message.channelId;
      // For this channel, the tool's needs are checked already, or an owner has granted them (T11).
      if (!isHere) await targets.assertMay(origin, place, ["Read Message History"]);
      await assertMayQuote(message, there);
      const shown = {
        ...(guild && { guildId: guild.id }),
        isGroup: message.place.kind === "group_dm",
      };
      // Later messages of the turn's own channel belong to other turns.
      let from = !isHere || (before && compareIds(before, message.id) < 0) ? before : message.id;
      const found: ShownMessage[] = [];
      try {
        for (let left = limit; left > 0;) {
          signal.throwIfAborted();
          const size = Math.min(left, MAX_HISTORY);
          const raw = await page(there, {
            limit: size,
            ...(from !== undefined && { before: from }),
          });
          found.push(...await showAll(show, raw, { ...shown, isElsewhere: !isHere }));
          const oldest = oldestOf(raw);
          if (raw.length < size || !oldest || createdAtMs(oldest) < sinceMs) break;
          from = oldest;
          left -= size;
        }
      } catch (error) {
        throw await targets.refusal(error, origin, place, ["Read Message History"]);
      }
      return found.filter(({ timestampMs }) => timestampMs >= sinceMs)
        .toSorted((one, other) => compareIds(one.id, other.id));
    },
    async summarise({ message, signal }, messages, question) {
      const asked = metered(model(), {
        kind: "summary",
        by: usedBy(message, agentId()),
        spend,
        now,
      });
      try {
        return await summariseChannel(messages, question, { ...options, model: asked, signal });
      } catch (error) {
        if (!(error instanceof BudgetSpent)) throw error;
        throw new RefusedCall("budget", "today's budget is used up", { cause: error });
      }
    },
  };
}

function oldestOf(raw: readonly RawMessage[]): MessageId | undefined {
  return raw.flatMap(({ id }) => parseSnowflake<"message">(id) ?? []).toSorted(compareIds)[0];
}
