/** Imports agents, models, bindings and tools of OpenClaw. */

import { isForTool } from "../../core/tool_names.ts";
import { isRecord, quoted } from "../../lib/text/quoted.ts";
import { isList, valueAt } from "../../config/text/edit.ts";
import {
  applyRules,
  type Convert,
  convertBySchema,
  dropped,
  dropWithNote,
  eachKey,
  fieldAt,
  type ImportTarget,
  keepKey,
  keepObject,
  keepRequired,
  listOf,
  listOfWords,
  moveTo,
  noteChanged,
  noteInvalid,
  noteLeft,
  objectBy,
  type Rule,
  type RuleTable,
  sameRule,
  secretValue,
  setWithin,
  type SourceField,
  textOf,
  words,
} from "./rules.ts";

/** Barnacle's names of OpenClaw's tools and groups, if they differ. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["read", "read_file"],
  ["write", "write_file"],
  ["edit", "edit_file"],
  ["apply_patch", "edit_file"],
  ["apply-patch", "edit_file"],
  ["bash", "exec"],
  ["process", "exec"],
  ["code_execution", "code"],
  ["message", "discord"],
  ["memory_search", "recall"],
  ["memory_get", "memory"],
  ["group:runtime", "exec"],
  ["group:messaging", "group:discord"],
]);

/** OpenClaw ignores the case of names. */
const toolName: Convert = (value, field) => {
  const written = words(value, field);
  if (typeof written !== "string") return written;
  const plain = written.trim().toLowerCase();
  const name = NAMES.get(plain) ?? plain;
  if (name !== plain) noteChanged(field, `Barnacle calls this tool ${quoted(name)}`);
  return name;
};

const names: Convert = (value, field) => {
  const list = listOf(toolName)(value, field);
  return isList(list) ? [...new Set(list)] : list;
};

/** `allow`; OpenClaw reads an empty one as no limit. */
const allowedTools: Convert = (value, field) => {
  if (!isList(value) || value.length > 0) return names(value, field);
  noteChanged(
    field,
    "Left out, because OpenClaw reads an empty list as no limit; here it allows none",
  );
  return undefined;
};

const TABLE: RuleTable = {
  allow: keepRequired(allowedTools),
  ...sameRule(["alsoAllow", "deny"], keepRequired(names)),
  profile: dropped, // `toolLists` reads it
};

/** The tools of OpenClaw's profiles, as far as Barnacle has them. */
const PROFILES: Readonly<Record<string, readonly string[]>> = {
  minimal: [],
  coding: ["group:fs", "exec", "group:memory"],
  messaging: ["group:discord"],
};

/** The `tools` of an agent, a place or the file, which has more keys. A profile narrows `allow`. */
export const toolLists = (more: RuleTable = {}): Convert => (value, field) => {
  const target = objectBy({ ...TABLE, ...more })(value, field);
  const profile = fieldAt(field, value, "profile");
  if (!target || profile.value === undefined || profile.value === "full") return target;
  const tools = PROFILES[String(profile.value)];
  if (!tools) return noteInvalid(profile, "Barnacle does not know this profile");
  const own = target["allow"];
  const kept = isList(own)
    ? own.filter((tool) => tools.some((entry) => isForTool(entry, String(tool))))
    : tools;
  const below = profile.path.startsWith("agents") ? ", which `tools` of the file narrows" : "";
  noteChanged(profile, `Here, it is the list ${JSON.stringify(kept)} in \`allow\`${below}`);
  setWithin(target, ["allow"], kept);
  return target;
};

const ref: Convert = (value, field) => {
  const name = textOf(value);
  return name !== undefined && /^[^/\s]+\/\S+$/.test(name)
    ? name
    : noteLeft(field, 'Barnacle names a model "<provider>/<model>"');
};

const model: Convert = (value, field) => {
  if (!isRecord(value)) return ref(value, field);
  const table = { primary: keepKey(ref), fallbacks: keepKey(listOf(ref)) };
  const target = applyRules<ImportTarget>(value, field, table, {});
  return target["primary"] === undefined ? noteLeft(field, "There is no primary model") : target;
};

/** Users call the agent by its persona's name; the agent's own name takes precedence. */
const identity: Rule = (field, into) => {
  const name = fieldAt(field, field.value, "name");
  if (name.value === undefined || into["name"] !== undefined) {
    return void noteLeft(field, "The agent has a name of its own");
  }
  keepKey(words)(name, into);
};

/** One agent; its id comes from the key, or from `id`. */
const AGENT: RuleTable = {
  id: dropped,
  default: dropped, // `agents` puts it first
  name: keepKey(words),
  model: keepKey(model),
  workspace: keepKey(words),
  groupChat: keepObject({ mentionPatterns: keepKey(listOfWords) }),
  tools: keepKey(toolLists()),
  skills: keepKey(listOfWords),
  identity,
};

function agent(field: SourceField, written: string): ImportTarget | undefined {
  const id = written.trim().toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^[-_]+/, "")
    .slice(0, 64);
  if (!isRecord(field.value) || id === "") return noteLeft(field, "Expected an agent with an id");
  if (id !== written) noteChanged(field, `The id is ${quoted(id)} here`);
  const target: ImportTarget = {};
  setWithin(target, ["id"], id);
  return applyRules(field.value, field, AGENT, target);
}

/** Reads the list of 2026.2, and today's object of entries. The default agent comes first. */
const agents: Rule = (field, into) => {
  const { value } = field;
  if (!isRecord(value) && !isList(value)) {
    return noteLeft(field, "Expected a list or an object");
  }
  const keys = isList(value) ? [...value.keys()] : Object.keys(value);
  const target = keys.flatMap((key) => {
    const one = fieldAt(field, value, key);
    const own = agent(one, textOf(valueAt(one.value, ["id"])) || (isList(value) ? "" : one.key));
    return own ? [{ own, isFirst: valueAt(one.value, ["default"]) === true }] : [];
  });
  const sorted = target.toSorted((a, b) => Number(b.isFirst) - Number(a.isFirst));
  setWithin(into, ["list"], sorted.map(({ own }) => own));
};

/** `agent`, as files of one agent have it. */
export const singleAgent: RuleTable = {
  model: moveTo("agents.defaults.model", model),
  workspace: moveTo("agents.defaults.workspace", words),
};

export const agentsTable: RuleTable = {
  defaults: (field, into) => {
    const table: RuleTable = {
      model: moveTo("defaults.model", model),
      workspace: moveTo("defaults.workspace", words),
      userTimezone: moveTo("defaults.timezone", words),
      maxConcurrent: moveTo("maxConcurrentTurns", convertBySchema("agents.maxConcurrentTurns")),
      timeoutSeconds: moveTo("turnTimeoutSec", convertBySchema("agents.turnTimeoutSec")),
    };
    applyRules(field.value, field, table, into);
  },
  list: agents,
  entries: agents,
};

/** `models.providers`. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ["openai-completions", "openai-compatible"],
  ["openai-responses", "openai-compatible"],
  ["ollama", "openai-compatible"],
  ["anthropic-messages", "anthropic"],
  ["google-generative-ai", "google"],
]);

const provider: Convert = (value, field) => {
  const api = textOf(valueAt(value, ["api"])) ?? "openai-completions";
  const kind = KINDS.get(api);
  if (kind === undefined) return noteLeft(field, `Barnacle does not support ${quoted(api)}`);
  if (api === "openai-responses") {
    const why = "Barnacle uses the chat completions API, which such servers support as well";
    noteChanged(field, why, ".api");
  }
  const table: RuleTable = {
    api: dropped,
    baseUrl: keepKey(words),
    apiKey: keepKey(secretValue),
    headers: keepKey(eachKey(secretValue)),
    models: dropWithNote(
      "Barnacle asks the server; `models` and `prices` of a provider say the rest",
    ),
  };
  return applyRules<ImportTarget>(value, field, table, { kind });
};

export const modelsTable: RuleTable = {
  providers: keepKey(eachKey(provider)),
  mode: dropped, // whether OpenClaw adds its own catalogue; we have none
};

/** Bindings of agents to messages on Discord. */
export const bindings: Convert = listOf((value, field) => {
  const match = valueAt(value, ["match"]);
  const read = (...path: readonly string[]): string | undefined => textOf(valueAt(match, path));
  if ((read("channel") ?? "discord") !== "discord") {
    return noteLeft(field, "Barnacle supports Discord only");
  }
  if ((textOf(valueAt(value, ["type"])) ?? "route") !== "route") {
    return noteLeft(field, "Barnacle has no sessions of other programs to bind");
  }
  const agentId = textOf(valueAt(value, ["agentId"]));
  if (agentId === undefined) return noteLeft(field, "There is no agentId");
  if (valueAt(match, ["roles"]) !== undefined || valueAt(match, ["teamId"]) !== undefined) {
    return noteLeft(field, "Barnacle binds by account, guild, channel and user");
  }
  const isPerson = ["dm", "direct"].includes(read("peer", "kind") ?? "");
  const peer = read("peer", "id");
  if (peer === "*") {
    return noteLeft(field, "Barnacle binds single channels and users, not all of one kind");
  }
  if (isPerson) {
    noteChanged(field, "Here, it also takes this person's messages in guilds");
  }
  const parts = {
    // There, a binding without an account is the default one's; here, it is every account's.
    accountId: read("accountId") ?? (field.hasAccounts ? "default" : undefined),
    guildId: read("guildId"),
    [isPerson ? "userId" : "channelId"]: peer,
  };
  const said = Object.entries(parts).filter(([, part]) => part !== undefined && part !== "*");
  return { agentId, match: Object.fromEntries(said) };
});
