/** Makes the rules that choose an agent from the config (N1, N2). */

import { pathTo } from "../../core/config_file.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import type {
  AssignedChannel,
  Binding,
  RoutedAgent,
  RouterRules,
} from "../../policy/rules/rules.ts";
import type { Settings } from "./root.ts";

/** Id of the agent of a config that lists none (S1). */
export const ONLY_AGENT = "main";

/** The rules of a config. Passive agents answer nothing, so they are not in them. */
export function toRouterRules(
  { agents: { list }, router, bindings }: Pick<Settings, "agents" | "router" | "bindings">,
): RouterRules {
  const { assignments = {} } = router ?? {};
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

/** Whether an agent only watches its channels. */
export function isPassive(
  agentId: string,
  { assignments }: Pick<Settings["router"], "assignments">,
): boolean {
  return Object.hasOwn(assignments, agentId) && assignments[agentId]?.role === "passive";
}
