/** Derives what several features need from the config of an account. */

import type { Config } from "../config/config.ts";
import { hostTimezone } from "../host/process/boot.ts";
import type { ChunkRules } from "../render/markdown/chunk.ts";

/** `agents.defaults.timezone`, or the host's. */
export function timezoneOf({ agents }: Pick<Config, "agents">): string {
  return agents.defaults.timezone ?? hostTimezone();
}

/** How a text is cut, whoever its author is. */
export function chunkRulesOf(
  { discord, messages }: Pick<Config, "discord" | "messages">,
): ChunkRules {
  return {
    limit: discord.textChunkLimit,
    maxLines: discord.maxLinesPerMessage,
    mode: discord.chunkMode,
    maxChunks: messages.maxChunks,
  };
}
