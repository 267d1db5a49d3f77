/** Derives what several features need from the config of an account. */

import type { Config } from "../config/config.ts";
import { hostTimezone } from "../host/process/boot.ts";
import type { RefusedPart } from "../core/model.ts";
import type { ChunkRules } from "../render/markdown/chunk.ts";
import type { TextRules } from "../render/reply.ts";
import type { BotAccount } from "./account.ts";

/** `agents.defaults.timezone`, or the host's. */
export function timezoneOf({ agents }: { readonly agents: Config["agents"] }): string {
  return agents.defaults.timezone ?? hostTimezone();
}

/** How a text is cut, whoever its author is. */
export function chunkRulesOf({ discord, messages }: Config): ChunkRules {
  return {
    limit: discord.textChunkLimit,
    maxLines: discord.maxLinesPerMessage,
    mode: discord.chunkMode,
    maxChunks: messages.maxChunks,
  };
}

/** Text rules for authors other than the model. */
export function textRulesOf(
  config: Config,
  { cleanSecrets, uploadLimit }: {
    readonly cleanSecrets: (text: string) => string;
    /** Maximum size in bytes of one file in that place. */
    readonly uploadLimit: number;
  },
): TextRules {
  const { discord, messages } = config;
  return {
    chunks: chunkRulesOf(config),
    tables: messages.tables,
    maxFileBytes: Math.min(discord.mediaMaxBytes, uploadLimit),
    cleanSecrets,
  };
}

/** The parts of requests that the servers of all models have refused. */
export function refusedParts({ models, choices }: BotAccount["settings"]): readonly RefusedPart[] {
  return [...models.refused(), ...choices?.refused() ?? []];
}
