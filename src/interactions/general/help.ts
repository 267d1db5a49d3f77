/**
 * `/help` and `/commands`: the commands that people can use here.
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { Command } from "../base/command.ts";

/** Lists all commands, by the right that they need. */
export const help: Command = {
  name: "help",
  description: "Show my commands",
  options: [],
  needs: "everyone",
  run(_, { commands, texts }) {
    const all = commands();
    const groups = Object.entries(HEADINGS).flatMap(([right, heading]) => {
      const lines = all.filter(({ needs }) => needs === right)
        .map(({ name, description }) => `\`/${name}\` ${description}`);
      return lines.length === 0 ? [] : [heading, ...lines];
    });
    const text = [notice("help", {}, texts()), ...groups.filter((line) => line !== "")].join("\n");
    if (text.length <= MAX_LENGTH) return text;
    return all.map(({ name }) => `\`/${name}\``).join(" ");
  },
};

/** The same under OpenClaw's other name. */
export const commands: Command = { ...help, name: "commands", description: "List my commands" };

/** Characters of an answer. */
const MAX_LENGTH = 2_000;

/** The headings of the groups, in their order. */
const HEADINGS: Readonly<Record<CommandNeeds, string>> = {
  everyone: "",
  session: "**In servers, with Manage Messages:**",
  approver: "**Approvers:**",
  owner: "**Owners:**",
};
