/**
 * Warns about commands on the host that are less safe than they look, or that no one can approve
 * (A1, A3).
 *
 * @module
 */

import { mayAllowAlways } from "../../core/exec/always.ts";
import { quoted } from "../../lib/text/quoted.ts";
import type { Section } from "../schema/accounts.ts";
import { isList, isRecord, valueAt } from "../text/tree.ts";
import type { AddRemark } from "./audit_account.ts";

/** Warns about the section `exec`, and about approvers. */
export function auditExec(file: unknown, sections: readonly Section[], remark: AddRemark): void {
  const exec = valueAt(file, ["exec"]);
  if (!isRecord(exec)) return;
  const mode = exec["mode"] ?? "ask";
  if (mode === "deny") return;
  if (mode === "full") {
    remark(
      ["exec", "mode"],
      "Each owner can run any command, and so can an injection in their turns",
    );
  }
  if (exec["sandbox"] === "off") {
    remark(
      ["exec", "sandbox"],
      "Without bubblewrap, commands can read the bot's token and its data",
      "install bubblewrap, and remove this key",
    );
  }
  const allow = exec["allow"];
  for (const [index, entry] of isList(allow) ? allow.entries() : []) {
    const argv = isList(entry) ? entry.map(String) : [];
    const [program = "", ...args] = argv;
    const fixed = args.filter((arg) => arg !== "*");
    if (argv.length === 0) continue;
    if (program.includes("/") && !program.startsWith("/")) {
      remark(
        ["exec", "allow", index],
        `${quoted(program)} is a file of the workspace, which the agent can change`,
        "name a program outside of it",
      );
      continue;
    }
    const place = { path: program, isInWorkspace: false };
    if (mayAllowAlways([program, ...fixed], place)) continue;
    remark(["exec", "allow", index], `${quoted(argv.join(" "))} may run other commands, too`);
  }
  if (mode !== "ask") return;
  for (const { value, at } of sections) {
    const approvals = valueAt(value, ["execApprovals"]);
    const approvers = valueAt(approvals, ["approvers"]);
    if (valueAt(approvals, ["enabled"]) === true && isList(approvals ? approvers : undefined)) {
      continue;
    }
    remark(
      at(approvals === undefined ? [] : ["execApprovals"]),
      "No one can approve commands: without an approval, each is denied",
      'set "execApprovals": { "enabled": true, "approvers": ["<user id>"] }',
    );
  }
}
