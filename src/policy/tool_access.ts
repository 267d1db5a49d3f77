/**
 * Decides which tools a turn may use, and names the config path that decided about each tool (T2),
 * which tools its model sees (T2b), and which skills it may use (T7).
 *
 * The sender's base set comes first. Then the levels change it in this order: the global `tools`,
 * the agent's, and one level of the place. `deny` counts at every level that is for the sender and
 * the place, even if another level was chosen. In `toolsBySender`, the most exact kind of entry is for
 * the sender: id, name, role, or `"*"`. Several entries of that kind apply together, because a member
 * may have several roles.
 */

import { pathTo } from "../lib/text/quoted.ts";
import { pathOfHook } from "../core/hooks/hook.ts";
import type { InboundMessage, Place, Sender } from "../core/inbound/inbound.ts";
import { audienceOf, isForTool } from "../core/tool_names.ts";
import type { Tool } from "../core/turn/tool.ts";
import { type Skill } from "../core/skills/skill.ts";
import { type AllowEntry, type PlaceTools, prepareAllowlist, rulesFor } from "./rules.ts";
import { prepareRights } from "./admission.ts";
import type { AccessPolicy, SenderTools, ToolLists } from "./rules.ts";

/** The sender whose message the turn answers, and the agent that answers it. */
export interface ToolAsker {
  readonly agentId: string;
  readonly place: Place;
  readonly sender: Sender;
  /**
   * Whether Discord lists the author as an owner of the application. Called only if a tool depends
   * on it.
   */
  readonly ownsApplication: () => boolean;
  /** Name of the hook whose event it is: only the hook's own list gives tools. */
  readonly hook?: string;
  /** Set to learn what closes a tool to all people in the place, whoever the sender is. */
  readonly forAnyone?: boolean;
  /** Set to learn which tools the model sees: those that any sender may use in the place (T2b). */
  readonly isOffer?: boolean;
}

export type ToolReason =
  | "default" // the base set of everyone has it
  | "owners-default" // the base set of owners has it
  | "owners-only" // only the base set of owners has it
  | "not-default" // no base set has it
  | "allowed" // `allow` has it
  | "not-allowed" // `allow` does not have it
  | "also-allowed" // `alsoAllow` has it
  | "denied" // `deny` has it
  | "gate-closed" // the gate of the tool is closed
  | "place-closed" // the bot may not answer in the place
  | "hook" // the hook lists it
  | "not-in-hook"; // the hook does not list it

export interface ToolDecision {
  readonly name: string;
  readonly isAllowed: boolean;
  readonly why: ToolReason;
  /** Config path that decided, or that would. */
  readonly rule: string;
}

export type ToolFacts = Pick<Tool, "name" | "gate" | "partGates">;

export type DecideTools = (
  asker: ToolAsker,
  tools: readonly ToolFacts[],
) => readonly ToolDecision[];

const GLOBAL = "tools";
const OWNERS = "commands.ownerAllowFrom";
const GATES = "channels.discord.actions";

/** A decision about one tool, without its name. */
type Decided = Omit<ToolDecision, "name">;

export function prepareToolAccess(policy: AccessPolicy): DecideTools {
  const { tools: { global, agents, openGates, hooks }, ruleOf } = policy;
  const { needed } = prepareRights(policy);
  const hasOwnerList = policy.commands.owners !== undefined;
  const ofAgents = new Map(agents.map((agent) => [agent.agentId, [agent]]));

  return (asker, tools) => {
    const { agentId, place, sender, ownsApplication, hook, forAnyone, isOffer } = asker;
    const agent: readonly ToolLevel[] = ofAgents.get(agentId) ?? [];
    const rules = place.kind === "guild" ? rulesFor(place, policy) : undefined;
    if (rules?.kind === "closed" && hook === undefined) {
      const rule = ruleOf(rules.rule);
      return tools.map(({ name }) => ({ name, isAllowed: false, why: "place-closed", rule }));
    }
    const isOwner = () => {
      const known = { ownsApplication: !hasOwnerList && ownsApplication() };
      return needed("owner", place, sender, known)?.isTheirs === true;
    };
    const levels = rules?.kind === "open" ? rules.tools : [];
    const places = levels.filter(({ kind }) => !forAnyone || kind === "all");

    function decide(
      { name, gate, partGates }: ToolFacts,
      own: readonly (readonly ToolLevel[])[],
      isOwner: () => boolean,
      hook?: string,
    ): Decided {
      const denying = [{ lists: global, rule: GLOBAL }, ...agent, ...own.flat()];
      const denial = denying.find(({ lists }) => listsTool(lists.deny, name));
      if (denial) return refused("denied", pathTo(denial.rule, "deny"));
      if (gate !== undefined && !openGates.includes(gate)) {
        return refused("gate-closed", pathTo(GATES, gate));
      }
      if (partGates?.every((part) => !openGates.includes(part))) {
        return refused("gate-closed", GATES);
      }
      if (hook !== undefined) {
        const rule = pathTo(pathOfHook(hook), "tools");
        return listsTool(hooks?.get(hook), name)
          ? allowed("hook", rule)
          : refused("not-in-hook", rule);
      }
      if (forAnyone) return allowed("allowed", GLOBAL);
      let step = decideGlobally(name, isOwner, global);
      step = applyLevel(step, name, agent);
      return applyLevel(step, name, own[0] ?? []);
    }

    const own = hook === undefined ? levelsOf(places, (all) => entriesFor(all, sender)) : [];
    const others = isOffer && rules?.kind !== "closed" ? everyLevels(places) : [];
    return tools.map((tool) => {
      const forSender = decide(tool, own, isOwner, hook);
      const isOffered = !forSender.isAllowed &&
        others.some((levels) => decide(tool, levels, () => true).isAllowed);
      const step = isOffered ? allowed("allowed", GLOBAL) : forSender;
      return { name: tool.name, ...step, rule: ruleOf(step.rule) };
    });
  };
}

/** The global level: its `allow` replaces the base set. */
function decideGlobally(
  name: string,
  isOwner: () => boolean,
  { allow, alsoAllow }: ToolLists,
): Decided {
  const step = allow ? decideByAllowList(name, allow) : decideByDefault(name, isOwner);
  if (step.isAllowed || !listsTool(alsoAllow, name)) return step;
  return allowed("also-allowed", pathTo(GLOBAL, "alsoAllow"));
}

function decideByAllowList(name: string, allow: readonly string[]): Decided {
  const rule = pathTo(GLOBAL, "allow");
  return listsTool(allow, name) ? allowed("allowed", rule) : refused("not-allowed", rule);
}

function decideByDefault(name: string, isOwner: () => boolean): Decided {
  switch (audienceOf(name)) {
    case "everyone":
      return allowed("default", pathTo(GLOBAL, "allow"));
    case "owners":
      return isOwner() ? allowed("owners-default", OWNERS) : refused("owners-only", OWNERS);
    case undefined:
      return refused("not-default", pathTo(GLOBAL, "alsoAllow"));
  }
}

/** A level below: its `allow` narrows the tools of the level above. */
function applyLevel(above: Decided, name: string, level: readonly ToolLevel[]): Decided {
  const adding = level.find(({ lists }) => listsTool(lists.alsoAllow, name));
  if (adding) {
    return above.isAllowed ? above : allowed("also-allowed", pathTo(adding.rule, "alsoAllow"));
  }
  if (!above.isAllowed) return above;
  const limit = level.find(({ lists }) => lists.allow && !listsTool(lists.allow, name));
  if (limit) return refused("not-allowed", pathTo(limit.rule, "allow"));
  const naming = level.find(({ lists }) => lists.allow);
  return naming ? allowed("allowed", pathTo(naming.rule, "allow")) : above;
}

function listsTool(list: readonly string[] | undefined, name: string): boolean {
  return list?.some((entry) => isForTool(entry, name)) === true;
}

function allowed(why: ToolReason, rule: string): Decided {
  return { isAllowed: true, why, rule };
}

function refused(why: ToolReason, rule: string): Decided {
  return { isAllowed: false, why, rule };
}

interface ToolLevel {
  readonly lists: ToolLists;
  readonly rule: string;
}

/**
 * Finds the levels that are for a sender, the most specific first. The first one is chosen.
 *
 * @param entriesOf Chooses the entries for the sender.
 * @returns One list for each level, never empty; several entries of `toolsBySender` are one level.
 */
function levelsOf(
  levels: readonly PlaceTools[],
  entriesOf: (entries: readonly SenderTools[]) => readonly SenderTools[],
): readonly (readonly ToolLevel[])[] {
  return levels.flatMap((level): readonly (readonly ToolLevel[])[] => {
    const { rule } = level;
    if (level.kind === "all") return [[{ lists: level.value, rule }]];
    const entries = entriesOf(level.value);
    if (entries.length === 0) return [];
    return [entries.map(({ key, lists }) => ({ lists, rule: pathTo(rule, key) }))];
  });
}

/** The levels for each kind of sender: those whom one entry names, and all others. */
function everyLevels(levels: readonly PlaceTools[]): readonly ReturnType<typeof levelsOf>[] {
  const entries = levels.flatMap((level) => level.kind === "all" ? [] : level.value);
  return [
    levelsOf(levels, (all) => all.filter(({ who }) => who.kind === "anyone")),
    ...entries.map((one) => levelsOf(levels, (all) => all.filter((other) => other === one))),
  ];
}

function entriesFor(entries: readonly SenderTools[], sender: Sender): readonly SenderTools[] {
  const matching = entries.filter(({ who }) => prepareAllowlist([who])(sender) !== undefined);
  const exactest = Math.min(...matching.map(({ who }) => rankOf(who)));
  return matching.filter(({ who }) => rankOf(who) === exactest);
}

/** How exactly an entry matches: the most exact kind has rank 0. */
function rankOf({ kind }: AllowEntry): number {
  switch (kind) {
    case "user":
    case "pluralkit":
      return 0;
    case "name":
      return 1;
    case "role":
    case "role_name":
      return 2;
    case "anyone":
      return 3;
  }
}

/** The skills with some names; without names, all. */
export function skillsFor(
  skills: readonly Skill[],
  names: readonly string[] | undefined,
): readonly Skill[] {
  return names === undefined ? skills : skills.filter(({ name }) => names.includes(name));
}

/**
 * The skills that a message's turn may use.
 *
 * @param skills Those of its agent.
 */
export function skillsOf(
  { place }: Pick<InboundMessage, "place">,
  skills: readonly Skill[],
  policy: AccessPolicy,
): readonly Skill[] {
  if (place.kind !== "guild" || skills.length === 0) return skills;
  const rules = rulesFor(place, policy);
  return rules.kind === "open" ? skillsFor(skills, rules.skills) : [];
}
