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
    const all = commands();
    const lines = all.map(({ name, description, needs }) =>
      `\`/${name}\` ${description}${needs === "everyone" ? "" : ` (${RIGHTS[needs]})`}`
    );
    const text = [notice("help", {}, texts()), ...lines].join("\n");
    if (text.length <= MAX_LENGTH) return text;
    return all.map(({ name }) => `\`/${name}\``).join(" ");
  },
};

/** The same under OpenClaw's other name. */
export const commands: Command = { ...help, name: "commands", description: "List my commands" };

/** Characters of an answer. */
const MAX_LENGTH = 2_000;

const RIGHTS = {
  session: "in servers: Manage Messages",
  owner: "owners",
  approver: "approvers",
} as const;
