/**
 * `/skill`: works by one of the agent's skills (T7).
 *
 * All skills share this command, because Discord takes a hundred commands at most.
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import { ASKED } from "../base/asked.ts";
import { choicesFor } from "../base/choices.ts";
import type { Command } from "../base/command.ts";

/** Starts a turn that reads the skill first, and answers in the channel. */
export const skill: Command = {
  name: "skill",
  description: "Use one of my skills",
  options: [
    {
      name: "name",
      description: "Name of the skill",
      type: "text",
      isRequired: true,
      suggest: (typing, { skills }) =>
        choicesFor(
          typing.typed.text,
          skills(typing).map(({ name, description }) => ({
            name: `${name}: ${description}`,
            value: name,
          })),
        ),
    },
    {
      name: "input",
      description: "Your task for it",
      type: "text",
      isRequired: false,
    },
  ],
  needs: "everyone",
  async run(call, { skills, ask, texts }) {
    const wanted = String(call.options["name"] ?? "").toLowerCase();
    const all = skills(call);
    const found = all.find(({ name }) => name.toLowerCase() === wanted);
    if (!found) {
      const names = all.map(({ name }) => `\`${name}\``).join(", ") || "–";
      return notice("skillUnknown", { skills: names.slice(0, MAX_NAMES) }, texts());
    }
    const input = call.options["input"];
    const task = typeof input === "string" ? `: ${input}` : ".";
    const where = await ask(call, { text: `Use the skill "${found.name}"${task}` });
    return notice(ASKED[where], {}, texts());
  },
};

const MAX_NAMES = 1_000;
