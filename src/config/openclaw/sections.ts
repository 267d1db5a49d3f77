/**
 * Lists the sections of OpenClaw's file: which of them Barnacle has, and why not the others.
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { isRecord } from "../text/tree.ts";
import { agentsTable, bindings, modelsTable } from "./agents.ts";
import { discord } from "./discord.ts";
import {
  changed,
  type Convert,
  dropped,
  each,
  eachKey,
  gone,
  inner,
  listOf,
  type Made,
  must,
  put,
  refuse,
  type Rule,
  same,
  section,
  type Table,
  to,
  walk,
} from "./rules.ts";
import { alike, amount, flag, listOfWords, ours, secretValue, textOf, words } from "./values.ts";

const channels: Convert = (value, found) => {
  if (!isRecord(value)) return refuse(found, "This is no object");
  const groupPolicy = same(must(ours("channels.defaults.groupPolicy")));
  const table = { discord: same(must(discord)), defaults: same(section({ groupPolicy })) };
  return walk<Made>(value, found, table, {}, gone("Barnacle is on Discord only"));
};

const backlog = { as: "steer", why: "What is left over is answered as a turn of its own" };

const messages: Table = {
  ...alike("messages", "removeAckAfterReply"),
  groupChat: same(section(alike("messages.groupChat", "historyLimit", "mentionPatterns"))),
  ackReaction: same((value, found) => value === "none" ? "" : words(value, found)),
  ackReactionScope: same(ours("messages.ackReactionScope", { none: "off" })),
  queue: same(section({
    mode: same(ours("messages.queue.mode", {
      queue: "followup",
      "steer-backlog": backlog,
      "steer+backlog": backlog,
    })),
    cap: gone(
      "Barnacle bounds turns by user and by channel: `messages.queue.perUser`, `perChannel`",
    ),
  })),
};

const idleMinutes: Convert = (value, found) => {
  const minutes = amount(1, 525_600)(value, found);
  return minutes === undefined ? undefined : { idleMinutes: minutes };
};

/** `{ mode: "daily" }` or `{ mode: "idle", idleMinutes }`. */
const reset: Convert = (value, found) => {
  if (!isRecord(value)) return refuse(found, "This is no object");
  const mode = value["mode"] ?? "daily";
  const idle = inner(found, value, "idleMinutes");
  if (mode === "idle" && idle.value !== undefined) return idleMinutes(idle.value, idle);
  if (mode !== "daily") return refuse(found, "Barnacle knows daily and idle here");
  for (const key of ["atHour", "idleMinutes"]) {
    const why = "A day begins at midnight, in the zone of agents.defaults.timezone";
    if (Object.hasOwn(value, key)) refuse(inner(found, value, key), why);
  }
  return "daily";
};

const session: Table = {
  dmScope: same(must(ours("session.dmScope"))),
  reset: same(reset),
  idleMinutes: to("reset", idleMinutes),
  identityLinks: gone("Barnacle is on Discord only, where a person has one id"),
  store: gone("Barnacle keeps sessions in its own store"),
  mainKey: gone("The shared session is always main"),
  scope: gone("Barnacle has `session.dmScope`"),
};

/** Keeps the ids of Discord, out of those of all channels. */
const owners: Convert = listOf((value, found) => {
  const id = textOf(value)?.trim().replace(/^(?:discord|user):/, "");
  return id !== undefined && parseSnowflake(id) ? id : refuse(found, "This is no id of Discord");
});

const commands: Table = {
  native: same((value, found) => value === "auto" ? value : flag(value, found)),
  ...each(["text", "config"], same(flag)),
  useAccessGroups: same((value, found) =>
    value === false && found.era === "today"
      ? refuse(found, "OpenClaw of today always asks the allowlists")
      : flag(value, found)
  ),
  ownerAllowFrom: same(must(owners)),
  nativeSkills: gone("Skills are no commands"),
  bash: gone("Barnacle runs commands of the host as a tool only"),
  debug: gone("Barnacle has no such command"),
  restart: gone("Barnacle has no such command; its service restarts it"),
};

/** Never more than `ask`, because OpenClaw's list of commands is not imported. */
const exec: Rule = (found, into) => {
  const mode = inner(found, found.value, "security").value === "deny" ? "deny" : "ask";
  changed(found, `Each command of the host ${mode === "ask" ? "asks first" : "is denied"} here`);
  put(into, ["exec", "mode"], mode, found.mark);
};

/** Only `exec` leaves the section of tools, so it is a rule of the whole file. */
const tools: Rule = (found, into) => {
  const table: Table = {
    allow: to("tools.allow", must(listOfWords)),
    alsoAllow: to("tools.alsoAllow", must(listOfWords)),
    deny: to("tools.deny", must(listOfWords)),
    exec,
    profile: gone("Barnacle has no profiles; write tools.allow"),
    agentToAgent: gone("Barnacle's agents do not call one another"),
    elevated: gone("Barnacle has approvals for that"),
  };
  walk(found.value, found, table, into);
};

const level = ours("log.level", { silent: "error", fatal: "error", trace: "debug" });

const server: Convert = (value, found) => {
  const table: Table = {
    ...each(["url", "command"], same(words)),
    args: same(listOfWords),
    ...each(["env", "headers"], same(eachKey(secretValue))),
  };
  const made = walk<Made>(value, found, table, {});
  const isThere = made["url"] !== undefined || made["command"] !== undefined;
  return isThere ? made : refuse(found, "It has no address");
};

const NO_SUCH = gone("Barnacle has no such part");

const skills: Rule = (found, into) => {
  const load = inner(found, found.value, "load");
  const folders = inner(load, load.value, "extraDirs");
  if (folders.value === undefined) return NO_SUCH(found, into);
  to("skills.folders", listOfWords)(folders, into);
};

/** The whole file. */
export const SECTIONS: Table = {
  channels: same(must(channels)),
  agents: same(section(agentsTable)),
  bindings: same(bindings),
  models: same(section(modelsTable)),
  messages: same(section(messages)),
  session: same(section(session)),
  commands: same(section(commands)),
  tools,
  logging: (found, into) =>
    walk(
      found.value,
      found,
      { level: to("log.level", level) },
      into,
      gone("Barnacle logs to stderr"),
    ),
  skills,
  mcp: same(section({ servers: same(eachKey(server)) })),
  ...each(["meta", "wizard", "$schema"], dropped), // OpenClaw's own records
  gateway: gone(
    "This is OpenClaw's own server, and not Discord's connection; Barnacle's is `http`",
  ),
  auth: gone("Barnacle reads keys from the environment, or from models.providers"),
  env: gone("Put these into the environment of Barnacle's service"),
  update: gone("Barnacle does not update itself"),
  accessGroups: gone("Barnacle has no access groups; list the people themselves"),
  ...each([
    ...["approvals", "audio", "broadcast", "browser", "canvasHost", "cron", "diagnostics"],
    ...["discovery", "hooks", "media", "memory", "nodeHost", "plugins", "talk", "ui", "web"],
  ], NO_SUCH),
};

/** All other sections. */
export const NOT_OURS: Rule = gone("Barnacle does not know this section");
