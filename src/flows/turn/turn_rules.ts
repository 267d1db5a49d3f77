/** Derives the rules of a message's turn from the config. */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { chunkRulesOf, timezoneOf } from "../../account/rules.ts";
import { cleanSecrets } from "../../account/secrets.ts";
import { type AgentConfig, agentOf, type Config } from "../../config/config.ts";
import type { InboundMessage, Place } from "../../core/inbound/inbound.ts";
import { UNKNOWN_WINDOW } from "../../core/model.ts";
import { PERSONAL } from "../../core/outbound/outbound.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { takesFiles, uploadLimitOf } from "../../discord/gateway/decode/guild_index.ts";
import { createInstructionFiles } from "../../host/files/instruction_files.ts";
import { eachOnce, latest, latestOf } from "../../lib/cache.ts";
import { isOwnerHint } from "../../policy/rights.ts";
import { type OpenPlace, rulesFor } from "../../policy/rules/place_rules.ts";
import { type Instructions, prepareInstructions } from "../../render/prompt/system_prompt.ts";
import type { ReplyRules } from "../../render/reply.ts";
import { composeToolMessage } from "../../render/tool_message.ts";
import { displayNameOf } from "../../session/session_key.ts";
import { workspaceOf } from "../../workspace/skill_library.ts";
import { toolTextRules } from "../deliver/tool_messages.ts";
import { queueModeOf } from "../judging/chosen_settings.ts";
import { commandOf } from "../judging/judge.ts";
import { skillsIn, turnTools } from "../judging/turn_tools.ts";
import { isOwner } from "../owners/owner_ids.ts";
import type { HistoryRules } from "../session/turn_history.ts";
import { prepareQueueModes, type QueueModes } from "./control/queue_mode.ts";

export interface TurnRules extends ReplyRules, HistoryRules {
  /** Name of the place for people, for the log (S2). */
  readonly where: string;
  readonly instructions: Instructions;
  /** Maximum number of overheard messages for the model; 0 in direct messages. */
  readonly historyLimit: number;
  /** The tools of this turn: the same array for all turns that have the same tools. */
  readonly tools: readonly Tool[];
  /** Those that the model sees: the same array for all senders of a place (T2b); absent: these. */
  readonly offered?: readonly Tool[];
  /** User id of the sender, if they count as the owner in this place (P10). */
  readonly ownerId?: string;
  /** Whether prompt and tools are those of a small machine (T2a). */
  readonly isSmall?: true;
  /** Milliseconds that a tool call may take, from `tools.timeoutSec`. */
  readonly toolTimeoutMs: number;
  /** Maximum number of requests to the model, from `agents.maxSteps`. */
  readonly maxSteps: number;
  /** Name of the agent, for the footer; absent: it has none (R15). */
  readonly signature?: string;
  /** Whether answers have a footer (R15). */
  readonly hasFooter?: boolean;
  /** `models.currency`, for the footer. */
  readonly currency?: string;
}

/** A turn offers no tools to a model whose server refuses them, and promises none. */
export function withoutTools(rules: TurnRules): TurnRules {
  const instructions = { ...rules.instructions, hasTools: false };
  return { ...rules, tools: [], offered: [], instructions };
}

/** An agent's own files with instructions, as they are at the moment (H4). */
const instructionFilesOf = perAccount("turns", ({ config, bot: { dataDir }, log }) => {
  const workspaceNow = latestOf(
    config,
    (by, agentId: string) => workspaceOf(by, agentOf(by, agentId), dataDir),
  );
  return eachOnce((agentId: string) => createInstructionFiles(() => workspaceNow(agentId), log));
});

/** Derives the rules of an agent's turns from a config. */
function prepareTurnRules(
  account: BotAccount,
  config: Config,
  agent: AgentConfig,
): (message: InboundMessage) => TurnRules {
  const { reader } = account;
  const files = instructionFilesOf(account);
  const clean = (text: string) => cleanSecrets(account, text);
  const { discord, session } = config;
  const { id: agentId } = agent;
  let shared: ReturnType<typeof sharedBy> | undefined;

  /** The rules of the last turn in each place, and the facts that made them: most turns share both. */
  const known = new WeakMap<Place, { readonly own: object; readonly rules: TurnRules }>();
  return (message) => {
    const { place, sender, guildId } = message;
    const { policy } = account.policy();
    shared ??= sharedBy(config, agent); // built by the first turn: the host's time zone may take 5 ms
    const tools = turnTools(account, message, agentId);
    const isOwn = message.origin?.kind === "own";
    const isOfOne = place.kind === "dm" && (isOwn || session.dmScope !== "main");
    const offered = isOfOne ? tools : turnTools(account, message, agentId, true);
    const found = place.kind === "guild" ? rulesFor(place, policy) : undefined;
    const { systemPrompt: channelPrompt, guildSlug } = found?.kind === "open" ? found : NO_PLACE;
    const instructions = shared.instructionsOf({
      tools: offered,
      files: files(agentId).read(),
      skills: () => skillsIn(account, message, agentId),
      channelPrompt,
    });
    const { footer } = config.messages;
    const hasFooter = footer === "all" || (footer === "owners" && isOwner(account, message));
    const { chunks } = shared.sharedRules;
    const own = {
      guildSlug, // for `where`
      chunks: isOwn ? { ...chunks, limit: chunks.limit - PERSONAL.length - 1 } : chunks,
      tools,
      offered,
      ownerId: isOwnerHint(message, policy) ? sender.id : undefined,
      instructions,
      cleanSecrets: clean,
      maxFileBytes: Math.min(discord.mediaMaxBytes, uploadLimitOf(reader.index, guildId)),
      historyLimit: found ? discord.historyLimit : 0,
      takesNoFiles: takesFiles(reader.index, message, reader.self?.userId)
        ? undefined
        : true as const,
      hasFooter,
      userTurns: found ? undefined : discord.dms[sender.id]?.historyLimit ?? discord.dmHistoryLimit,
    };
    const before = known.get(place);
    if (before && hasSameValues(before.own, own)) return before.rules;
    let where: string | undefined;
    const rules: TurnRules = {
      ...shared.sharedRules,
      ...own,
      get where() { // for the log, which not all readers of the rules write to
        return where ??= place.kind === "guild" ? displayNameOf(place, guildSlug) : place.kind;
      },
    };
    known.set(place, { own, rules });
    return rules;
  };
}

function hasSameValues<Facts extends object>(one: Facts, other: Facts): boolean {
  for (const key in other) if (one[key] !== other[key]) return false;
  return true;
}

/** Of messages without a place in a guild. */
const NO_PLACE: Partial<OpenPlace> = {};

/** An agent's instructions from the config, which are the same for every message. */
function agentInstructions(
  { discord: { replyToMode }, messages }: Config,
  agent: AgentConfig,
): Instructions {
  return {
    hasTables: messages.tables !== "off",
    hasReplyTags: replyToMode !== "off",
    agentName: agent.name,
    agentPrompt: agent.prompt,
  };
}

/** Rules that are the same for every message. */
function sharedBy(config: Config, agent: AgentConfig) {
  const { agents, discord, messages, models, session, tools } = config;
  const { allowedMentions, replyToMode } = discord;
  return {
    instructionsOf: prepareInstructions(agentInstructions(config, agent)),
    sharedRules: {
      window: UNKNOWN_WINDOW,
      reset: session.reset,
      timezone: timezoneOf(config),
      chunks: chunkRulesOf(config),
      tables: messages.tables,
      linkHosts: messages.linkHosts,
      replyToMode,
      allowedMentions,
      timeoutMs: agents.turnTimeoutSec * 1_000,
      toolTimeoutMs: tools.timeoutSec * 1_000,
      maxSteps: agents.maxSteps,
      signature: signatureOf(config, agent),
      currency: models.currency,
    },
  };
}

/** The name below the agent's answers (R15). */
function signatureOf(
  { agentList: [first], messages }: Config,
  { id, name }: AgentConfig,
): string | undefined {
  return messages.agentName && id !== first.id ? name ?? id : undefined;
}

/** A text of the model for people, as an answer would have it. */
export function cleanText(account: BotAccount, message: InboundMessage, text: string): string {
  // Its nonces are not used, and the card of a personal text has the mark.
  const plain = { ...message, origin: undefined };
  const unsent = { ...message, message: plain, agentId: "", callKey: "" };
  const composed = composeToolMessage({ ...unsent, text }, toolTextRules(account, message));
  return (composed ?? []).map(({ message: { content } }) => content).join("\n");
}

/** Maximum number of messages that wait in a channel (D4); `undefined`: no bound. */
export function maxWaitingOf(
  { discord: { rateLimit: { enabled, strategy, maxQueueSize } } }: Config,
): number | undefined {
  return enabled && strategy === "drop" ? maxQueueSize : undefined;
}

/** What an account's config says about turns: made anew after a reload. */
const byConfig = perAccount("turns", (account) => {
  const { config } = account;
  const rulesOf = latestOf(
    config,
    (by, agentId: string) => prepareTurnRules(account, by, agentOf(by, agentId)),
  );
  const modes = latest(config, (by) =>
    prepareQueueModes(by, {
      rightsOf: rulesOf,
      isOwner: (message) => isOwner(account, message),
      isCommand: (message) => commandOf(account, message) !== undefined,
      chosenIn: (message) => queueModeOf(account, message),
    }));
  return { rulesOf, modes };
});

/** The rules of an agent's turns, by a message. */
export function rulesOf(
  account: BotAccount,
  agentId: string,
): (message: InboundMessage) => TurnRules {
  return byConfig(account).rulesOf(agentId);
}

/** Decides which messages share turns, by the config as it is now. */
export const modesOf = (account: BotAccount): QueueModes => byConfig(account).modes();
