/**
 * `/help` and `/commands`: the commands that people can use here.
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Lists all commands, with the right that some need. */
export const help: Command = {
  name: "help",
  description: "Show my commands",
  options: [],
  needs: "everyone",
  run(_, { commands, texts }) {
    const lines = commands().map(({ name, description, needs }) =>
      `\`/${name}\` ${description}${needs === "everyone" ? "" : ` (${RIGHTS[needs]})`}`
    );
    return [notice("help", {}, texts()), ...lines].join("\n");
  },
};

/** The same under OpenClaw's other name. */
export const commands: Command = { ...help, name: "commands", description: "List my commands" };

const RIGHTS = {
  session: "in servers: Manage Messages",
  owner: "owners",
  approver: "approvers",
} as const;
