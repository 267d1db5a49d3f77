/** Makes the rules that choose an agent from the config (N1, N2). */

import { pathTo } from "../../lib/text/quoted.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import type {
  AssignedChannel,
  Binding,
  PassiveAgent,
  RoutedAgent,
  RouterRules,
  TriggerRule,
} from "../../policy/rules.ts";
import type { Settings } from "./root.ts";

/** Id of the agent of a config that lists none (S1). */
export const ONLY_AGENT = "main";

/** The rules of a config. Passive agents answer nothing, so they are not in them. */
export function toRouterRules(
  { agents: { list }, router: { assignments }, bindings }: Settings,
): RouterRules {
  const active = list.map(({ id }, index): RoutedAgent => ({
    id,
    rule: pathTo("agents.list", index),
  })).filter(({ id }) => !isPassive(id, { assignments }));
  const [first = { id: list[0]?.id ?? ONLY_AGENT, rule: "agents.list" }, ...others] = active;
  const agents = [first, ...others] as const;
  return {
    agents,
    assigned: agents.flatMap(({ id: agentId }): readonly AssignedChannel[] => {
      const path = pathTo(pathTo("router.assignments", agentId), "channels");
      const { channels = [] } = Object.hasOwn(assignments, agentId)
        ? assignments[agentId] ?? {}
        : {};
      return channels.map((channel, index) => ({ agentId, channel, rule: pathTo(path, index) }));
    }),
    bindings: (bindings ?? []).map(({ agentId, match }, index): Binding => ({
      agentId,
      match: {
        ...match,
        accountId: match.accountId === undefined ? undefined : toAccountId(match.accountId),
      },
      rule: pathTo("bindings", index),
    })),
  };
}

/** The agents that only watch, with their channels and triggers. */
export function toPassiveAgents(
  { agents: { list }, router: { assignments } }: Pick<Settings, "agents" | "router">,
): readonly PassiveAgent[] {
  return list.flatMap(({ id: agentId }): readonly PassiveAgent[] => {
    const assignment = Object.hasOwn(assignments, agentId) ? assignments[agentId] : undefined;
    if (assignment?.role !== "passive") return [];
    const path = pathTo("router.assignments", agentId);
    return [{
      agentId,
      channels: assignment.channels.map((channel, index) => ({
        agentId,
        channel,
        rule: pathTo(pathTo(path, "channels"), index),
      })),
      triggers: assignment.triggers.map((trigger, index): TriggerRule => {
        const rule = pathTo(pathTo(path, "triggers"), index);
        if ("pattern" in trigger) return { kind: "pattern", word: trigger.pattern, rule };
        if ("reaction" in trigger) return { kind: "reaction", word: trigger.reaction, rule };
        const word = trigger.command.replace(/^\//, "").toLowerCase();
        return { kind: "command", word, rule };
      }),
    }];
  });
}

/** Whether an agent only watches its channels. */
export function isPassive(
  agentId: string,
  { assignments }: Pick<Settings["router"], "assignments">,
): boolean {
  return Object.hasOwn(assignments, agentId) && assignments[agentId]?.role === "passive";
}
