/** Gives turns the agents of the config, which ask each other and pass turns on (N4). */

import { agentOf, type Config } from "../../config/config.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Model } from "../../core/model.ts";
import type { ListedAgent } from "../../core/turn/asking.ts";
import type { Tool, ToolPorts } from "../../core/turn/tool.ts";
import type { TurnAgents } from "../../flows/turn/answer_ports.ts";
import { latest } from "../../lib/cache.ts";
import { prepareTurnRules, type TurnRulesPorts } from "../rules/turn_rules.ts";

/** No agent has this id, so none has lists for it. */
const NO_AGENT = "";

export function createTurnAgents(
  config: () => Config,
  sources: TurnRulesPorts,
  { mayReach, modelOf, toolPortsOf, toolsReady }: Pick<TurnAgents, "mayReach"> & {
    readonly modelOf: (agentId: string) => Model;
    readonly toolPortsOf: (agentId: string) => Promise<ToolPorts>;
    /** Waits for tools that an agent may have for a message, and that are not known yet. */
    readonly toolsReady: (message: InboundMessage, agentId: string) => Promise<void> | undefined;
  },
): () => TurnAgents | undefined {
  return latest(config, (by) => {
    if (by.agentList.length < 2) return undefined;
    return {
      list: by.agentList.map(({ id, name, description }): ListedAgent => ({
        id,
        name,
        description,
      })),
      mayReach,
      async answering(agentId, message, limits) {
        await toolsReady(message, agentId);
        const rulesWith = prepareTurnRules(by, agentOf(by, agentId), {
          ...sources,
          tools(message, agentId) {
            const own = sources.tools(message, agentId);
            if (!limits) return own;
            const { within, without = [] } = limits;
            const has = (tools: readonly Tool[], name: string) =>
              tools.some((tool) => tool.name === name);
            const ofPerson = sources.tools(message, NO_AGENT);
            // Several people may share a turn whose first agent has nothing of one person (T14).
            return own.filter(({ name, isPersonal }) =>
              !without.includes(name) &&
              (has(within, name) || !isPersonal && has(ofPerson, name))
            );
          },
        });
        return {
          model: modelOf(agentId),
          rules: rulesWith(message),
          toolPorts: () => toolPortsOf(agentId),
        };
      },
    };
  });
}
