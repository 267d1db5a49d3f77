/** Finds commands of `exec` that may do more, or less, than the operator expects (A1, A3). */

import type { Problem } from "../../config/text/problem.ts";
import { isList, valueAt } from "../../config/text/edit.ts";
import { writtenSections } from "../../config/schema/accounts.ts";
import { mayAllowAlways } from "../../core/exec/command.ts";
import { pathText, quoted } from "../../lib/text/quoted.ts";
import type { JudgedConfig } from "../feature.ts";

/** Warns about the section, and about approvers. */
export function execProblems(
  { settings: { exec }, written, problemAt }: JudgedConfig,
): readonly Problem[] {
  if (!exec) return [];
  const { mode, allow, sandbox } = exec;
  const found: Problem[] = [];
  const warn = (path: readonly (string | number)[], message: string, hint?: string) =>
    void found.push(problemAt("warning", path, message, hint));
  if (mode === "full") {
    warn(
      ["exec", "mode"],
      "Each owner can run any command, and so can an injection in their turns",
    );
  }
  if (sandbox === "off") {
    warn(
      ["exec", "sandbox"],
      "Without bubblewrap, commands can read the bot's token and its data",
      "install bubblewrap, and remove this key",
    );
  }
  for (const [index, argv] of allow.entries()) {
    const [program = ""] = argv;
    if (program.includes("/") && !program.startsWith("/")) {
      warn(
        ["exec", "allow", index],
        `${quoted(program)} is a file of the workspace, which the agent can change`,
        "name a program outside of it",
      );
      continue;
    }
    const place = { path: program, realPath: program, isInWorkspace: false };
    if (argv.at(-1) !== "*" || mayAllowAlways(argv, place)) continue;
    warn(["exec", "allow", index], `${quoted(argv.join(" "))} may run other commands, too`);
  }
  return mode === "ask" ? [...found, ...withoutApprovers(written, problemAt)] : found;
}

/** One for each place in the file: accounts inherit the section. */
function withoutApprovers(
  written: unknown,
  problemAt: JudgedConfig["problemAt"],
): readonly Problem[] {
  const places = new Map(
    writtenSections(written).flatMap(({ value, at }) => {
      const approvals = valueAt(value, ["execApprovals"]);
      const hasSome = valueAt(approvals, ["enabled"]) === true &&
        isList(valueAt(approvals, ["approvers"]));
      const place = at(approvals === undefined ? [] : ["execApprovals"]);
      return hasSome ? [] : [[pathText(place), place] as const];
    }),
  );
  return Array.from(places.values(), (place) =>
    problemAt(
      "warning",
      place,
      "No one can approve commands: without an approval, each is denied",
      'set "execApprovals": { "enabled": true, "approvers": ["<user id>"] }',
    ));
}
