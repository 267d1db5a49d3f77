/**
 * The sections of OpenClaw's file: which of them are ours, and why the others are not.
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { agentsTable, bindings, modelsTable } from "./agents.ts";
import { discord } from "./discord.ts";
import {
  type Convert,
  dropped,
  type Found,
  gone,
  must,
  refuse,
  type Rule,
  same,
  section,
  type Table,
  to,
  walk,
} from "./rules.ts";
import { entryAt, partAt, partOf, put, withValue } from "./tree.ts";
import {
  amount,
  flag,
  listBy,
  listOfWords,
  oneOf,
  partOfText,
  secretValue,
  textOf,
  words,
} from "./values.ts";
import type { Container, Entry, Part } from "../text/json5.ts";

const channels: Table = {
  discord: same(must(discord)),
  defaults: same(section({
    groupPolicy: same(must(oneOf({ allowlist: "allowlist", open: "open", disabled: "disabled" }))),
  })),
};

const channelsOf: Convert = (part, found) =>
  part.kind === "object"
    ? walk(part, found, channels, undefined, gone("Barnacle is on Discord only"))
    : refuse(found, "This is no object");

const ackReaction: Convert = (part, found) => {
  const name = textOf(part);
  return name === "none" ? partOf("") : words(part, found);
};

const messages: Table = {
  groupChat: same(section({
    historyLimit: same(amount(0, 500)),
    mentionPatterns: same(listOfWords),
  })),
  ackReaction: same(ackReaction),
  ackReactionScope: same(oneOf({
    "group-mentions": "group-mentions",
    "group-all": "group-all",
    direct: "direct",
    all: "all",
    off: "off",
    none: "off",
  })),
  removeAckAfterReply: same(flag),
  queue: same(section({
    mode: same(oneOf({
      collect: "collect",
      steer: "steer",
      followup: "followup",
      interrupt: "interrupt",
      queue: "followup",
      "steer-backlog": { as: "steer", why: "What is left over is answered as a turn of its own" },
      "steer+backlog": { as: "steer", why: "What is left over is answered as a turn of its own" },
    })),
    cap: gone(
      "Barnacle bounds turns by user and by channel: `messages.queue.perUser`, `perChannel`",
    ),
  })),
};

/** `{ mode: "daily" }` or `{ mode: "idle", idleMinutes }`. */
const reset: Convert = (part, found) => {
  if (part.kind !== "object") return refuse(found, "This is no object");
  const mode = textOf(partAt(part, ["mode"]) ?? partOf("daily"));
  const idle = entryAt(part, "idleMinutes");
  if (mode === "idle" && idle) return idleMinutes(idle.value, { ...found, entry: idle });
  if (mode !== "daily") return refuse(found, "Barnacle knows daily and idle here");
  for (const key of ["atHour", "idleMinutes"]) {
    const extra = entryAt(part, key);
    const why = "A day begins at midnight, in the zone of agents.defaults.timezone";
    if (extra) found.note("left", `${found.path}.${key}`, extra.line, why);
  }
  return partOf("daily");
};

const idleMinutes: Convert = (part, found) => {
  const minutes = amount(1, 525_600)(part, found);
  return minutes?.kind === "scalar" ? partOf({ idleMinutes: minutes.value }) : undefined;
};

const session: Table = {
  dmScope: same(must(oneOf({
    main: "main",
    "per-peer": "per-peer",
    "per-channel-peer": "per-channel-peer",
    "per-account-channel-peer": "per-account-channel-peer",
  }))),
  reset: same(reset),
  idleMinutes: to("reset", idleMinutes),
  identityLinks: gone("Barnacle is on Discord only, where a person has one id"),
  store: gone("Barnacle keeps sessions in its own store"),
  mainKey: gone("The shared session is always main"),
  scope: gone("Barnacle has `session.dmScope`"),
};

/** Of the ids of all channels, those that are of Discord. */
const owners: Convert = (part, found) =>
  listBy(part, found, (one, at) => {
    const id = textOf(one)?.trim().replace(/^(?:discord|user):/, "");
    return id !== undefined && parseSnowflake(id)
      ? partOfText(one, id)
      : refuse(at, "This is no id of Discord");
  });

const useAccessGroups: Convert = (part, found) => {
  const isOpen = part.kind === "scalar" && part.value === false;
  if (!isOpen || found.era === "seed") return flag(part, found);
  return refuse(found, "OpenClaw of today always asks the allowlists");
};

const commands: Table = {
  native: same((part, found) =>
    part.kind === "scalar" && part.value === "auto" ? part : flag(part, found)
  ),
  text: same(flag),
  config: same(flag),
  useAccessGroups: same(useAccessGroups),
  ownerAllowFrom: same(must(owners)),
  nativeSkills: gone("Skills are no commands"),
  bash: gone("Barnacle runs commands of the host as a tool only"),
  debug: gone("Barnacle has no such command"),
  restart: gone("Barnacle has no such command; its service restarts it"),
};

/** Never more than `ask`: what OpenClaw took as listed is not listed here. */
const exec: Rule = (found, into) => {
  const security = textOf(partAt(found.entry.value, ["security"]) ?? partOf("ask"));
  const mode = security === "deny" ? "deny" : "ask";
  const why = `Each command of the host ${mode === "ask" ? "asks first here" : "is denied here"}`;
  found.note("changed", found.path, found.entry.line, why);
  return put(into, ["exec", "mode"], withValue(found.entry, partOf(mode)));
};

/** Only `exec` leaves the section of tools, so it is a rule of the whole file. */
const tools: Rule = (found, into) =>
  walk(found.entry.value, found, {
    allow: to("tools.allow", must(listOfWords)),
    alsoAllow: to("tools.alsoAllow", must(listOfWords)),
    deny: to("tools.deny", must(listOfWords)),
    exec,
    profile: gone("Barnacle has no profiles; write tools.allow"),
    agentToAgent: gone("Barnacle's agents do not call one another"),
    elevated: gone("Barnacle has approvals for that"),
  }, into);

const log: Rule = (found, into) => {
  const level = entryAt(found.entry.value, "level");
  const at = { ...found, path: `${found.path}.level` };
  const ours = level && oneOf({
    silent: "error",
    fatal: "error",
    error: "error",
    warn: "warn",
    info: "info",
    debug: "debug",
    trace: "debug",
  })(level.value, { ...at, entry: level });
  walk(found.entry.value, found, { level: dropped }, undefined, gone("Barnacle logs to stderr"));
  return level && ours ? put(into, ["log", "level"], withValue(level, ours)) : into;
};

const server: Convert = (part, found) => {
  const made = walk(part, found, {
    url: same(words),
    command: same(words),
    args: same(listOfWords),
    env: same(secrets),
    headers: same(secrets),
  });
  return entryAt(made, "url") || entryAt(made, "command")
    ? made
    : refuse(found, "It has no address");
};

const secrets: Convert = (part, found) => eachKey(part, found, secretValue);

function eachKey(part: Part, found: Found, convert: Convert): Part | undefined {
  if (part.kind !== "object") return refuse(found, "This is no object");
  const entries = part.entries.flatMap((entry): readonly Entry[] => {
    const value = convert(entry.value, { ...found, path: `${found.path}.${entry.key}`, entry });
    return value ? [withValue(entry, value)] : [];
  });
  return { ...part, entries };
}

const NO_SUCH = "Barnacle has no such part";
const ENVIRONMENT = "Put these into the environment of Barnacle's service";
const BOOKS = dropped; // what OpenClaw writes about itself

/** The whole file. */
export const SECTIONS: Table = {
  channels: same(must(channelsOf)),
  agents: same(section(agentsTable)),
  bindings: same(bindings),
  models: same(section(modelsTable)),
  messages: same(section(messages)),
  session: same(section(session)),
  commands: same(section(commands)),
  tools,
  logging: log,
  skills: (found, into): Container => {
    const folders = entryAt(partAt(found.entry.value, ["load"]), "extraDirs");
    const list = folders && listOfWords(folders.value, { ...found, entry: folders });
    if (!folders || !list) return gone(NO_SUCH)(found, into);
    return put(into, ["skills", "folders"], withValue(folders, list));
  },
  mcp: same(section({ servers: same((part, found) => eachKey(part, found, server)) })),
  meta: BOOKS,
  wizard: BOOKS,
  $schema: BOOKS,
  gateway: gone(
    "This is OpenClaw's own server, and not Discord's connection; Barnacle's is `http`",
  ),
  auth: gone("Barnacle reads keys from the environment, or from models.providers"),
  env: gone(ENVIRONMENT),
  update: gone("Barnacle does not update itself"),
  accessGroups: gone("Barnacle has no access groups; list the people themselves"),
};

/** Everything else. */
export const NOT_OURS: Rule = (found, into) =>
  gone(NOT_PARTS.has(found.entry.key ?? "") ? NO_SUCH : "Barnacle does not know this section")(
    found,
    into,
  );

const NOT_PARTS = new Set([
  ...["approvals", "audio", "broadcast", "browser", "canvasHost", "cron", "diagnostics"],
  ...["discovery", "hooks", "media", "memory", "nodeHost", "plugins", "talk", "ui", "web"],
]);
