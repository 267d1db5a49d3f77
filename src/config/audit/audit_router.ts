/** Judges the keys that choose an agent: those of agents that do not exist, or that do nothing (N1). */

import { toAccountId } from "../../core/discord/ids.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { ONLY_AGENT } from "../schema/router.ts";
import { DEFAULT_ACCOUNT, sectionsOf } from "../schema/accounts.ts";
import { entriesAt, isList, type Segment, textOf, valueAt } from "../text/tree.ts";
import type { AddRemark } from "./audit_account.ts";

const ASSIGNMENTS = ["router", "assignments"];

export function auditRouter(file: unknown, remark: AddRemark): void {
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
