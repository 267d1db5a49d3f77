/**
 * `barnacle config check`, `schema` and `example`. The check also finds skills that cannot be
 * used, and names of skills that do not exist (T7).
 */

import { z } from "zod";
import { homedir } from "node:os";
import { forAccount } from "../../config/config.ts";
import { docs, docText } from "../../config/schema/parts/key.ts";
import { exampleText } from "../../config/reference.ts";
import { type LoadedConfig, missingModel, missingToken } from "../../config/load.ts";
import { boundedProblem, type Problem } from "../../config/text/problem.ts";
import { configSchema } from "../../config/schema/root.ts";
import type { ConfigFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { problemsText, readConfig } from "../../cli/shared/read_config.ts";
import type { Env } from "../../lib/env.ts";
import { findSkillsOfAll } from "../../workspace/skill_library.ts";
import { nearestOf } from "../../config/checks/nearest.ts";
import { positionsIn } from "../../config/text/written.ts";
import { entriesAt, isList, type Segment, valueAt } from "../../config/text/tree.ts";
import { type PathSegment, pathText } from "../../core/config_file.ts";
import type { SkillSet } from "../../core/skills/skill.ts";
import { findDataDir } from "../../host/files/data_dir.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";

/** Prints all problems, and whether the config is valid. A shell may lack a service's secrets. */
export async function check({ config: flag, json }: ConfigFlags, io: Io): Promise<ExitCode> {
  const { ok, file, problems } = await checkFile(flag, io.env, true);
  if (json) io.out(JSON.stringify({ ok, file, problems: problems.map(boundedProblem) }));
  else {
    if (problems.length > 0) io.err(problemsText(problems, io));
    io.out(`${file ?? "no config file"}: ${ok ? "valid" : "invalid"}${count(problems)}`);
  }
  return ok ? EXIT.done : EXIT.config;
}

export interface CheckedFile {
  readonly ok: boolean;
  /** Absent if there is none. */
  readonly file: string | undefined;
  readonly problems: readonly Problem[];
}

/** Checks the config file. @param mayLackSecrets Whether missing secrets are warnings only. */
export async function checkFile(
  flag: string | undefined,
  env: Env,
  mayLackSecrets = false,
): Promise<CheckedFile> {
  const loaded = await readConfig(flag, env, { mayLackSecrets });
  if (loaded.kind === "refused") {
    const { problems } = loaded;
    return { ok: false, file: problems[0]?.file, problems };
  }
  // A service's environment is often missing in the shell that checks its config.
  const { config } = loaded;
  const missing = [
    ...config.accounts.map((account) => missingToken(forAccount(config, account))),
    missingModel(config, env, loaded.text),
  ].flatMap((problem): readonly Problem[] => problem ? [{ ...problem, severity: "warning" }] : []);
  const known = new Set(loaded.problems.map(({ path }) => path)); // it says already what is missing
  const problems = [
    ...loaded.problems,
    ...missing.filter(({ path }) => !known.has(path)),
    ...await skillProblems(loaded, env),
  ];
  return { ok: true, file: config.file, problems };
}

/** Prints the JSON Schema of the config, for editors. */
export function schema(_flags: ConfigFlags, io: Io): ExitCode {
  io.out(JSON.stringify(jsonSchema(), undefined, 2));
  return EXIT.done;
}

export interface ExampleFlags extends ConfigFlags {
  /** Whether to print every key, and not only the usual ones. */
  readonly all: boolean;
}

export function example({ all, json }: ExampleFlags, io: Io): ExitCode {
  const text = exampleText(all ? "all" : "short");
  io.out(json ? JSON.stringify({ text }) : text.trimEnd());
  return EXIT.done;
}

/** The schema as JSON Schema, with defaults and descriptions. */
export function jsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, {
    io: "input",
    metadata: docs,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      // zod leaves out the default of a list whose entries have a transform.
      if (zodSchema instanceof z.ZodDefault && zodSchema.def.innerType instanceof z.ZodArray) {
        jsonSchema.default = zodSchema.def.defaultValue;
      }
      // An editor writes a key's default, and a file with all defaults of a section would freeze them.
      if (zodSchema instanceof z.ZodDefault && zodSchema.def.innerType instanceof z.ZodLazy) {
        jsonSchema.default = {};
      }
      const doc = docs.get(zodSchema);
      if (!doc) return;
      // zod copies the whole document; an editor shows only the description.
      for (const name of Object.keys(doc)) delete jsonSchema[name];
      jsonSchema.description = docText(doc);
    },
  });
}

function count(problems: readonly Problem[]): string {
  const of = (severity: Problem["severity"], name: string): readonly string[] => {
    const total = problems.filter((problem) => problem.severity === severity).length;
    return total === 0 ? [] : [`${total} ${name}${total === 1 ? "" : "s"}`];
  };
  const parts = [...of("error", "error"), ...of("warning", "warning"), ...of("note", "note")];
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

/** Reads the skills that `run` would use. All problems are warnings: the bot runs without them. */
async function skillProblems(loaded: LoadedConfig, env: Env): Promise<readonly Problem[]> {
  const dataDir = findDataDir({ env, home: homedir() });
  const found = await findSkillsOfAll(loaded.config, dataDir);
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

/** The names in `skills` of all agents, and of all channels of all accounts. */
function namesIn(written: unknown): readonly WrittenName[] {
  const discord = ["channels", "discord"];
  const accounts = entriesAt(valueAt(written, [...discord, "accounts"]))
    .map(([id]) => [...discord, "accounts", id]);
  const list = ["agents", "list"];
  const agents = valueAt(written, list);
  const ofAgents = (isList(agents) ? agents : []).flatMap((agent, index) =>
    namesAt(valueAt(agent, ["skills"]), [...list, index, "skills"])
  );
  const ofChannels = [discord, ...accounts].flatMap((account) =>
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
  return [...ofAgents, ...ofChannels];
}

function namesAt(list: unknown, path: readonly Segment[]): readonly WrittenName[] {
  if (!isList(list)) return [];
  return list.flatMap((name, at) =>
    typeof name === "string" ? [{ name, path: [...path, at] }] : []
  );
}
