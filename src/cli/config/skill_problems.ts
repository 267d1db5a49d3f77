/**
 * Finds skills that cannot be used, and names in `skills` of channels that no skill has, for
 * `barnacle config check` (T7).
 *
 * @module
 */

import { homedir } from "node:os";
import type { Env } from "../../lib/env.ts";
import { skillFolders } from "../../workspace/skill_library.ts";
import { nearestOf } from "../../config/checks/nearest.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { positionsIn } from "../../config/text/position.ts";
import type { Problem } from "../../config/text/problem.ts";
import { entriesAt, isList, type Segment, valueAt } from "../../config/text/tree.ts";
import { type PathSegment, pathText } from "../../core/config_file.ts";
import type { SkillSet } from "../../core/skills/skill.ts";
import { findDataDir } from "../../host/files/data_dir.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { findSkills } from "../../workspace/skills.ts";

/** Reads the skills that `run` would use. All problems are warnings: the bot runs without them. */
export async function skillProblems(loaded: LoadedConfig, env: Env): Promise<readonly Problem[]> {
  const dataDir = findDataDir({ env, home: homedir() });
  const found = await findSkills(skillFolders(loaded.config, dataDir));
  const invalid = found.problems.map(({ file, reason }): Problem => ({
    severity: "warning",
    file,
    path: "",
    message: `This skill cannot be used: ${printable(reason)}`,
    hint: "correct it, or remove its folder",
  }));
  return [...invalid, ...await unknownNames(loaded, found)];
}

async function unknownNames(
  { written, text, config: { file } }: LoadedConfig,
  { skills }: SkillSet,
): Promise<readonly Problem[]> {
  const known = skills.map(({ name }) => name);
  const unknown = namesIn(written).filter(({ name }) => !known.includes(name));
  if (unknown.length === 0) return [];
  const { distance } = await import("fastest-levenshtein");
  const positionOf = text === undefined ? () => undefined : positionsIn(text);
  return unknown.map(({ name, path }): Problem => {
    const nearest = nearestOf(name, known, distance);
    const place = pathText(path);
    return {
      severity: "warning",
      file,
      ...positionOf(place),
      path: place,
      message: `${quoted(name)} is no usable skill, so this entry has no effect`,
      hint: nearest !== undefined
        ? `did you mean ${quoted(nearest)}?`
        : known.length === 0
        ? "there are no skills; see skills.folders"
        : `skills: ${known.join(", ")}`,
    };
  });
}

interface WrittenName {
  readonly name: string;
  readonly path: readonly PathSegment[];
}

/** The names in `skills` of all channels, of all accounts. */
function namesIn(written: unknown): readonly WrittenName[] {
  const discord = ["channels", "discord"];
  const accounts = entriesAt(valueAt(written, [...discord, "accounts"]))
    .map(([id]) => [...discord, "accounts", id]);
  return [discord, ...accounts].flatMap((account) =>
    entriesAt(valueAt(written, [...account, "guilds"])).flatMap(([guild, entry]) =>
      entriesAt(valueAt(entry, ["channels"])).flatMap(([channel, rules]) =>
        namesAt(valueAt(rules, ["skills"]), [
          ...account,
          "guilds",
          guild,
          "channels",
          channel,
          "skills",
        ])
      )
    )
  );
}

function namesAt(list: unknown, path: readonly Segment[]): readonly WrittenName[] {
  if (!isList(list)) return [];
  return list.flatMap((name, at) =>
    typeof name === "string" ? [{ name, path: [...path, at] }] : []
  );
}
