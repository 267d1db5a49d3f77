/**
 * Warns about what the agent may use: lists of tools that may not do what the operator expects (T2),
 * commands on the host that are less safe than they look (A1, A3), and model providers whose key would
 * cross a network unencrypted.
 */

import { isForTool, isToolEntry, ownerToolsOf, TOOL_ENTRIES } from "../../core/tool_names.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { parseAllowEntry } from "../../policy/rules/allowlist.ts";
import type { AccountSection } from "../schema/accounts.ts";
import { entriesAt, isList, isRecord, type Segment, valueAt } from "../text/tree.ts";
import { isPrivateHost } from "../../lib/network/addresses.ts";
import { mayAllowAlways } from "../../core/exec/command.ts";
import type { AddRemark } from "./audit_account.ts";

/** Warns about the lists of the top level and of the agents. */
export function auditTools(file: unknown, remark: AddRemark): void {
  const own = Array.from(entriesAt(valueAt(file, ["mcp", "servers"])))
    .flatMap(([id, server]) => valueAt(server, ["login"]) === "each" ? [`mcp__${id}`] : []);
  toolLists(valueAt(file, ["tools"]), ["tools"], GLOBAL_GIVES, remark, own);
  for (const [index, agent] of entriesIn(valueAt(file, ["agents", "list"]))) {
    toolLists(valueAt(agent, ["tools"]), ["agents", "list", index, "tools"], PLACES_GIVE, remark);
  }
}

/** Warns about the lists of an account's guilds and channels. */
export function auditPlaceTools({ value, at }: AccountSection, addRemark: AddRemark): void {
  const remark: AddRemark = (key, message, hint) => addRemark(at(key), message, hint);
  for (const [key, guild] of entriesAt(value["guilds"])) {
    placeTools(guild, ["guilds", key], remark);
    for (const [name, channel] of entriesAt(valueAt(guild, ["channels"]))) {
      placeTools(channel, ["guilds", key, "channels", name], remark);
    }
  }
}

function placeTools(place: unknown, path: readonly Segment[], remark: AddRemark): void {
  toolLists(valueAt(place, ["tools"]), [...path, "tools"], PLACES_GIVE, remark);
  for (const [sender, lists] of entriesAt(valueAt(place, ["toolsBySender"]))) {
    const { kind } = parseAllowEntry(sender);
    const here = [...path, "toolsBySender", sender];
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
  own: readonly string[] = [],
): void {
  if (!isRecord(lists)) return;
  for (const name of ["allow", "alsoAllow", "deny"]) {
    for (const [index, entry] of entriesIn(valueAt(lists, [name]))) {
      if (typeof entry !== "string") continue;
      const here = [...path, name, index];
      if (!isToolEntry(entry)) {
        remark(here, ...unknownTool(entry));
      }
      const [first, ...others] = giving.includes(name) ? ownerToolsOf(entry) : [];
      if (first === undefined || own.some((server) => isForTool(server, entry))) continue;
      const tools = others.length === 0 ? quoted(first) : "tools that only owners have by default";
      remark(
        here,
        `${quoted(entry)} gives ${tools} to everyone who may talk to the bot there`,
        'put it into "alsoAllow" of single people in "toolsBySender"',
      );
    }
  }
}

/** A warning about an entry that names no tool, and its hint. */
export const unknownTool = (entry: string): readonly [message: string, hint: string] => [
  `${quoted(entry)} is no known tool, so this entry has no effect`,
  `known names: ${
    TOOL_ENTRIES.join(", ")
  }, mcp__<server>, mcp__<server>__<tool>, skill__<skill> and skill__<skill>__<tool>`,
];

function entriesIn(list: unknown): Iterable<readonly [number, unknown]> {
  return isList(list) ? list.entries() : [];
}

/** Warns about each key or header that goes over plain HTTP to a public host (SEC-R9). */
export function auditModels(value: unknown, remark: AddRemark): void {
  for (const [id, provider] of entriesAt(valueAt(value, ["models", "providers"]))) {
    const baseUrl = valueAt(provider, ["baseUrl"]);
    const headers = valueAt(provider, ["headers"]);
    const hasSecret = valueAt(provider, ["apiKey"]) !== undefined ||
      (isRecord(headers) && Object.keys(headers).length > 0);
    const host = hasSecret && typeof baseUrl === "string" ? openHost(baseUrl) : undefined;
    if (host === undefined) continue;
    remark(
      ["models", "providers", id, "baseUrl"],
      `The key for ${host} crosses the network unencrypted`,
      UNENCRYPTED_HINT,
    );
  }
}

/** How to protect a key that crosses the network unencrypted. */
export const UNENCRYPTED_HINT = 'use "https://", or a server on your own network';

/** The host of a plain HTTP address beyond private networks; `undefined` for other addresses. */
export function openHost(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, hostname } = new URL(address);
  return protocol === "http:" && !isPrivateHost(hostname) ? hostname : undefined;
}

/** Warns about `messages.linkHosts` that lists every host (SEC-R7). */
export function auditLinks(file: unknown, remark: AddRemark): void {
  const hosts = valueAt(file, ["messages", "linkHosts"]);
  if (!isList(hosts) || !hosts.includes("*")) return;
  remark(
    ["messages", "linkHosts", hosts.indexOf("*")],
    "A text that the model reads can make it send what it knows to any server, by a link's preview",
    "list the hosts that you need; Discord and well-known sites need no entry",
  );
}

/** Warns about the section `exec`, and about approvers. */
export function auditExec(
  file: unknown,
  sections: readonly AccountSection[],
  remark: AddRemark,
): void {
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
