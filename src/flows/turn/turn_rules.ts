/**
 * Derives the rules of a message's turn from the config, with its tools (T2) and those that its
 * model sees (T2b), and decides which messages share a turn (S5).
 *
 * The toolbox and the provider cache by the array of tools. So equal sets of tools are the same
 * array.
 */

import { isDeepStrictEqual } from "node:util";
import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { type AgentConfig, agentOf, type Config } from "../../config/config.ts";
import type { QueueMode } from "../../core/config_file.ts";
import type { InboundMessage, Sender } from "../../core/inbound/inbound.ts";
import { hookedOf, termsOf } from "../../core/inbound/inbound.ts";
import { UNKNOWN_WINDOW } from "../../core/model.ts";
import { PERSONAL } from "../../core/outbound/outbound.ts";
import { inputOf, type Skill, type SkillTool } from "../../core/skills/skill.ts";
import { hasBudget } from "../../core/spending/budget.ts";
import { defineTool, type Tool } from "../../core/turn/tool.ts";
import { createInstructionFiles, workspaceOf } from "../../workspace/workspace.ts";
import { latest, latestOf, oncePer } from "../../lib/cache.ts";
import { isOwnerHint } from "../../policy/admission.ts";
import { type OpenPlace, rulesFor } from "../../policy/rules.ts";
import { skillsFor, skillsOf, type ToolAsker } from "../../policy/tool_access.ts";
import { hasNoSearch, type Instructions } from "../../render/prompt/prompt.ts";
import type { ReplyRules } from "../../render/reply.ts";
import { composeToolMessage } from "../../render/tool_message.ts";
import { sessionNameOf } from "../../session/session.ts";
import { rulesIn } from "../deliver/tool_messages.ts";
import { queueModeOf, textCommandOf } from "../judging/judge.ts";
import type { CurrentPolicy } from "../judging/judge.ts";
import { isOwner, ownsApplicationAsRead } from "../owners/owner_ids.ts";
import type { HistoryRules } from "./gather.ts";
import { timezoneOf } from "../../host/process/boot.ts";

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
export function rulesWithoutTools(rules: TurnRules): TurnRules {
  const instructions = { ...rules.instructions, hasTools: false };
  return { ...rules, tools: [], offered: [], instructions };
}

/** An agent's own files with instructions, as they are at the moment (H4). */
const instructionFilesOf = perAccount("turns", ({ log }) => createInstructionFiles(log));

/** Derives the rules of an agent's turns from a config. */
function prepareTurnRules(
  account: BotAccount,
  config: Config,
  agent: AgentConfig,
): (message: InboundMessage) => TurnRules {
  const files = instructionFilesOf(account);
  const workspace = workspaceOf(config, agent, account.bot.dataDir);
  const { discord, session } = config;
  const { id: agentId } = agent;
  let shared: ReturnType<typeof sharedBy> | undefined;

  return (message) => {
    const { place, sender } = message;
    const { policy } = account.policy();
    shared ??= sharedBy(config, agent); // built by the first turn: the host's time zone may take 5 ms
    const tools = turnTools(account, message, agentId);
    const isOwn = termsOf(message).rights === "own accounts";
    const isOfOne = place.kind === "dm" && (isOwn || session.dmScope !== "main");
    const offered = isOfOne ? tools : turnTools(account, message, agentId, true);
    const found = place.kind === "guild" ? rulesFor(place, policy) : undefined;
    const { systemPrompt: channelPrompt, guildSlug } = found?.kind === "open" ? found : NO_PLACE;
    const readsSkills = offered.some(({ name }) => name === "read_skill");
    const instructions: Instructions = {
      hasTables: config.messages.tables !== "off",
      hasReplyTags: discord.replyToMode !== "off",
      agentName: agent.name,
      agentPrompt: agent.prompt,
      files: files(workspace),
      skills: readsSkills ? skillsIn(account, message, agentId) : [],
      channelPrompt,
      hasTools: offered.length > 0,
      hasNoSearch: hasNoSearch(offered),
    };
    const { footer } = config.messages;
    const rules = rulesIn(account, message, config);
    const { chunks } = rules;
    return {
      ...shared,
      ...rules,
      where: place.kind === "guild" ? sessionNameOf(place, guildSlug) : place.kind,
      chunks: isOwn ? { ...chunks, limit: chunks.limit - PERSONAL.length - 1 } : chunks,
      tools,
      offered,
      ownerId: isOwnerHint(message, policy) ? sender.id : undefined,
      instructions,
      historyLimit: found ? discord.historyLimit : 0,
      hasFooter: footer === "all" || (footer === "owners" && isOwner(account, message)),
      userTurns: found ? undefined : discord.dms[sender.id]?.historyLimit ?? discord.dmHistoryLimit,
    };
  };
}

/** Of messages without a place in a guild. */
const NO_PLACE: Partial<OpenPlace> = {};

/** Rules that are the same for every message. */
function sharedBy(config: Config, agent: AgentConfig) {
  const { agents, models, session, tools } = config;
  return {
    window: UNKNOWN_WINDOW,
    reset: session.reset,
    timezone: timezoneOf(config),
    timeoutMs: agents.turnTimeoutSec * 1_000,
    toolTimeoutMs: tools.timeoutSec * 1_000,
    maxSteps: agents.maxSteps,
    signature: signatureOf(config, agent),
    currency: models.currency,
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
export function textForPeople(account: BotAccount, message: InboundMessage, text: string): string {
  // Its nonces are not used, and the card of a personal text has the mark.
  const plain = { ...message, origin: undefined };
  const { channelId, guildId } = message;
  const unsent = { channelId, guildId, message: plain, agentId: "", callKey: "", text };
  const composed = composeToolMessage(unsent, rulesIn(account, message));
  return (composed ?? []).map(({ message: { content } }) => content).join("\n");
}

/** Maximum number of messages that wait in a channel (D4); `undefined`: no bound. */
export function maxWaitingOf(
  { discord: { rateLimit: { enabled, strategy, maxQueueSize } } }: Config,
): number | undefined {
  return enabled && strategy === "drop" ? maxQueueSize : undefined;
}

const rulesByConfig = perAccount("turns", (account) =>
  latestOf(
    account.config,
    (by, agentId: string) => prepareTurnRules(account, by, agentOf(by, agentId)),
  ));

/** The rules of an agent's turns, by a message. */
export function rulesOf(
  account: BotAccount,
  agentId: string,
): (message: InboundMessage) => TurnRules {
  return rulesByConfig(account)(agentId);
}

/** Maximum number of sets to keep; a config has few, apart from one with many senders. */
const MAX_SETS = 1_000;

interface Decided {
  readonly chosen: readonly Tool[];
  readonly offered: readonly Tool[];
}

/** Place and sender of a message, for which a turn asks more than once. */
const askerKey = oncePer(({ place, sender }: InboundMessage) => JSON.stringify([place, sender]));

/** All tools are each name once: the same array until they change. */
const finder = perAccount("turns", (account) => {
  const { policy } = account;
  const sets = new Map<string, readonly Tool[]>();
  /** The sets by place and sender: a decision goes through all levels for each tool. */
  const decided = new Map<string, Decided>();
  let tools: readonly Tool[] = [];
  let decidedBy: CurrentPolicy["decideTools"] | undefined;

  function decide(asker: ToolAsker): readonly Tool[] {
    const { decideTools, policy: { tools: { openGates } } } = policy();
    const names = decideTools(asker, tools)
      .flatMap(({ name, isAllowed }) => isAllowed ? [name] : []);
    const key = [...names, "", ...openGates].join(" ");
    const known = sets.get(key);
    if (known) return known;
    if (sets.size >= MAX_SETS) sets.clear();
    const chosen = tools.filter(({ name }) => names.includes(name))
      .flatMap((tool) => tool.withGates ? tool.withGates(openGates) ?? [] : tool);
    sets.set(key, chosen);
    return chosen;
  }

  return (message: InboundMessage, agentId: string): Decided => {
    const { place, sender } = message;
    const { decideTools } = policy();
    const now = account.bot.toolServices.tools();
    if (tools !== now || decideTools !== decidedBy) {
      if (tools !== now) sets.clear();
      tools = now;
      decidedBy = decideTools;
      decided.clear();
    }
    const hook = hookedOf(message)?.hook;
    const owns = hook === undefined && ownsApplicationAsRead(account, sender.id);
    const key = JSON.stringify([agentId, owns, hook]) + askerKey(message);
    const before = decided.get(key);
    if (before) return before;
    if (decided.size >= MAX_SETS) decided.clear();
    const asker = { agentId, place, sender, hook, ownsApplication: () => owns };
    const found = { chosen: decide(asker), offered: decide({ ...asker, isOffer: true }) };
    decided.set(key, found);
    return found;
  };
});

/**
 * Adds tools of skills (T7a), and of own accounts: a turn that reads one has no others (T13a).
 *
 * @param isOffer Those that the model sees.
 */
export function turnTools(
  account: BotAccount,
  message: InboundMessage,
  agentId: string,
  isOffer = false,
): readonly Tool[] {
  const isOwn = termsOf(message).rights === "own accounts";
  const base = isOwn ? NO_TOOLS : finder(account)(message, agentId)[isOffer ? "offered" : "chosen"];
  const skills = isOwn ? [] : skillsIn(account, message, agentId);
  const own = ownServers(account).tools(message);
  const more = [...skills.flatMap(({ tools }) => tools ?? []), ...own];
  if (more.length === 0) return base;
  // `mcp__<server>__privately` has decided who may.
  const ownsApplication = () => ownsApplicationAsRead(account, message.sender.id);
  const hook = hookedOf(message)?.hook;
  const asker = { ...message, agentId, hook, ownsApplication, forAnyone: isOwn, isOffer };
  const decided = account.policy().decideTools(asker, more);
  return more.filter((_, at) => decided[at]?.isAllowed).reduce(withTool, base);
}

const NO_TOOLS: readonly Tool[] = [];

/** The servers at which each person signs in (T13a), which their feature sets. */
export const ownServers: (account: BotAccount) => {
  ready: (message: InboundMessage) => Promise<void>;
  /** The tools that it adds to a turn. Of a turn with a person's own account, all of its tools. */
  tools: (message: InboundMessage) => readonly Tool[];
} = perAccount("tools", () => ({ ready: () => Promise.resolve(), tools: () => NO_TOOLS }));
/** Lists with one more tool: the same array for the same list and tool. */
const longer = new WeakMap<readonly Tool[], WeakMap<SkillTool | Tool, readonly Tool[]>>();

function withTool(tools: readonly Tool[], tool: SkillTool | Tool): readonly Tool[] {
  const known = longer.get(tools) ?? new WeakMap<SkillTool | Tool, readonly Tool[]>();
  longer.set(tools, known);
  const all = known.get(tool) ?? [...tools, "run" in tool ? tool : toolOf(tool)];
  known.set(tool, all);
  return all;
}

const skillsNow = perAccount(
  "turns",
  ({ config, bot }) =>
    latestOf(config, (by, agentId: string) => {
      const { skills: names } = agentOf(by, agentId);
      return latest(
        bot.toolServices.of(agentId).skills.now,
        ({ skills }) => skillsFor(skills, names),
      );
    }),
);

/** The skills of a message's turn (T7): the same array for the same skills. */
export function skillsIn(
  account: BotAccount,
  asker: Parameters<typeof skillsOf>[0],
  agentId: string,
): readonly Skill[] {
  return skillsOf(asker, skillsNow(account)(agentId)(), account.policy().policy);
}

/** Makes the tool of a skill's file (T7a). */
function toolOf(tool: SkillTool): Tool {
  const { name, head: { description, input, tools, readOnly } } = tool;
  return defineTool({
    name,
    description,
    parameters: input,
    input: () => inputOf(tool),
    needs: [],
    seenAt: "nowhere", // an owner has confirmed its file and its hosts
    isIdempotent: readOnly,
    isReadOnly: readOnly || undefined,
    isPersonalCall: () => tools.length > 0, // they may show things of the asker alone
    asks: async (_, context) =>
      (await import("../tools/skill_tools.ts")).skillQuestion(tool, context),
    run: async (given, context) =>
      (await import("../tools/skill_tools.ts")).runSkill(tool, given, context),
  });
}

type Decide = (message: InboundMessage, next: InboundMessage, agentId: string) => boolean;

/**
 * Decides which messages share turns, and which turns of a session run side by side, by the config
 * as it is now.
 *
 * Messages of several people may share one if they have the same rights: the same tools, the same
 * instructions, the same roles, and no owner among them. Otherwise a person could give orders in
 * the turn of another one who may do more.
 *
 * A turn's tools act for the sender of its first message (T4). So several people share no turn with
 * a tool that shows or changes things of its asker, or that needs permissions of the asker. They
 * share none either if there is a budget, because the first sender would pay for all (X4).
 */
export function prepareQueueModes(account: BotAccount) {
  const { messages: { queue }, budgets } = account.config();
  const modeIn = (message: InboundMessage): QueueMode =>
    queueModeOf(account, message) ?? queue.mode ??
      (message.place.kind === "guild" ? "collect" : "steer");
  // Commands share no turn, end none, and run beside none: each has an answer of its own (K1).
  const isTalk = (...messages: readonly InboundMessage[]) =>
    messages.every((message) => textCommandOf(account, message) === undefined);
  const hasSameRights: Decide = (message, next, agentId) =>
    isTalk(message, next) && haveSameRights(account, message, next, agentId);
  const mayShare: Decide = (message, next, agentId) =>
    hasSameRights(message, next, agentId) &&
    (isSamePerson(message, next) ||
      !hasBudget(budgets) && !rulesOf(account, agentId)(message).tools.some(actsForAsker));
  const carries: Decide = (message, next, agentId) =>
    modeIn(next) !== "followup" && mayShare(message, next, agentId);
  const interrupts: Decide = (message, next, agentId) =>
    modeIn(next) === "interrupt" && message.channelId === next.channelId &&
    hasSameRights(message, next, agentId);
  return {
    /** Whether the turn of a waiting message also answers the one behind it. */
    carries,
    /** Whether a running turn takes in a later message between two steps. */
    steers: (message: InboundMessage, next: InboundMessage, agentId: string): boolean =>
      modeIn(next) === "steer" && mayShare(message, next, agentId),
    /** Whether a later message ends the running turn. */
    interrupts,
    /** Whether the turn of a message may begin while turns of its session run, given by their last. */
    runsBeside: (
      running: readonly InboundMessage[],
      next: InboundMessage,
      agentId: string,
    ): boolean =>
      queue.turnsPerChannel > 1 &&
      (running.length < queue.turnsPerChannel || isOwner(account, next)) &&
      running.every((message) =>
        isTalk(message, next) && message.sender.id !== next.sender.id &&
        message.channelId === next.channelId &&
        !carries(message, next, agentId) && !interrupts(message, next, agentId)
      ),
  };
}

function haveSameRights(
  account: BotAccount,
  one: InboundMessage,
  other: InboundMessage,
  agentId: string,
): boolean {
  const { answered } = termsOf(one);
  if (answered === undefined || answered !== termsOf(other).answered) return false;
  if (!isDeepStrictEqual(rolesOf(one), rolesOf(other))) return false;
  if (isSamePerson(one, other)) return one.sender.automaton === other.sender.automaton;
  if (one.sender.automaton || other.sender.automaton) return false;
  if (isOwner(account, one) !== isOwner(account, other)) return false;
  const rules = rulesOf(account, agentId);
  const [first, second] = [rules(one), rules(other)];
  return first.tools === second.tools && first.ownerId === second.ownerId &&
    isDeepStrictEqual(first.instructions, second.instructions);
}

/** The parts of a tool with gates check the rights of their asker by themselves. */
function actsForAsker({ isPersonal, needs, withGates }: Tool): boolean {
  return isPersonal === true || needs.length > 0 || withGates !== undefined;
}

/** Members of a PluralKit system share an account, and are different people (T14). */
function isSamePerson({ sender: one }: InboundMessage, { sender: other }: InboundMessage): boolean {
  const memberOf = ({ pluralkit }: Sender) => pluralkit?.memberId;
  return one.id === other.id && memberOf(one) === memberOf(other);
}

function rolesOf({ sender: { roles } }: InboundMessage): readonly string[] {
  return roles.map(({ id }) => id).sort();
}
