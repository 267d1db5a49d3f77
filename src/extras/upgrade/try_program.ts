/** Runs another program of Barnacle: which version is it, and does it accept the config? */

import { execFile } from "node:child_process";
import process from "node:process";
import { z } from "zod";
import type { Env } from "../../lib/env.ts";
import { isRecord, parseForeignJson } from "../../lib/text/json.ts";
import { printable } from "../../lib/text/quoted.ts";
import { codeOf } from "../../lib/errors.ts";

export interface ProgramFacts {
  readonly version: string;
  /** Number of the newest schema that its store can have. */
  readonly schema: number;
}

/** The output of `config check --json`. */
const checkSchema = z.object({
  problems: z.array(z.object({
    severity: z.string(),
    file: z.string().optional(),
    path: z.string(),
    message: z.string(),
  })),
});

/** Milliseconds for the answer: a slow memory card reads 130 MB first. */
const ANSWER_MS = 60_000;

interface ProgramRun {
  /** The program's output as JSON; `undefined` if it is none. */
  readonly answer: unknown;
  readonly code: number | undefined;
  readonly why: string;
}

function runProgram(program: string, args: readonly string[], env: Env): Promise<ProgramRun> {
  const options = { env, timeout: ANSWER_MS, maxBuffer: 1_024 * 1_024 };
  return new Promise<ProgramRun>((resolve) => {
    // A file that is no program throws on Bun.
    execFile(program, args, options, (error, stdout, stderr) => {
      const [line = ""] = stderr.trim().split("\n");
      const reason = error?.signal ?? codeOf(error) ?? `exit code ${error?.code ?? "unknown"}`;
      resolve({
        answer: parseForeignJson(stdout),
        code: error === null ? 0 : typeof error.code === "number" ? error.code : undefined,
        why: printable(line === "" ? String(reason) : line.slice(0, 200)),
      });
    });
  }).catch((error: unknown) => ({
    answer: undefined,
    code: undefined,
    why: String(codeOf(error)),
  }));
}

/**
 * Runs `version --json` of a program.
 *
 * @returns Its facts; a text why there are none.
 */
export async function tryProgram(program: string): Promise<ProgramFacts | string> {
  const { PATH, HOME, TMPDIR, SystemRoot } = process.env;
  const env = { PATH, HOME, TMPDIR, SystemRoot };
  const { answer, code, why } = await runProgram(program, ["version", "--json"], env);
  if (code !== 0) return why;
  const { version, schema } = isRecord(answer) ? answer : {};
  return typeof version === "string" && typeof schema === "number"
    ? { version, schema }
    : "it does not say which version it is";
}

/**
 * Runs `config check` of a program.
 *
 * @param config Absent: the program looks for the file as its start does.
 * @returns Why the program does not accept the config; `undefined` if it does.
 */
export async function tryConfig(
  program: string,
  config: string | undefined,
  env: Env,
): Promise<string | undefined> {
  const named = config === undefined ? [] : ["--config", config];
  const args = ["config", "check", "--json", ...named];
  const { answer, code, why } = await runProgram(program, args, env);
  if (code === 0) return undefined;
  const error = checkSchema.safeParse(answer).data?.problems.find((one) =>
    one.severity === "error"
  );
  if (!error) return `\`config check\` failed (${why})`;
  return printable([error.file, error.path, error.message].filter(Boolean).join(": "));
}
