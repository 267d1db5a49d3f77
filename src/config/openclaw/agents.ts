/**
 * Imports agents, models and bindings of OpenClaw.
 *
 * @module
 */

import { quoted } from "../../lib/text/quoted.ts";
import { isList, isRecord, valueAt } from "../text/tree.ts";
import { markAt, setMark } from "./read.ts";
import {
  changed,
  type Convert,
  dropped,
  eachKey,
  type Found,
  gone,
  inner,
  listOf,
  type Made,
  put,
  refuse,
  type Rule,
  same,
  section,
  type Table,
  to,
  walk,
} from "./rules.ts";
import { toolLists } from "./tools.ts";
import { listOfWords, ours, secretValue, textOf, words } from "./values.ts";

const ref: Convert = (value, found) => {
  const name = textOf(value);
  return name !== undefined && /^[^/\s]+\/\S+$/.test(name)
    ? name
    : refuse(found, 'Barnacle names a model "<provider>/<model>"');
};

const model: Convert = (value, found) => {
  if (!isRecord(value)) return ref(value, found);
  const table = { primary: same(ref), fallbacks: same(listOf(ref)) };
  const made = walk<Made>(value, found, table, {});
  return made["primary"] === undefined ? refuse(found, "There is no primary model") : made;
};

const NOT_OURS = gone("Barnacle has no such setting for an agent");

/** Users call the agent by its persona's name; the agent's own name takes precedence. */
const identity: Rule = (found, into) => {
  const name = inner(found, found.value, "name");
  if (name.value === undefined || into["name"] !== undefined) return NOT_OURS(found, into);
  same(words)(name, into);
};

/** One agent; its id comes from the key, or from `id`. */
const AGENT: Table = {
  id: dropped,
  default: dropped, // `agents` puts it first
  name: same(words),
  model: same(model),
  workspace: same(words),
  groupChat: same(section({ mentionPatterns: same(listOfWords) })),
  tools: same(toolLists),
  identity,
};

function agent(found: Found, written: string): Made | undefined {
  const id = written.trim().toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^[-_]+/, "")
    .slice(0, 64);
  if (!isRecord(found.value) || id === "") return refuse(found, "Expected an agent with an id");
  if (id !== written) changed(found, `The id is ${quoted(id)} here`);
  const made: Made = {};
  put(made, ["id"], id, markAt(found.value, "id"));
  return walk(found.value, found, AGENT, made, NOT_OURS);
}

/** Reads the list of 2026.2, and today's object of entries. The default agent comes first. */
const agents: Rule = (found, into) => {
  const { value } = found;
  if (!isRecord(value) && !isList(value)) {
    return refuse(found, "Expected a list or an object");
  }
  const keys = isList(value) ? [...value.keys()] : Object.keys(value);
  const made = keys.flatMap((key) => {
    const one = inner(found, value, key);
    const own = agent(one, textOf(valueAt(one.value, ["id"])) || (isList(value) ? "" : one.key));
    return own ? [{ own, one, isFirst: valueAt(one.value, ["default"]) === true }] : [];
  });
  const sorted = made.toSorted((a, b) => Number(b.isFirst) - Number(a.isFirst));
  const list = sorted.map(({ own }) => own);
  for (const [index, { one }] of sorted.entries()) {
    setMark(list, index, one.mark);
    if (index > 0) {
      changed({ ...found, mark: one.mark }, "This version runs only the first agent");
    }
  }
  put(into, ["list"], list, found.mark);
};

/** Keys of `agents`. */
export const agentsTable: Table = {
  defaults: (found, into) => {
    const table: Table = {
      model: to("defaults.model", model),
      workspace: to("defaults.workspace", words),
      userTimezone: to("defaults.timezone", words),
      maxConcurrent: to("maxConcurrentTurns", ours("agents.maxConcurrentTurns")),
      timeoutSeconds: to("turnTimeoutSec", ours("agents.turnTimeoutSec")),
    };
    walk(found.value, found, table, into, NOT_OURS);
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

/** Makes models by id and prices by id from a list with prices. */
const catalogue: Rule = (found, into) => {
  const { value } = found;
  if (!isList(value)) return refuse(found, "Expected a list");
  for (const index of value.keys()) {
    const at = inner(found, value, index);
    const id = textOf(valueAt(at.value, ["id"]));
    if (!id) {
      refuse(at, "This model has no id");
      continue;
    }
    const number = (...path: readonly string[]): number | undefined => {
      const amount = valueAt(at.value, path);
      return typeof amount === "number" ? amount : undefined;
    };
    const takes = valueAt(at.value, ["input"]);
    const facts = {
      contextWindow: number("contextWindow"),
      maxOutput: number("maxTokens"),
      ...(isList(takes) && { images: takes.includes("image") }),
    };
    put(into, ["models", id], facts, at.mark);
    const [input, output] = [number("cost", "input"), number("cost", "output")];
    if (input === undefined || output === undefined) continue;
    put(into, ["prices", id], { input, output, cached: number("cost", "cacheRead") });
  }
};

const provider: Convert = (value, found) => {
  const api = textOf(valueAt(value, ["api"])) ?? "openai-completions";
  const kind = KINDS.get(api);
  if (kind === undefined) return refuse(found, `Barnacle does not support ${quoted(api)}`);
  if (api === "openai-responses") {
    const why = "Barnacle uses the chat completions API, which such servers support as well";
    changed(found, why, ".api");
  }
  const table: Table = {
    api: dropped,
    baseUrl: same(words),
    apiKey: same(secretValue),
    headers: same(eachKey(secretValue)),
    models: catalogue,
  };
  return walk<Made>(value, found, table, { kind });
};

/** Keys of `models`. */
export const modelsTable: Table = {
  providers: same(eachKey(provider)),
  mode: dropped, // whether OpenClaw adds its own catalogue; we have none
};

/** Bindings of the first agent, since only that one answers yet. */
export const bindings: Convert = listOf((value, found) => {
  const match = valueAt(value, ["match"]);
  const read = (...path: readonly string[]): string | undefined => textOf(valueAt(match, path));
  if ((read("channel") ?? "discord") !== "discord") {
    return refuse(found, "Barnacle supports Discord only");
  }
  const agentId = textOf(valueAt(value, ["agentId"]));
  if (agentId === undefined) return refuse(found, "There is no agentId");
  if (valueAt(match, ["roles"]) !== undefined || valueAt(match, ["teamId"]) !== undefined) {
    return refuse(found, "Barnacle binds by account, guild, channel and user");
  }
  const isPerson = ["dm", "direct"].includes(read("peer", "kind") ?? "");
  const parts = {
    accountId: read("accountId"),
    guildId: read("guildId"),
    [isPerson ? "userId" : "channelId"]: read("peer", "id"),
  };
  const said = Object.entries(parts).filter(([, part]) => part !== undefined && part !== "*");
  return { agentId, match: Object.fromEntries(said) };
});
