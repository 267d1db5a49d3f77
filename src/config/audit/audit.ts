/** Warns about valid keys that may not do what the operator expects. */

import type { Node } from "jsonc-parser";
import { toAccountId } from "../../core/discord/ids.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { namesOnePerson } from "../../policy/rights.ts";
import { mayNameAccount, parseAllowEntry } from "../../policy/rules/allowlist.ts";
import { DEFAULT_ACCOUNT, sectionsOf, writtenSections } from "../schema/accounts.ts";
import { ONLY_AGENT } from "../schema/router.ts";
import type { Problem } from "../text/problem.ts";
import {
  entriesAt,
  isList,
  isRecord,
  keyNodeAt,
  type Remark,
  type Segment,
  textOf,
  valueAt,
} from "../text/tree.ts";
import {
  type AddRemark,
  auditAccount,
  auditExec,
  auditLinks,
  auditModels,
  auditPlaceTools,
  auditTools,
  impossibleName,
} from "./audit_agent.ts";

const ASSIGNMENTS = ["router", "assignments"];

function auditRouter(file: unknown, remark: AddRemark): void {
  const written = valueAt(file, ["agents", "list"]);
  const listed = isList(written) ? written.map((agent) => textOf(valueAt(agent, ["id"]))) : [];
  const agents = listed.length > 0 ? listed : [ONLY_AGENT];
  const isKnown = (agentId: string, path: readonly Segment[]): boolean => {
    if (agents.includes(agentId)) return true;
    const hint = `the agents are ${agents.map((id) => quoted(id)).join(", ")}`;
    remark(path, `There is no agent ${quoted(agentId)}`, hint, "error");
    return false;
  };
  const passive = new Set<string>();
  for (const [id, entry] of entriesAt(file, ASSIGNMENTS)) {
    if (!isKnown(id, [...ASSIGNMENTS, id]) || valueAt(entry, ["role"]) !== "passive") continue;
    passive.add(id);
    for (const key of ["triggers", "channels"]) {
      const list = valueAt(entry, [key]);
      if (isList(list) && list.length > 0) continue;
      const message = `A passive agent without ${key} never acts`;
      remark([...ASSIGNMENTS, id, "role"], message, `add "${key}"`, "error");
    }
  }
  if (agents.every((id) => passive.has(id))) {
    const message = "Every agent is passive, so none answers";
    remark([...ASSIGNMENTS, agents[0] ?? ONLY_AGENT, "role"], message, "make one active", "error");
  }
  const accounts = new Set([DEFAULT_ACCOUNT, ...sectionsOf(file).map(({ id }) => id)]);
  const bindings = valueAt(file, ["bindings"]);
  for (const [index, binding] of isList(bindings) ? bindings.entries() : []) {
    const agentId = textOf(valueAt(binding, ["agentId"]));
    if (!isKnown(agentId, ["bindings", index, "agentId"])) continue;
    if (passive.has(agentId)) {
      const hint = "a passive agent watches the channels of its assignment, and answers nothing";
      const path = ["bindings", index, "agentId"];
      remark(path, `${quoted(agentId)} is passive, so this does nothing`, hint);
    }
    const account = valueAt(binding, ["match", "accountId"]);
    if (typeof account !== "string" || accounts.has(toAccountId(account))) continue;
    const hint = `the accounts are ${[...accounts].map((id) => quoted(id)).join(", ")}`;
    const path = ["bindings", index, "match", "accountId"];
    remark(path, `There is no account ${quoted(toAccountId(account))}`, hint);
  }
}

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
export function silentDefaults(value: unknown): readonly Problem[] {
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
