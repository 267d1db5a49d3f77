/** Embeds the files of `examples/`. Imports of texts have no types, so this is no TypeScript. */

import manyAgents from "../../../../examples/many-agents.jsonc" with { type: "text" };
import oneAgent from "../../../../examples/one-agent.jsonc" with { type: "text" };
import twoAgents from "../../../../examples/two-agents.jsonc" with { type: "text" };
import voice from "../../../../examples/voice.jsonc" with { type: "text" };

/** @type {Readonly<Record<"one-agent" | "two-agents" | "many-agents" | "voice", string>>} */
export const EXAMPLES = {
  "one-agent": oneAgent,
  "two-agents": twoAgents,
  "many-agents": manyAgents,
  voice,
};
