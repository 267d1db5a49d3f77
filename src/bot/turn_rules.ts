/**
 * What the config says of the turn of one message.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { InboundMessage } from "../core/inbound.ts";
import type { TurnRules } from "../flows/answer.ts";
import { rulesFor } from "../policy/rules.ts";
import { displayNameOf } from "../session/display_name.ts";

/** Of a model that says nothing about itself, in tokens (L4). */
const UNKNOWN_WINDOW = { contextWindow: 8_192, maxOutput: 1_024 };

/** `messages.maxChunks`, whose key this version does not read yet. */
const MAX_CHUNKS = 12;

export function turnRulesOf(config: Config): (message: InboundMessage) => TurnRules {
  const { discord } = config;
  let shared: ReturnType<typeof sharedBy> | undefined;
  return (message) => {
    const { place, sender } = message;
    shared ??= sharedBy(config); // by the first turn, for Intl's tables are 5 MiB and 5 ms
    const { instructions } = shared;
    if (place.kind !== "guild") {
      const userTurns = discord.dmHistoryLimits.get(sender.id) ?? discord.dmHistoryLimit;
      return {
        ...shared.rules,
        where: place.kind,
        instructions,
        historyLimit: 0,
        ...(userTurns !== undefined && { userTurns }),
      };
    }
    const rules = rulesFor(place, discord.access);
    const { systemPrompt: channelPrompt, guildSlug } = rules.kind === "open" ? rules : {};
    return {
      ...shared.rules,
      where: displayNameOf(place, guildSlug),
      instructions: {
        ...instructions,
        ...(channelPrompt !== undefined && { channelPrompt }),
      },
      historyLimit: discord.historyLimit,
    };
  };
}

/** What is the same for every message. */
function sharedBy({ agent, discord, texts }: Config) {
  const { textChunkLimit, maxLinesPerMessage, chunkMode, allowedMentions } = discord;
  return {
    instructions: {
      ...(agent.name !== undefined && { agentName: agent.name }),
      ...(agent.prompt !== undefined && { agentPrompt: agent.prompt }),
    },
    rules: {
      window: UNKNOWN_WINDOW,
      timezone: agent.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      chunks: {
        limit: textChunkLimit,
        maxLines: maxLinesPerMessage,
        mode: chunkMode,
        maxChunks: MAX_CHUNKS,
      },
      allowedMentions,
      timeoutMs: agent.turnTimeoutSec * 1_000,
      texts,
    },
  };
}
