/**
 * What the config says of the turn of one message.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { InboundMessage } from "../core/inbound.ts";
import type { TurnRules } from "../flows/answer.ts";
import { rulesFor } from "../policy/rules.ts";

/** Of a model that says nothing about itself, in tokens (L4). */
const UNKNOWN_WINDOW = { contextWindow: 8_192, maxOutput: 1_024 };

/** `messages.maxChunks`, which this version has no key for. */
const MAX_CHUNKS = 12;

export function turnRulesOf(config: Config): (message: InboundMessage) => TurnRules {
  const { agent, discord, texts } = config;
  const { textChunkLimit, maxLinesPerMessage, chunkMode, allowedMentions } = discord;
  const shared = {
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
  };
  return (message) => {
    const { place, sender } = message;
    const userTurns = place.kind === "guild"
      ? undefined
      : discord.dmHistoryLimits.get(sender.id) ?? discord.dmHistoryLimit;
    return {
      ...shared,
      instructions: {
        ...(agent.name !== undefined && { agentName: agent.name }),
        ...(agent.prompt !== undefined && { agentPrompt: agent.prompt }),
        ...channelPromptOf(message, config),
      },
      historyLimit: place.kind === "guild" ? discord.historyLimit : 0,
      ...(userTurns !== undefined && { userTurns }),
    };
  };
}

function channelPromptOf({ place }: InboundMessage, { discord }: Config) {
  if (place.kind !== "guild") return {};
  const rules = rulesFor(place, discord.access);
  return rules.kind === "open" && rules.systemPrompt !== undefined
    ? { channelPrompt: rules.systemPrompt }
    : {};
}
