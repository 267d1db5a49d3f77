/**
 * `/config`: reads and changes the config file (K4).
 *
 * It needs `commands.config`, an owner, and for a change `configWrites`. The whole file is checked
 * before a change is written. No answer contains a secret.
 */

import type { BotAccount } from "../../account/account.ts";
import type { ReferenceKey } from "../../config/reference.ts";
import { CONFIG_READ_ONLY } from "../../render/sentences.ts";
import { type Choice, choicesFor, type Command, type CommandOption } from "../base/command.ts";

const OFF =
  "`/config` is disabled. To enable it, set `commands.config` to true in the config file.";

/** Whether `/config` is allowed: it needs `commands.config`, and a file. */
export function mayRead({ config, settings }: BotAccount): boolean {
  return config().discord.configCommand !== "off" && settings.configFile !== undefined;
}

/** Why commands may not change the config; `undefined` if they may. */
export function changeRefusal(account: BotAccount): string | undefined {
  if (!mayRead(account)) return OFF;
  return account.config().discord.configCommand === "write" ? undefined : CONFIG_READ_ONLY;
}

/** Writes a value. @returns Why nothing has changed; `undefined` if the value counts. */
export async function setKey(
  account: BotAccount,
  path: string,
  value: string | undefined,
): Promise<string | undefined> {
  return changeRefusal(account) ?? await account.settings.configFile?.set(path, value);
}

let paths: readonly Choice[] | undefined;

/** Made for the first person who types a path: the schema takes milliseconds. */
async function allPaths(): Promise<readonly Choice[]> {
  const { referenceKeys } = await import("../../config/reference.ts");
  const { configSchema } = await import("../../config/schema/root.ts");
  return paths ??= pathsOf(referenceKeys(configSchema));
}

function pathsOf(keys: readonly ReferenceKey[]): readonly Choice[] {
  return keys.flatMap(({ path, keys: below }) => [{ name: path, value: path }, ...pathsOf(below)]);
}

const missingText = (path: string) => `The config file has no \`${path}\`.`;

const path: CommandOption = {
  name: "path",
  description: "Path of a key: commands.native",
  type: "text",
  isRequired: true,
  suggest: async (typing, account) =>
    mayRead(account) ? choicesFor(typing.typed.text, await allPaths()) : [],
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
  isOffered: mayRead,
  async run({ id, sender, subcommand, options }, account) {
    if (!mayRead(account)) return OFF;
    const at = String(options["path"] ?? "").trim();
    if (subcommand === "get") return await shown(at, account);
    const refusal = changeRefusal(account);
    if (refusal !== undefined) return refusal;
    const value = subcommand === "set" ? String(options["value"] ?? "") : undefined;
    if (value === undefined && await account.settings.configFile?.get(at) === undefined) {
      return missingText(at);
    }
    const problem = await setKey(account, at, value);
    if (problem !== undefined) return `Nothing has changed: ${cut(problem)}`;
    account.log.warn("An owner changed the config in Discord", {
      interactionId: id,
      by: sender.id,
      path: at,
      change: subcommand ?? "",
    });
    return `The config file is changed at \`${at}\`.`;
  },
};

async function shown(path: string, { settings }: BotAccount): Promise<string> {
  const value = await settings.configFile?.get(path);
  if (value === undefined) return missingText(cut(path));
  return `\`\`\`json\n${cut(value.replaceAll("```", "'''"))}\n\`\`\``;
}

/** Fits into an answer, with its fence. */
function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

const MAX_SHOWN = 1_800;
