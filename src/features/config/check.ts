/**
 * `barnacle config check`, `schema` and `example`. The check also finds skills that cannot be
 * used, and names of skills that do not exist (T7).
 */

import { z } from "zod";
import { homedir } from "node:os";
import { docs, docText } from "../../config/schema/parts/key.ts";
import { EXAMPLE } from "./example.js";
import { errorsOf, type LoadedConfig, verdictOn } from "../../config/load.ts";
import { boundedProblem, type Problem } from "../../config/text/problem.ts";
import { configSchema } from "../../config/schema/root.ts";
import type { ConfigFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { problemsText, readConfig } from "../../cli/shared/read_config.ts";
import type { Env } from "../../lib/env.ts";
import { findSkillsOfAll } from "../../workspace/skills.ts";
import { findDataDir } from "../../host/files/data_dir.ts";
import { printable } from "../../lib/text/quoted.ts";

/** Prints all problems, and whether the config is valid. */
export async function check({ config: flag, json }: ConfigFlags, io: Io): Promise<ExitCode> {
  const { ok, file, problems } = await checkFile(flag, io.env);
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

/** Checks the config file. */
export async function checkFile(flag: string | undefined, env: Env): Promise<CheckedFile> {
  const loaded = await readConfig(flag, env);
  const problems = verdictOn(loaded, env);
  if (loaded.kind === "refused") return { ok: false, file: problems[0]?.file, problems };
  return {
    ok: errorsOf(loaded, env).length === 0,
    file: loaded.config.file,
    problems: [...problems, ...await skillProblems(loaded, env)],
  };
}

/** Prints the JSON Schema of the config, for editors. */
export function schema(_flags: ConfigFlags, io: Io): ExitCode {
  io.out(JSON.stringify(jsonSchema(), undefined, 2));
  return EXIT.done;
}

export function example({ json }: ConfigFlags, io: Io): ExitCode {
  io.out(json ? JSON.stringify({ text: EXAMPLE }) : EXAMPLE.trimEnd());
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
  return found.problems.map(({ file, reason }): Problem => ({
    severity: "warning",
    file,
    path: "",
    message: `This skill cannot be used: ${printable(reason)}`,
    hint: "correct it, or remove its folder",
  }));
}
