/** Derives the rules of a message's turn from the config. */

import type { AgentConfig, Config } from "../../config/config.ts";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { ApprovalMode, ApprovalRules } from "../../core/people/approval.ts";
import type { GuildPlace, InboundMessage, Place } from "../../core/inbound/inbound.ts";
import { PERSONAL } from "../../core/outbound/footer_line.ts";
import type { Tool } from "../../core/turn/tool.ts";
import type { Skill } from "../../core/skills/skill.ts";
import type { skillsOf } from "../../policy/tool_access.ts";
import type { TurnRules } from "../../flows/turn/answer_ports.ts";
import { hostTimezone } from "../../host/process/boot.ts";
import { isOwnerHint } from "../../policy/rights.ts";
import { type OpenPlace, rulesFor } from "../../policy/rules/place_rules.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { ChunkRules } from "../../render/markdown/chunk.ts";
import type { TakesFiles } from "../../render/plan_queue.ts";
import { type Instructions, prepareInstructions } from "../../render/prompt/system_prompt.ts";
import type { ReplyRules, TextRules } from "../../render/reply.ts";
import { UNKNOWN_WINDOW } from "../../core/model.ts";
import { displayNameOf } from "../../session/session_key.ts";
import { composeToolMessage, type ToolMessage } from "../../render/tool_message.ts";

/** Rules that do not come from the config. */
export interface TurnRulesPorts {
  readonly cleanSecrets: (text: string) => string;
  /** Maximum size in bytes of one file in a guild, or in direct messages. */
  readonly uploadLimit: (guildId: GuildId | undefined) => number;
  /** Whether the bot may attach files in a place (R12a). */
  readonly takesFiles: TakesFiles;
  /** The tools of a message's turn (T2): the same array for the same tools. */
  readonly tools: (message: InboundMessage, agentId: string) => readonly Tool[];
  /** An agent's own files with instructions, as they are now (H4). */
  readonly instructionFiles: (agentId: string) => NonNullable<Instructions["files"]>;
  /** The skills of a message's turn (T7): the same array for the same skills. */
  readonly skills: (asker: Parameters<typeof skillsOf>[0], agentId: string) => readonly Skill[];
  readonly isOwner: (message: Pick<InboundMessage, "sender">) => boolean;
  /** The current policy, with names already resolved to ids (P12). */
  readonly policy: () => AccessPolicy;
}

/** Derives the rules of an agent's turns from a config. */
export function prepareTurnRules(
  config: Config,
  agent: AgentConfig,
  {
    cleanSecrets,
    uploadLimit,
    takesFiles,
    tools: toolsFor,
    skills: skillsFor,
    instructionFiles,
    isOwner,
    policy: policyNow,
  }: TurnRulesPorts,
): (message: InboundMessage) => TurnRules {
  const { discord } = config;
  const { id: agentId } = agent;
  let shared: ReturnType<typeof sharedBy> | undefined;
  const approvalIn = prepareApproval(config);

  /** The people of the cards get answers unchecked: in their channel, and in their own messages. */
  function approvalFor(mode: ApprovalMode, message: InboundMessage): ApprovalRules | undefined {
    // A program reads it (O14), or it has the person's own data (T13a).
    if (mode === "never" || message.called || message.own) return undefined;
    const approval = approvalIn(mode);
    const isTheirs = message.place.kind === "dm"
      ? isOwner(message)
      : message.channelId === approval.channelId;
    return isTheirs ? undefined : approval;
  }

  /** The rules of the last turn in each place, and the facts that made them: most turns share both. */
  const known = new WeakMap<Place, { readonly own: object; readonly rules: TurnRules }>();
  return (message) => {
    const { place, sender, guildId } = message;
    const policy = policyNow();
    shared ??= sharedBy(config, agent); // built by the first turn: the host's time zone may take 5 ms
    const all = toolsFor(message, agentId);
    const found = place.kind === "guild" ? rulesFor(place, policy) : undefined;
    const { systemPrompt: channelPrompt, guildSlug, approval: mode = "never" } =
      found?.kind === "open" ? found : NO_PLACE;
    const approval = approvalFor(found ? mode : discord.dm.approval ?? mode, message);
    const tools = approval?.mode === "always" ? withoutSpeaking(all) : all;
    const instructions = shared.instructionsOf({
      tools,
      files: instructionFiles(agentId),
      skills: () => skillsFor(message, agentId),
      ownerId: isOwnerHint(message, policy) ? sender.id : undefined,
      channelPrompt,
      flagsUnsure: approval && approval.mode === "unsure" || undefined,
    });
    const { footer } = config.messages;
    const hasFooter = footer === "all" || (footer === "owners" && isOwner(message));
    const { chunks } = shared.sharedRules;
    const own = {
      guildSlug, // for `where`
      chunks: message.own ? { ...chunks, limit: chunks.limit - PERSONAL.length - 1 } : chunks,
      tools,
      instructions,
      approval,
      cleanSecrets,
      maxFileBytes: Math.min(discord.mediaMaxBytes, uploadLimit(guildId)),
      historyLimit: found ? discord.historyLimit : 0,
      takesNoFiles: takesFiles(message) ? undefined : true as const,
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

/** Tools that show people words of the model during the turn. */
const SPEAKING: ReadonlySet<string> = new Set(["ask", "offer_actions", "reply_in_thread"]);
/** A list of tools without these: the same array for the same list. */
const quietTools = new WeakMap<readonly Tool[], readonly Tool[]>();

function withoutSpeaking(tools: readonly Tool[]): readonly Tool[] {
  const known = quietTools.get(tools) ?? tools.filter(({ name }) => !SPEAKING.has(name));
  quietTools.set(tools, known);
  return known;
}

/** Which answers a person checks in a place of a guild, or in direct messages (A5). */
export function approvalIn(
  place: GuildPlace | undefined,
  policy: AccessPolicy,
  { discord: { dm } }: Pick<Config, "discord">,
): ApprovalMode {
  const rules = place && rulesFor(place, policy);
  const mode = rules ? rules.kind === "open" ? rules.approval : undefined : dm.approval;
  return mode ?? "never";
}

/** Of messages without a place in a guild. */
const NO_PLACE: Partial<Pick<OpenPlace, "systemPrompt" | "guildSlug" | "approval">> = {};

/** The rules by which people check answers: the same object for the same mode. */
function prepareApproval(
  { approvals: { answers } }: Pick<Config, "approvals">,
): (mode: ApprovalRules["mode"]) => ApprovalRules {
  const { channel: channelId, timeoutSec, ...rules } = answers;
  const common = { ...rules, channelId, timeoutMs: timeoutSec * 1_000 };
  const by = {
    always: { ...common, mode: "always" },
    unsure: { ...common, mode: "unsure" },
  } as const;
  return (mode) => by[mode];
}

/** `agents.defaults.timezone`, or the host's. */
export function timezoneOf({ agents }: Pick<Config, "agents">): string {
  return agents.defaults.timezone ?? hostTimezone();
}

/** An agent's instructions from the config, which are the same for every message. */
export function agentInstructions(
  { agentList, discord: { replyToMode }, messages }: Pick<
    Config,
    "agentList" | "discord" | "messages"
  >,
  agent: AgentConfig,
): Instructions {
  return {
    agents: agentList.filter(({ id }) => id !== agent.id),
    hasTables: messages.tables !== "off",
    hasReplyTags: replyToMode !== "off",
    agentName: agent.name,
    agentPrompt: agent.prompt,
  };
}

/** Rules that are the same for every message. */
function sharedBy(config: Config, agent: AgentConfig) {
  const { agents, discord, messages, models, texts, session, tools } = config;
  const { allowedMentions, replyToMode } = discord;
  return {
    instructionsOf: prepareInstructions(agentInstructions(config, agent)),
    sharedRules: {
      window: UNKNOWN_WINDOW,
      reset: session.reset,
      timezone: timezoneOf(config),
      chunks: chunkRulesOf({ discord, messages }),
      tables: messages.tables,
      linkHosts: messages.linkHosts,
      replyToMode,
      allowedMentions,
      timeoutMs: agents.turnTimeoutSec * 1_000,
      toolTimeoutMs: tools.timeoutSec * 1_000,
      maxSteps: agents.maxSteps,
      workflow: agent.steps,
      agents: config.agentList.length > 1 ? config.agentList : undefined,
      signature: signatureOf(config, agent),
      currency: models.currency,
      texts,
    },
  };
}

/** The name below the agent's answers (R15). */
function signatureOf(
  { agentList: [first], messages }: Pick<Config, "agentList" | "messages">,
  { id, name }: AgentConfig,
): string | undefined {
  return messages.agentName && id !== first.id ? name ?? id : undefined;
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

/** Text rules for authors other than the model. */
export function textRulesOf(
  { discord, messages, texts }: Config,
  { cleanSecrets, uploadLimit }: {
    readonly cleanSecrets: (text: string) => string;
    /** Maximum size in bytes of one file in that place. */
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

export function toolTextRules(
  config: Config,
  place: { readonly channelId: ChannelId; readonly guildId?: GuildId },
  { cleanSecrets, uploadLimit, takesFiles }: Pick<
    TurnRulesPorts,
    "cleanSecrets" | "uploadLimit" | "takesFiles"
  >,
): ReplyRules {
  return {
    ...textRulesOf(config, { cleanSecrets, uploadLimit: uploadLimit(place.guildId) }),
    ...(!takesFiles(place) && { takesNoFiles: true }),
    allowedMentions: config.discord.allowedMentions,
    replyToMode: "off",
    linkHosts: config.messages.linkHosts,
  };
}

/** A text of the model for people, as an answer would have it. */
export function cleanText(
  message: InboundMessage,
  text: string,
  isKnownLink: ToolMessage["isKnownLink"],
  config: Config,
  ports: Pick<TurnRulesPorts, "cleanSecrets" | "uploadLimit" | "takesFiles">,
): string {
  const rules = toolTextRules(config, message, ports);
  // Its nonces are not used, and the card of a personal text has the mark.
  const unsent = { ...message, message: { ...message, own: undefined }, agentId: "", callKey: "" };
  const composed = composeToolMessage({ ...unsent, text, isKnownLink }, rules);
  return (composed ?? []).map(({ message: { content } }) => content).join("\n");
}
