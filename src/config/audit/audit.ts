/**
 * Warns about valid keys that may not do what the operator expects.
 *
 * Of an account, it refuses names that match no one. It reads rules with inheritance, and reports them
 * at their place in the file.
 */

import type { Node } from "jsonc-parser";
import { toAccountId } from "../../core/discord/ids.ts";
import { isForTool, isToolEntry, ownerToolsOf, TOOL_ENTRIES } from "../../core/tool_names.ts";
import { isPrivateHost } from "../../lib/network/addresses.ts";
import { isRecord, quoted } from "../../lib/text/quoted.ts";
import { namesOnePerson } from "../../policy/admission.ts";
import { mayNameAccount, parseAllowEntry } from "../../policy/rules.ts";
import {
  type AccountSection,
  DEFAULT_ACCOUNT,
  sectionsOf,
  writtenSections,
} from "../schema/accounts.ts";
import { ONLY_AGENT } from "../schema/router.ts";
import type { Problem, Severity } from "../text/problem.ts";
import {
  entriesAt,
  isList,
  keyNodeAt,
  type Remark,
  type Segment,
  textOf,
  valueAt,
} from "../text/edit.ts";

/** Adds a warning or an error about a key; the same one about the same key is added once. */
type AddRemark = (
  path: readonly Segment[],
  message: string,
  hint?: string,
  severity?: Severity,
) => void;

/** Adds all remarks about an account, in any order. */
function auditAccount(section: AccountSection, file: unknown, addRemark: AddRemark): void {
  const remark: AddRemark = (key, ...rest) => addRemark(section.at(key), ...rest);
  const { value } = section;
  access(value, remark);
  missingIntents(value, remark);
  sharedMemory(value, file, remark);
}

type Value = AccountSection["value"];

/** Lists that let no one in. */
function access(value: Value, remark: AddRemark): void {
  const asksPluralkit = valueAt(value, ["pluralkit", "enabled"]) === true;
  const people = (list: unknown, path: readonly Segment[], tellEmpty: boolean): void => {
    if (!isList(list)) return;
    if (list.length === 0 && tellEmpty) {
      const hint = "remove it to let every member in, or list some";
      remark(path, 'The empty "users" lets no one in', hint);
    }
    for (const [index, written] of asksPluralkit ? [] : list.entries()) {
      const entry = parseAllowEntry(textOf(written));
      if (entry.kind === "name" && !mayNameAccount(entry.name)) {
        remark([...path, index], ...impossibleName(entry.name));
      }
    }
  };

  people(valueAt(value, ["dm", "allowFrom"]), ["dm", "allowFrom"], false);
  if (value["groupPolicy"] === "disabled" && value["guilds"] !== undefined) {
    remark(
      ["guilds"],
      'These rules have no effect: "groupPolicy" is "disabled", so the bot answers in no guild',
    );
  }
  for (const [key, guild] of entriesAt(value["guilds"])) {
    const here = ["guilds", key];
    people(valueAt(guild, ["users"]), [...here, "users"], true);
    const channels = valueAt(guild, ["channels"]);
    if (isRecord(channels) && Object.keys(channels).length === 0) {
      remark(
        [...here, "channels"],
        'The empty "channels" denies every channel',
        "remove it to allow every channel, or list some",
      );
    }
    for (const [name, channel] of entriesAt(channels)) {
      const users = valueAt(channel, ["users"]);
      if (users !== undefined) people(users, [...here, "channels", name, "users"], true);
    }
  }
}

/** The error about a name that no account has; a name of a PluralKit member is free. */
function impossibleName(name: string): readonly [string, string, "error"] {
  return [
    `No user of Discord can have the name ${quoted(name)}`,
    "write the id, or the username: 2 to 32 characters, without @, # and :",
    "error",
  ];
}

/** Missing intents without which Discord does not send messages that the bot should answer (G9). */
function missingIntents(value: Value, remark: AddRemark): void {
  const path = ["gateway", "intents"];
  const intents = valueAt(value, path);
  if (!isList(intents)) return;
  const takesDms = valueAt(value, ["dm", "enabled"]) !== false &&
    valueAt(value, ["dm", "policy"]) !== "disabled";
  const wanted: readonly (readonly [intent: string, isWanted: boolean, loss: string])[] = [
    [
      "guild_messages",
      value["groupPolicy"] !== "disabled",
      "Discord sends the bot no messages of guilds",
    ],
    ["direct_messages", takesDms, "Discord sends the bot no direct messages"],
    [
      "guilds",
      intents.includes("guild_messages"),
      "the bot does not know names of guilds, channels and roles, nor threads",
    ],
  ];
  for (const [intent, isWanted, loss] of wanted) {
    if (!isWanted || intents.includes(intent)) continue;
    const hint = `add "${intent}", or write "agent_recommended" instead of the list`;
    remark(path, `Without the intent ${intent}, ${loss}`, hint);
  }
}

/** One memory for several users: the agent may tell one what another said (S1). */
function sharedMemory(value: Value, file: unknown, remark: AddRemark): void {
  const isOff = valueAt(value, ["dm", "enabled"]) === false || value["enabled"] === false ||
    valueAt(value, ["dm", "policy"]) === "disabled";
  const isShared = valueAt(file, ["session", "dmScope"]) === "main";
  const list = valueAt(value, ["dm", "allowFrom"]);
  if (isOff || !isShared || !isList(list)) return;
  const people = new Set(list.map((entry) => textOf(entry).trim()));
  if (people.size < 2 && !people.has("*")) return;
  remark(
    ["dm", "allowFrom"],
    `The direct messages of ${sharers(people)} share one memory, so the agent may tell one what ` +
      "another said",
    'set "session": { "dmScope": "auto" }: the owner keeps the shared memory, others get their own',
  );
}

/** Maximum number of users that the warning about a shared memory names. */
const SHARERS_NAMED = 5;

/** Names the users who share a memory. */
function sharers(people: ReadonlySet<string>): string {
  if (people.has("*")) return "all users";
  const named = [...people].slice(0, SHARERS_NAMED);
  const rest = people.size - named.length;
  return rest > 0 ? `${named.join(", ")} and ${rest} more` : named.join(", ");
}

function auditTools(file: unknown, remark: AddRemark): void {
  const own = Array.from(entriesAt(valueAt(file, ["mcp", "servers"])))
    .flatMap(([id, server]) => valueAt(server, ["login"]) === "each" ? [`mcp__${id}`] : []);
  toolLists(valueAt(file, ["tools"]), ["tools"], GLOBAL_GIVES, remark, own);
  for (const [index, agent] of entriesIn(valueAt(file, ["agents", "list"]))) {
    toolLists(valueAt(agent, ["tools"]), ["agents", "list", index, "tools"], PLACES_GIVE, remark);
  }
}

function auditPlaceTools({ value, at }: AccountSection, addRemark: AddRemark): void {
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
function auditModels(value: unknown, remark: AddRemark): void {
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
function auditLinks(file: unknown, remark: AddRemark): void {
  const hosts = valueAt(file, ["messages", "linkHosts"]);
  if (!isList(hosts) || !hosts.includes("*")) return;
  remark(
    ["messages", "linkHosts", hosts.indexOf("*")],
    "A text that the model reads can make it send what it knows to any server, by a link's preview",
    "list the hosts that you need; Discord and well-known sites need no entry",
  );
}

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
