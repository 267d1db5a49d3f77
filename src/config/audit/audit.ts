/** Warns about valid keys that may not do what the operator expects. */

import type { Node } from "jsonc-parser";
import { mayNameAccount, parseAllowEntry } from "../../policy/rules/allowlist.ts";
import { namesOnePerson } from "../../policy/rights.ts";
import { writtenSections } from "../schema/accounts.ts";
import { type AddRemark, auditAccount, impossibleName } from "./audit_account.ts";
import { auditExec, auditLinks, auditModels, auditPlaceTools, auditTools } from "./audit_agent.ts";
import { auditRouter } from "./audit_router.ts";
import { quoted } from "../../lib/text/quoted.ts";
import type { Problem } from "../text/problem.ts";
import { isList, isRecord, keyNodeAt, type Remark, textOf, valueAt } from "../text/tree.ts";

/** All remarks about a valid file, in its order; one for each key and message. */
export function audit(root: Node, value: unknown): readonly Remark[] {
  const remarks: Remark[] = [];
  const reported = new Set<string>();
  const remark: AddRemark = (path, message, hint, severity = "warning") => {
    const once = JSON.stringify([path, message]); // accounts inherit faults, too
    if (reported.has(once)) return;
    reported.add(once);
    const { offset, length } = keyNodeAt(root, path);
    remarks.push({ severity, path, message, hint, offset, length });
  };

  for (const section of writtenSections(value)) {
    auditAccount(section, value, remark);
    auditPlaceTools(section, remark);
  }
  auditTools(value, remark);
  auditExec(value, writtenSections(value), remark);
  auditLinks(value, remark);
  owners(value, remark);
  auditModels(value, remark);
  voiceServers(value, remark);
  auditRouter(value, remark);
  return remarks.sort((one, other) => one.offset - other.offset);
}

/** Warnings about keys that are not written (P6). */
export function silentDefaults(
  value: unknown,
): readonly Pick<Problem, "severity" | "path" | "message" | "hint">[] {
  const discord = valueAt(value, ["channels", "discord"]);
  const defaults = valueAt(value, ["channels", "defaults", "groupPolicy"]);
  if (discord !== undefined || defaults !== undefined) return [];
  return [{
    severity: "warning",
    path: "channels.discord.groupPolicy",
    message: "Without channels.discord, every member of each guild may talk to the bot",
    hint: 'list guilds in channels.discord.guilds, or set "groupPolicy" in channels.defaults',
  }];
}

/** Voice channels need a model that hears, and one that speaks (V1). */
function voiceServers(value: unknown, remark: AddRemark): void {
  const voice = valueAt(value, ["voice"]);
  if (!isRecord(voice) || voice["mode"] === "realtime") return;
  for (const key of ["transcribe", "speak"]) {
    if (valueAt(value, ["audio", key]) !== undefined) continue;
    remark(
      ["voice"],
      `Without audio.${key}, the bot joins no voice channel`,
      `set audio.${key}, or "mode": "realtime"`,
    );
  }
}

/** Only a person can be an owner, so roles and `"*"` make no one an owner (P10). */
function owners(value: unknown, remark: AddRemark): void {
  const path = ["commands", "ownerAllowFrom"];
  const list = valueAt(value, path);
  if (!isList(list)) return;
  const entries = list.map((written) => parseAllowEntry(textOf(written)));
  const asksPluralkit = writtenSections(value).some(({ value }) =>
    valueAt(value, ["pluralkit", "enabled"]) === true
  );
  for (const [index, entry] of entries.entries()) {
    if (!asksPluralkit && entry.kind === "name" && !mayNameAccount(entry.name)) {
      remark([...path, index], ...impossibleName(entry.name));
    }
    if (entry.kind === "problem" || namesOnePerson(entry)) continue;
    remark(
      [...path, index],
      `An owner must be a single user: ${quoted(textOf(list[index]))} makes no one an owner`,
      "list users by id or name",
    );
  }
  if (entries.some((entry) => entry.kind !== "problem" && namesOnePerson(entry))) return;
  remark(
    path,
    "This list makes no one an owner, so the bot has no owner",
    "list users by id or name, or remove the key: then the application's owner at Discord counts",
  );
}
