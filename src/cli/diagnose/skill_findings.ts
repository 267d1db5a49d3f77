/**
 * Finds invalid skills, and skills that have changed since the last look, for `barnacle doctor` (T7).
 *
 * The hashes of the last look are in a file of the data directory. Without the right to write there,
 * each look counts as the first.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { skillFolders } from "../../bot/turn/ports/skills_port.ts";
import type { BotConfig } from "../../config/config.ts";
import type { Finding } from "../../core/finding.ts";
import type { Skill } from "../../core/skills/skill.ts";
import { printable } from "../../lib/text/quoted.ts";
import { findSkills } from "../../workspace/skills.ts";

const SEEN_NAME = "skills-seen.json";
const HASH_CHARS = 12;

const seenSchema = z.record(z.string(), z.string());

/** Checks the skills that `run` would use, and remembers their hashes. */
export async function checkSkills(
  config: BotConfig,
  dataDir: string,
): Promise<readonly Finding[]> {
  const { skills, problems } = await findSkills(skillFolders(config, dataDir));
  const path = join(dataDir, SEEN_NAME);
  const seen = readSeen(path);
  if (skills.length === 0 && problems.length === 0 && !seen) return [];
  remember(path, skills);
  const about = { id: "skills", what: "Skills" } as const;
  const changes = seen ? changesOf(seen, skills) : [];
  const all = skills.map(({ name, hash }) => `${name} ${hash.slice(0, HASH_CHARS)}`).join(", ");
  return [
    ...problems.map(({ file, reason }): Finding => ({
      ...about,
      status: "warn",
      where: file,
      why: `${printable(file)} cannot be used: ${printable(reason)}`,
      fix: "correct the file, or remove its folder",
    })),
    {
      ...about,
      status: changes.length > 0 ? "warn" : "pass",
      why: [all === "" ? "none" : all, ...changes].join("; "),
      ...(changes.length > 0 && { fix: "look at the changes, unless you made them" }),
    },
  ];
}

function changesOf(
  seen: Readonly<Record<string, string>>,
  skills: readonly Skill[],
): readonly string[] {
  const before = new Map(Object.entries(seen));
  const changed = skills.filter(({ name, hash }) => before.has(name) && before.get(name) !== hash);
  const added = skills.filter(({ name }) => !before.has(name));
  const gone = [...before.keys()].filter((name) => !skills.some((skill) => skill.name === name));
  const line = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${what} since the last look: ${names.join(", ")}`];
  return [
    ...line("changed", changed.map(({ name }) => name)),
    ...line("added", added.map(({ name }) => name)),
    ...line("removed", gone),
  ];
}

function readSeen(path: string): Readonly<Record<string, string>> | undefined {
  try {
    return seenSchema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined; // the first look, or not ours to read
  }
}

function remember(path: string, skills: readonly Skill[]): void {
  const hashes = Object.fromEntries(skills.map(({ name, hash }) => [name, hash]));
  try {
    writeFileSync(path, `${JSON.stringify(hashes)}\n`, { mode: 0o600 });
  } catch {
    // no right to write there, or no directory yet
  }
}
