/** The steps of an agent: a workflow of other agents, one after the other (N4). */

import { z } from "zod";
import { MAX_DEPTH } from "../../core/turn/asking.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { lazyKey, text } from "./parts/key.ts";

/** Maximum number of steps: each costs a turn of its agent. */
const MAX_STEPS = 8;

export const agentSteps = () =>
  lazyKey(
    () =>
      z.array(z.strictObject({
        agent: text().max(64),
        prompt: text().max(2_000),
      })).max(MAX_STEPS),
    "A workflow: up to 8 steps `{ agent, prompt }`, in which other agents work on each message " +
      "before this one answers. Each gets its prompt, the message, and the results of the steps " +
      "before it. See `examples/workflow.jsonc`.",
    { unset: "the agent answers by itself", example: [] },
  );

/** A step that leads nowhere, or back. */
interface StepFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

/** Finds steps of unknown agents, circles, and chains that are too long. */
export function stepFaults(
  list: readonly { readonly id: string; readonly steps?: readonly { readonly agent: string }[] }[],
): readonly StepFault[] {
  const byId = new Map(list.map((agent) => [agent.id, agent]));
  /** The first chain of steps from an agent to another one; of length 0 if there is none. */
  function wayTo(goal: string, from: string, seen: ReadonlySet<string>): readonly string[] {
    if (from === goal) return [from];
    if (seen.has(from)) return [];
    for (const { agent } of byId.get(from)?.steps ?? []) {
      const way = wayTo(goal, agent, new Set([...seen, from]));
      if (way.length > 0) return [from, ...way];
    }
    return [];
  }
  /** The longest chain of steps that begins with an agent, without circles. */
  function longest(from: string, seen: ReadonlySet<string>): readonly string[] {
    let most: readonly string[] = [];
    for (const { agent } of byId.get(from)?.steps ?? []) {
      if (seen.has(agent)) continue;
      const way = longest(agent, new Set([...seen, agent]));
      if (way.length > most.length) most = way;
    }
    return [from, ...most];
  }
  return list.flatMap(({ id, steps = [] }, at) =>
    steps.flatMap(({ agent }, step): readonly StepFault[] => {
      const path = [at, "steps", step, "agent"];
      if (!byId.has(agent)) {
        const known = [...byId.keys()].filter((other) => other !== id);
        return [{
          path,
          message: `There is no agent ${quoted(agent)}`,
          hint: known.length > 0 ? `use one of ${known.join(", ")}` : "add it to agents.list",
        }];
      }
      const way = wayTo(id, agent, new Set());
      if (way.length > 0) {
        return [{
          path,
          message: `The steps form a circle: ${[id, ...way].join(" → ")}`,
          hint: "let another agent do this step",
        }];
      }
      const chain = [id, ...longest(agent, new Set([id, agent]))];
      if (chain.length > MAX_DEPTH + 1) {
        return [{
          path,
          message: `The steps pass more than ${MAX_DEPTH} agents: ${chain.join(" → ")}`,
          hint: "put the steps of these agents into one list",
        }];
      }
      return [];
    })
  );
}
