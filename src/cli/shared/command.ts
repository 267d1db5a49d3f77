/**
 * What the definitions of all commands share: flags, and how one ends.
 *
 * @module
 */

import type { CommandContext } from "@stricli/core";
import process from "node:process";
import type { ExitCode } from "./exit_code.ts";

export const flag = (brief: string) => ({ kind: "boolean", brief, default: false }) as const;
export const path = (brief: string) =>
  ({ kind: "parsed", parse: String, brief, optional: true, placeholder: "path" }) as const;
/** A positional, as the help shows it. */
export const word = (brief: string, placeholder: string) => ({ parse: String, brief, placeholder });

export const JSON_ANYWAY = "Taken by every command; this one prints JSON in any case";
export const NOT_USED = "Taken by every command; this one does not use it";

/** Of commands that are about one bot account. */
export const ACCOUNT = {
  kind: "parsed",
  parse: String,
  brief: "Which bot of channels.discord.accounts; `default` if absent, or the only one",
  optional: true,
  placeholder: "id",
} as const;

/** Every command takes these (O10); what they do differs. */
export const COMMON = {
  config: path("The config file; found by itself if absent"),
  data: path("The data directory; found by itself if absent"),
  json: flag("Print the result as JSON"),
};

/** Of what goes to stdout; a terminal's emptiness is `undefined`, not false, on Bun. */
export const showsColours = (): boolean =>
  process.stdout.isTTY === true && !process.env["NO_COLOR"];

/** Runs a command's function and hands its exit code to the process. */
export async function end(
  context: CommandContext,
  code: ExitCode | Promise<ExitCode>,
): Promise<void> {
  Object.assign(context.process, { exitCode: await code });
}
