/**
 * Warns about lists of tools that may not do what the operator expects (T2).
 *
 * @module
 */

import { isToolEntry, ownerToolsOf, TOOL_ENTRIES } from "../../core/tool_names.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { parseAllowEntry } from "../../policy/rules/allowlist.ts";
import type { Section } from "../schema/accounts.ts";
import { entriesAt, isList, isRecord, type Segment, valueAt } from "../text/tree.ts";
import type { AddRemark } from "./audit_account.ts";

/** Warns about the lists of the top level and of the agents. */
export function auditTools(file: unknown, remark: AddRemark): void {
  toolLists(valueAt(file, ["tools"]), ["tools"], GLOBAL_GIVES, remark);
  for (const [index, agent] of entriesIn(valueAt(file, ["agents", "list"]))) {
    toolLists(valueAt(agent, ["tools"]), ["agents", "list", index, "tools"], PLACES_GIVE, remark);
  }
}

/** Warns about the lists of an account's guilds and channels. */
export function auditPlaceTools({ value, at }: Section, addRemark: AddRemark): void {
  const remark: AddRemark = (key, message, hint) => addRemark(at(key), message, hint);
  const asksPluralkit = valueAt(value, ["pluralkit", "enabled"]) === true;
  for (const [key, guild] of entriesAt(value["guilds"])) {
    placeTools(guild, ["guilds", key], asksPluralkit, remark);
    for (const [name, channel] of entriesAt(valueAt(guild, ["channels"]))) {
      placeTools(channel, ["guilds", key, "channels", name], asksPluralkit, remark);
    }
  }
}

function placeTools(
  place: unknown,
  path: readonly Segment[],
  asksPluralkit: boolean,
  remark: AddRemark,
): void {
  toolLists(valueAt(place, ["tools"]), [...path, "tools"], PLACES_GIVE, remark);
  for (const [sender, lists] of entriesAt(valueAt(place, ["toolsBySender"]))) {
    const here = [...path, "toolsBySender", sender];
    const { kind } = parseAllowEntry(sender);
    if (kind === "pluralkit" && !asksPluralkit) {
      remark(
        here,
        `${quoted(sender)} matches no one, because PluralKit is off`,
        'set "pluralkit": { "enabled": true } in channels.discord',
      );
    }
    toolLists(lists, here, kind === "anyone" ? PLACES_GIVE : [], remark);
  }
}

/** Lists that give tools: at the top, `allow` replaces the default tools. */
const GLOBAL_GIVES: readonly string[] = ["allow", "alsoAllow"];
const PLACES_GIVE: readonly string[] = ["alsoAllow"];

/** @param giving Lists that give tools to everyone who may talk. */
function toolLists(
  lists: unknown,
  path: readonly Segment[],
  giving: readonly string[],
  remark: AddRemark,
): void {
  if (!isRecord(lists)) return;
  for (const name of ["allow", "alsoAllow", "deny"]) {
    for (const [index, entry] of entriesIn(valueAt(lists, [name]))) {
      if (typeof entry !== "string") continue;
      const here = [...path, name, index];
      if (!isToolEntry(entry)) {
        remark(here, `${quoted(entry)} is no known tool, so this entry has no effect`, KNOWN);
      }
      const [first, ...others] = giving.includes(name) ? ownerToolsOf(entry) : [];
      if (first === undefined) continue;
      const tools = others.length === 0 ? quoted(first) : "tools that only owners have by default";
      remark(
        here,
        `${quoted(entry)} gives ${tools} to everyone who may talk to the bot there`,
        'put it into "alsoAllow" of single people in "toolsBySender"',
      );
    }
  }
}

const KNOWN = `known names: ${TOOL_ENTRIES.join(", ")}, mcp__<server> and mcp__<server>__<tool>`;

function entriesIn(list: unknown): Iterable<readonly [number, unknown]> {
  return isList(list) ? list.entries() : [];
}
