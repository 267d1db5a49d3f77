/**
 * What the config says of the turn of one message.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { GuildId } from "../../core/discord/ids.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { TurnRules } from "../../flows/turn/answer.ts";
import { isOwnerHint } from "../../policy/rights.ts";
import { rulesFor } from "../../policy/place_rules.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import type { ChunkRules } from "../../render/markdown/chunk.ts";
import type { TextRules } from "../../render/reply.ts";
import { displayNameOf } from "../../session/display_name.ts";
import { sessionKeyOf } from "../../session/session_key.ts";

/** Of a model that says nothing about itself, in tokens (L4). */
const UNKNOWN_WINDOW = { contextWindow: 8_192, maxOutput: 1_024 };

/** What the config cannot say. */
export interface TurnRulesPorts {
  readonly cleanSecrets: (text: string) => string;
  /** Bytes that Discord allows one file to have in a guild, or in direct messages. */
  readonly uploadLimit: (guildId: GuildId | undefined) => number;
  /** Who may talk where, as of now: with the names that are known to be ids (P12). */
  readonly policy: () => AccessPolicy;
}

export function turnRulesOf(
  config: Config,
  { cleanSecrets, uploadLimit, policy: policyNow }: TurnRulesPorts,
): (message: InboundMessage) => TurnRules {
  const { discord } = config;
  let shared: ReturnType<typeof sharedBy> | undefined;
  return (message) => {
    const { place, sender, guildId } = message;
    const policy = policyNow();
    shared ??= sharedBy(config); // by the first turn, for Intl's tables are 5 MiB and 5 ms
    const instructions = {
      ...shared.instructions,
      ...(isOwnerHint(message, policy) && { ownerId: sender.id }),
    };
    const common = {
      ...shared.rules,
      cleanSecrets,
      maxFileBytes: Math.min(discord.mediaMaxBytes, uploadLimit(guildId)),
    };
    if (place.kind !== "guild") {
      const userTurns = discord.dmHistoryLimits.get(sender.id) ?? discord.dmHistoryLimit;
      return {
        ...common,
        where: place.kind,
        instructions,
        historyLimit: 0,
        ...(userTurns !== undefined && { userTurns }),
      };
    }
    const rules = rulesFor(place, policy);
    const { systemPrompt: channelPrompt, guildSlug } = rules.kind === "open" ? rules : {};
    return {
      ...common,
      get where() { // for the log, which hardly any turn writes to
        return displayNameOf(place, guildSlug);
      },
      instructions: {
        ...instructions,
        ...(channelPrompt !== undefined && { channelPrompt }),
      },
      historyLimit: discord.historyLimit,
    };
  };
}

/** What is the same for every message. */
function sharedBy({ agent, discord, messages, texts }: Config) {
  const { allowedMentions, replyToMode } = discord;
  return {
    instructions: {
      hasTables: messages.tables !== "off",
      hasReplyTags: replyToMode !== "off",
      ...(agent.name !== undefined && { agentName: agent.name }),
      ...(agent.prompt !== undefined && { agentPrompt: agent.prompt }),
    },
    rules: {
      window: UNKNOWN_WINDOW,
      timezone: agent.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      chunks: chunkRulesOf({ discord, messages }),
      tables: messages.tables,
      linkHosts: messages.linkHosts,
      replyToMode,
      allowedMentions,
      timeoutMs: agent.turnTimeoutSec * 1_000,
      texts,
    },
  };
}

/** How a text is cut, whoever says it. */
function chunkRulesOf(
  { discord, messages }: Pick<Config, "discord" | "messages">,
): ChunkRules {
  return {
    limit: discord.textChunkLimit,
    maxLines: discord.maxLinesPerMessage,
    mode: discord.chunkMode,
    maxChunks: messages.maxChunks,
  };
}

/** What holds for what somebody other than a model says. */
export function textRulesOf(
  { discord, messages, texts }: Config,
  { cleanSecrets, uploadLimit }: {
    readonly cleanSecrets: (text: string) => string;
    /** Bytes that Discord allows one file to have in that place. */
    readonly uploadLimit: number;
  },
): TextRules {
  return {
    chunks: chunkRulesOf({ discord, messages }),
    tables: messages.tables,
    maxFileBytes: Math.min(discord.mediaMaxBytes, uploadLimit),
    texts,
    cleanSecrets,
  };
}

/** Who answers a message, and in which session. */
export function routeOf({ agent, dmScope }: Config): (message: InboundMessage) => Route {
  return (message) => ({
    agentId: agent.id,
    sessionKey: sessionKeyOf(message, agent.id, dmScope),
  });
}
