/** Embeds the files of `examples/`. Imports of texts have no types, so this is no TypeScript. */

import manyAgents from "../../../../examples/many-agents.jsonc" with { type: "text" };
import oneAgent from "../../../../examples/one-agent.jsonc" with { type: "text" };

/** @type {Readonly<Record<"manyAgents" | "oneAgent", string>>} */
export const TEXTS = { manyAgents, oneAgent };
