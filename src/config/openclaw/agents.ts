/**
 * Agents, models and bindings of OpenClaw as ours.
 *
 * @module
 */

import { quoted } from "../../lib/text/quoted.ts";
import {
  type Convert,
  dropped,
  type Found,
  gone,
  refuse,
  type Rule,
  same,
  section,
  type Table,
  to,
  walk,
} from "./rules.ts";
import { containerOf, entryAt, entryOf, partAt, partOf, put, unkeyed, withValue } from "./tree.ts";
import { amount, listBy, listOfWords, secretValue, textOf, words } from "./values.ts";
import type { Container, Entry, Part } from "../text/json5.ts";

const ref: Convert = (part, found) => {
  const name = textOf(part);
  return name !== undefined && /^[^/\s]+\/\S+$/.test(name)
    ? part
    : refuse(found, 'Barnacle names a model "<provider>/<model>"');
};

const model: Convert = (part, found) => {
  if (part.kind !== "object") return ref(part, found);
  const made = walk(part, found, {
    primary: same(ref),
    fallbacks: same((list, at) => listBy(list, at, ref)),
  });
  return entryAt(made, "primary") ? made : refuse(found, "There is no primary model");
};

const NOT_OURS = "Barnacle has no such setting for an agent";

const toolLists: Convert = section({
  allow: same(listOfWords),
  alsoAllow: same(listOfWords),
  deny: same(listOfWords),
});

const groupChat: Table = { mentionPatterns: same(listOfWords) };

/** One agent; its id is made from the key, or from `id`. */
const AGENT: Table = {
  id: dropped,
  default: dropped, // `agents` puts it first
  name: same(words),
  model: same(model),
  workspace: same(words),
  groupChat: same(section(groupChat)),
  tools: same(toolLists),
  identity: (found, into) => identity(found, into),
};

/** A persona's name is one that people call the agent by; the agent's own goes before it. */
function identity(found: Found, into: Container): Container {
  const name = entryAt(found.entry.value, "name");
  if (!name || entryAt(into, "name")) return gone(NOT_OURS)(found, into);
  const value = words(name.value, { ...found, path: `${found.path}.name`, entry: name });
  return value ? put(into, ["name"], withValue(name, value)) : into;
}

function agent(entry: Entry, found: Found, written: string): Entry | undefined {
  const id = written.trim().toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^[-_]+/, "")
    .slice(0, 64);
  if (entry.value.kind !== "object" || id === "") {
    return refuse(found, "This is no agent with an id");
  }
  if (id !== written) {
    found.note("changed", found.path, entry.line, `The id is ${quoted(id)} here`);
  }
  const unknown = gone(NOT_OURS);
  const own = put(containerOf("object"), ["id"], {
    ...(entryAt(entry.value, "id") ?? entryOf("id", id, entry.line)),
    value: partOf(id),
  });
  return withValue(unkeyed(entry), walk(entry.value, found, AGENT, own, unknown));
}

/** The seed's list, and today's object of entries; the default agent comes first, for it is ours. */
const agents: Rule = (found, into) => {
  const { entry, path } = found;
  if (entry.value.kind === "scalar") {
    return gone("This is neither a list nor an object")(found, into);
  }
  const made = entry.value.entries.flatMap((one, index) => {
    const at = {
      ...found,
      path: one.key === undefined ? `${path}[${index}]` : `${path}.${one.key}`,
    };
    const id = textOf(partAt(one.value, ["id"]) ?? partOf("")) || one.key || "";
    const own = agent(one, { ...at, entry: one }, id);
    const isDefault = partAt(one.value, ["default"]);
    return own ? [{ own, isFirst: isDefault?.kind === "scalar" && isDefault.value === true }] : [];
  });
  const list = [...made.filter(({ isFirst }) => isFirst), ...made.filter(({ isFirst }) => !isFirst)]
    .map(({ own }) => own);
  for (const { line } of list.slice(1)) {
    found.note("changed", path, line, "Only the first agent answers in this version");
  }
  const value: Container = { ...containerOf("list", list), isOnLines: true };
  return put(into, ["list"], withValue(entry, value));
};

export const agentsTable: Table = {
  defaults: (found, into) =>
    walk(
      found.entry.value,
      found,
      {
        model: to("defaults.model", model),
        workspace: to("defaults.workspace", words),
        userTimezone: to("defaults.timezone", words),
        maxConcurrent: to("maxConcurrentTurns", amount(1, 64)),
        timeoutSeconds: to("turnTimeoutSec", amount(5, 86_400)),
      },
      into,
      gone(NOT_OURS),
    ),
  list: agents,
  entries: agents,
};

/** `models.providers`: where models are. */
const KINDS: Readonly<Record<string, string>> = {
  "openai-completions": "openai-compatible",
  "openai-responses": "openai-compatible",
  "ollama": "openai-compatible",
  "anthropic-messages": "anthropic",
};

const headers: Convert = (part, found) => {
  if (part.kind !== "object") return refuse(found, "This is no object");
  const entries = part.entries.flatMap((entry): readonly Entry[] => {
    const at = { ...found, path: `${found.path}.${entry.key}`, entry };
    const value = secretValue(entry.value, at);
    return value ? [withValue(entry, value)] : [];
  });
  return { ...part, entries };
};

function catalogue(found: Found, into: Container): Container {
  const { entry } = found;
  if (entry.value.kind !== "list") return gone("This is no list")(found, into);
  let made = into;
  for (const [index, { value, line }] of entry.value.entries.entries()) {
    const id = textOf(partAt(value, ["id"]) ?? partOf(""));
    if (!id) {
      found.note("left", `${found.path}[${index}]`, line, "This model has no id");
      continue;
    }
    const number = (path: readonly string[]): number | undefined => {
      const part = partAt(value, path);
      return part?.kind === "scalar" && typeof part.value === "number" ? part.value : undefined;
    };
    const input = partAt(value, ["input"]);
    const facts = {
      contextWindow: number(["contextWindow"]),
      maxOutput: number(["maxTokens"]),
      ...(input?.kind === "list" &&
        { images: input.entries.some((one) => textOf(one.value) === "image") }),
    };
    const [sent, given] = [number(["cost", "input"]), number(["cost", "output"])];
    made = put(made, ["models", id], entryOf(id, facts, line));
    if (sent === undefined || given === undefined) continue;
    const price = { input: sent, output: given, cached: number(["cost", "cacheRead"]) };
    made = put(made, ["prices", id], entryOf(id, price, line));
  }
  return made;
}

const provider: Convert = (part, found) => {
  const api = textOf(partAt(part, ["api"]) ?? partOf("openai-completions")) ?? "";
  const kind = Object.hasOwn(KINDS, api) ? KINDS[api] : undefined;
  if (kind === undefined) return refuse(found, `Barnacle does not speak ${quoted(api)}`);
  if (api === "openai-responses") {
    const why = "Barnacle speaks chat completions to it, which such servers know as well";
    found.note("changed", `${found.path}.api`, found.entry.line, why);
  }
  const start = put(containerOf("object"), ["kind"], entryOf("kind", kind, found.entry.line));
  return walk(part, found, {
    api: dropped,
    baseUrl: same(words),
    apiKey: same(secretValue),
    headers: same(headers),
    models: catalogue,
  }, start);
};

const providers: Convert = (part, found) => {
  if (part.kind !== "object") return refuse(found, "This is no object");
  const entries = part.entries.flatMap((entry): readonly Entry[] => {
    const value = provider(entry.value, { ...found, path: `${found.path}.${entry.key}`, entry });
    return value ? [withValue(entry, value)] : [];
  });
  return { ...part, entries };
};

export const modelsTable: Table = {
  providers: same(providers),
  mode: dropped, // whether OpenClaw's own catalogue is there beside; we have none
};

/** What answers whom; only what is for the first agent, since only that one answers yet. */
export const bindings: Convert = (part, found) =>
  listBy(part, found, (one, at) => {
    const match = partAt(one, ["match"]);
    const read = (path: readonly string[]): string | undefined =>
      textOf(partAt(match, path) ?? containerOf("object"));
    if (read(["channel"]) !== undefined && read(["channel"]) !== "discord") {
      return refuse(at, "Barnacle is on Discord only");
    }
    const agentId = textOf(partAt(one, ["agentId"]) ?? containerOf("object"));
    if (agentId === undefined) return refuse(at, "There is no agentId");
    if (partAt(match, ["roles"]) || partAt(match, ["teamId"])) {
      return refuse(at, "Barnacle binds by account, guild, channel and user");
    }
    const peer = read(["peer", "id"]);
    const isPerson = ["dm", "direct"].includes(read(["peer", "kind"]) ?? "");
    const made: Part = partOf({
      agentId,
      match: Object.fromEntries(
        Object.entries({
          accountId: read(["accountId"]),
          guildId: read(["guildId"]),
          [isPerson ? "userId" : "channelId"]: peer,
        }).filter(([, value]) => value !== undefined && value !== "*"),
      ),
    });
    return made;
  });
