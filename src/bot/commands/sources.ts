/**
 * The sources of commands that are neither the store nor the inbound side.
 *
 * @module
 */

import type { MediaFolder } from "../../media/folder.ts";
import type { SkillsOf } from "../../interactions/base/context.ts";
import type { AccountOptions } from "../account_interface.ts";
import type { ConfigFile, ModelChoices } from "../rules/setup.ts";

/** These sources. */
export interface CommandSources {
  /** The models that people may choose; a reload replaces them. */
  readonly choices: () => ModelChoices;
  /** The config file; `undefined` if there is none. */
  readonly configFile: () => ConfigFile | undefined;
  /** The agent's skills, as a person in that place may use them. */
  readonly skills: SkillsOf;
  /** The data directory, with the logins to MCP servers. */
  readonly dataDir: string;
  /** Files of people. */
  readonly folder: Pick<MediaFolder, "forget">;
}

const NO_CHOICES: ModelChoices = { ids: [], of: () => undefined };

/**
 * Picks the sources of an account.
 *
 * @param now The settings as they are when a command asks for them.
 */
export function commandSources(
  { files: { folder }, dataDir }: Pick<AccountOptions, "files" | "dataDir">,
  skills: SkillsOf,
  now: {
    readonly choices: ModelChoices | undefined;
    readonly configFile: ConfigFile | undefined;
  },
): CommandSources {
  return {
    choices: () => now.choices ?? NO_CHOICES,
    configFile: () => now.configFile,
    skills,
    dataDir,
    folder,
  };
}
