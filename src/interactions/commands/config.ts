/**
 * `/config`: reads and changes the config file (K4).
 *
 * It needs `commands.config`, an owner, and for a change `configWrites`. The whole file is checked
 * before a change is written. No answer contains a secret.
 */

import { CONFIG_READ_ONLY } from "../../render/sentences.ts";
import { choicesFor, type Command, type CommandOption } from "../base/command.ts";
import type { InteractionContext } from "../base/context.ts";

const OFF =
  "`/config` is disabled. To enable it, set `commands.config` to true in the config file.";

/** Why commands may not change the config; `undefined` if they may. */
export function changeRefusal({ allows }: InteractionContext["config"]): string | undefined {
  const { reading, writing } = allows();
  if (!reading) return OFF;
  return writing ? undefined : CONFIG_READ_ONLY;
}

const missingText = (path: string) => `The config file has no \`${path}\`.`;

const path: CommandOption = {
  name: "path",
  description: "Path of a key: commands.native",
  type: "text",
  isRequired: true,
  suggest: (typing, { config }) =>
    config.allows().reading
      ? choicesFor(typing.typed.text, config.paths().map((one) => ({ name: one, value: one })))
      : [],
};

/** Reads, sets and removes keys. */
export const config: Command = {
  name: "config",
  description: "Read or change my config file",
  subcommands: [
    { name: "get", description: "Show one key", options: [path] },
    {
      name: "set",
      description: "Set a key, after a check of the whole file",
      options: [path, {
        name: "value",
        description: "JSON, or a text without quotation marks",
        type: "text",
        isRequired: true,
      }],
    },
    { name: "unset", description: "Remove a key", options: [path] },
  ],
  needs: "owner",
  isPrivate: true,
  isOffered: ({ config }) => config.allows().reading,
  async run({ id, sender, subcommand, options }, context) {
    const { config, log } = context;
    if (!config.allows().reading) return OFF;
    const at = String(options["path"] ?? "").trim();
    if (subcommand === "get") return await shown(at, context);
    const refusal = changeRefusal(config);
    if (refusal !== undefined) return refusal;
    const value = subcommand === "set" ? String(options["value"] ?? "") : undefined;
    if (value === undefined && await config.get(at) === undefined) {
      return missingText(at);
    }
    const problem = await config.set(at, value);
    if (problem !== undefined) return `Nothing has changed: ${cut(problem)}`;
    log.warn("An owner changed the config in Discord", {
      interactionId: id,
      by: sender.id,
      path: at,
      change: subcommand ?? "",
    });
    return `The config file is changed at \`${at}\`.`;
  },
};

async function shown(path: string, { config }: InteractionContext): Promise<string> {
  const value = await config.get(path);
  if (value === undefined) return missingText(cut(path));
  return `\`\`\`json\n${cut(value.replaceAll("```", "'''"))}\n\`\`\``;
}

/** Fits into an answer, with its fence. */
function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

const MAX_SHOWN = 1_800;
