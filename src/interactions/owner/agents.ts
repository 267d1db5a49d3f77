/**
 * `/agents`: the agents of the bot with their models.
 *
 * @module
 */

import type { Command } from "../base/command.ts";

/** Lists the agents. */
export const agents: Command = {
  name: "agents",
  description: "List my agents and their models",
  options: [],
  needs: "owner",
  run: (_, { agents }) => agents().map(({ id, modelId }) => `\`${id}\`: \`${modelId}\``).join("\n"),
};
