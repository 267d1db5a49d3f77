/**
 * Finds the tools of a message's turn by the current policy (T2), and those that its model sees (T2b).
 *
 * The toolbox and the provider cache by the array. So equal sets of tools are the same array.
 */

import type { BotAccount } from "../../account/account.ts";
import { ownServers } from "../../account/extra_parts.ts";
import { perAccount } from "../../account/per_account.ts";
import { agentOf } from "../../config/config.ts";
import type { InboundMessage, Place, Sender } from "../../core/inbound/inbound.ts";
import { hookedOf } from "../../core/inbound/origin.ts";
import { inputOf, type Skill, skillsFor, type SkillTool } from "../../core/skills/skill.ts";
import { defineTool, type Tool } from "../../core/turn/tool.ts";
import { latest, latestOf } from "../../lib/cache.ts";
import { skillsOf, type ToolAsker } from "../../policy/tool_access.ts";
import { ownsApplicationAsRead } from "../owners/owner_ids.ts";
import type { CurrentPolicy } from "./policy_keeper.ts";

/** Maximum number of sets to keep; a config has few, apart from one with many senders. */
const MAX_SETS = 1_000;

/** All tools are each name once: the same array until they change. */
const finder = perAccount("turns", (account) => {
  const { policy } = account;
  const toolsNow = () => account.bot.toolServices.tools();
  const sets = new Map<string, readonly Tool[]>();
  /** The sets by place and sender: a decision goes through all levels for each tool. */
  const decided = new Map<string, Decided>();
  /** The same by the objects, which are mostly those of an earlier message. */
  let known = new WeakMap<
    Place,
    WeakMap<
      Sender,
      { readonly agentId: string; readonly owns: boolean; readonly found: Decided }
    >
  >();
  let tools = toolsNow();
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

  function decideByData(
    agentId: string,
    place: Place,
    sender: Sender,
    owns: boolean,
    hook?: string,
  ): Decided {
    const key = JSON.stringify([agentId, place, sender, owns, hook]);
    const before = decided.get(key);
    if (before) return before;
    if (decided.size >= MAX_SETS) decided.clear();
    const asker = { agentId, place, sender, hook, ownsApplication: () => owns };
    const found = { chosen: decide(asker), offered: decide({ ...asker, isOffer: true }) };
    decided.set(key, found);
    return found;
  }

  function find(message: InboundMessage, agentId: string): Decided {
    const { place, sender } = message;
    const { decideTools } = policy();
    const now = toolsNow();
    if (tools !== now || decideTools !== decidedBy) {
      if (tools !== now) sets.clear();
      tools = now;
      decidedBy = decideTools;
      decided.clear();
      known = new WeakMap();
    }
    const hooked = hookedOf(message);
    if (hooked) return decideByData(agentId, place, sender, false, hooked.hook);
    const owns = ownsApplicationAsRead(account, sender.id);
    let bySender = known.get(place);
    if (!bySender) known.set(place, bySender = new WeakMap());
    const before = bySender.get(sender);
    if (before?.agentId === agentId && before.owns === owns) return before.found;
    const found = decideByData(agentId, place, sender, owns);
    bySender.set(sender, { agentId, owns, found });
    return found;
  }
  return find;
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
  const isOwn = message.origin?.kind === "own";
  const base = isOwn ? NO_TOOLS : finder(account)(message, agentId)[isOffer ? "offered" : "chosen"];
  const skills = isOwn ? [] : skillsIn(account, message, agentId);
  const own = ownServers(account)?.tools(message) ?? [];
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

interface Decided {
  readonly chosen: readonly Tool[];
  readonly offered: readonly Tool[];
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
