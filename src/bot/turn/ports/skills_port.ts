/**
 * The agent's skills: found at the start, after a config change, and again while turns use them (T7).
 *
 * @module
 */

import { dirname, join, resolve } from "node:path";
import type { SharedConfig } from "../../../config/config.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import { NO_SKILLS, type Skill, type SkillLibrary, skillsFor } from "../../../core/skills/skill.ts";
import type { SkillsPort } from "../../../core/turn/ports/skills.ts";
import type { Log } from "../../../lib/log.ts";
import { rulesFor } from "../../../policy/rules/place_rules.ts";
import type { AccessPolicy } from "../../../policy/rules/rules.ts";
import { findSkills, readSkillFile } from "../../../workspace/skills.ts";
import { workspaceOf } from "../../rules/workspace_path.ts";
import { badArguments } from "../../../core/refused_call.ts";

/** Milliseconds for which skills that were read count as current. */
const FRESH_MS = 60_000;

/** The folders with skills that the config names. */
export function configuredFolders(
  { file, skillFolders }: Pick<SharedConfig, "file" | "skillFolders">,
): readonly string[] {
  const base = file === undefined ? "." : dirname(file);
  return skillFolders.map((path) => resolve(base, path));
}

/** The folders with skills: those of the config, and `skills` of the workspace. */
export function skillFolders(
  config: Pick<SharedConfig, "agent" | "file" | "skillFolders">,
  dataDir: string,
): readonly { readonly path: string; readonly isRequired: boolean }[] {
  const own = configuredFolders(config).map((path) => ({ path, isRequired: true }));
  return [...own, { path: join(workspaceOf(config, dataDir), "skills"), isRequired: false }];
}

/** Creates the library; it is empty before `read`. */
export function createSkillLibrary(
  folders: () => ReturnType<typeof skillFolders>,
  now: () => number,
  log: Log,
): SkillLibrary {
  let current = NO_SKILLS;
  let readAt = 0;
  let reported = "";

  async function read(): Promise<void> {
    readAt = now();
    try {
      const found = await findSkills(folders());
      // The same object as long as nothing changes: the system prompt must not change either.
      if (JSON.stringify(found) !== JSON.stringify(current)) current = found;
      const problems = JSON.stringify(found.problems);
      if (problems !== reported) {
        for (const problem of found.problems) log.warn("A skill cannot be used", { ...problem });
      }
      reported = problems;
    } catch (error) {
      log.warn("Cannot read the skills", { error });
    }
  }

  return {
    now() {
      if (now() - readAt >= FRESH_MS) void read();
      return current;
    },
    read,
  };
}

/** The skills that a message's turn may use. */
export function skillsOf(
  { place }: Pick<InboundMessage, "place">,
  library: Pick<SkillLibrary, "now">,
  policy: AccessPolicy,
): readonly Skill[] {
  const set = library.now();
  if (place.kind !== "guild" || set.skills.length === 0) return set.skills;
  const rules = rulesFor(place, policy);
  return rules.kind === "open" ? skillsFor(set, rules.skills) : [];
}

/** Creates the port. */
export function createSkillsPort(
  { skills }: { readonly skills: (message: InboundMessage) => readonly Skill[] },
): SkillsPort {
  return {
    async read(asker, name, file) {
      const all = skills(asker);
      const skill = all.find((one) => one.name === name);
      if (!skill) {
        const names = all.map((one) => one.name).join(", ") || "none";
        throw badArguments(`there is no skill "${name}" here; the skills are: ${names}`);
      }
      if (file !== undefined) return await readSkillFile(skill, file);
      const { body, resources } = skill;
      return resources.length === 0 ? body : `${body}\n\nFiles: ${resources.join(", ")}`;
    },
  };
}
