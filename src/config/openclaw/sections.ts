/**
 * Lists the sections of OpenClaw's file: which of them Barnacle has, and why not the others.
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { isList, isRecord } from "../text/tree.ts";
import { agentsTable, allowedTools, bindings, modelsTable, otherTools } from "./agents.ts";
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
  must,
  put,
  refuse,
  type Rule,
  same,
  section,
  type Table,
  type Target,
  to,
  walk,
} from "./rules.ts";
import { alike, amount, flag, listOfWords, ours, secretValue, textOf, words } from "./values.ts";

const channels: Convert = (value, field) => {
  if (!isRecord(value)) return refuse(field, "Expected an object");
  const groupPolicy = same(must(ours("channels.defaults.groupPolicy")));
  const table = { discord: same(must(discord)), defaults: same(section({ groupPolicy })) };
  return walk<Target>(value, field, table, {}, gone("Barnacle supports Discord only"));
};

const backlog = { as: "steer", why: "Later messages are answered as their own turn" };

const messages: Table = {
  ...alike("messages", "removeAckAfterReply"),
  groupChat: same(section(alike("messages.groupChat", "historyLimit", "mentionPatterns"))),
  ackReaction: same((value, field) => value === "none" ? "" : words(value, field)),
  ackReactionScope: same(ours("messages.ackReactionScope", { none: "off" })),
  queue: same(section({
    mode: same(ours("messages.queue.mode", {
      queue: "followup",
      "steer-backlog": backlog,
      "steer+backlog": backlog,
    })),
    cap: gone(
      "Barnacle limits turns by user and by channel: `messages.queue.perUser`, `perChannel`",
    ),
  })),
};

const idleMinutes: Convert = (value, field) => {
  const minutes = amount(1, 525_600)(value, field);
  return minutes === undefined ? undefined : { idleMinutes: minutes };
};

/** `{ mode: "daily" }` or `{ mode: "idle", idleMinutes }`. */
const reset: Convert = (value, field) => {
  if (!isRecord(value)) return refuse(field, "Expected an object");
  const mode = value["mode"] ?? "daily";
  const idle = inner(field, value, "idleMinutes");
  if (mode === "idle" && idle.value !== undefined) return idleMinutes(idle.value, idle);
  if (mode !== "daily") return refuse(field, "Barnacle has only daily and idle here");
  for (const key of ["atHour", "idleMinutes"]) {
    const why = "A day begins at 4:00, in the time zone of agents.defaults.timezone";
    if (Object.hasOwn(value, key)) refuse(inner(field, value, key), why);
  }
  return "daily";
};

const session: Table = {
  dmScope: same(must(ours("session.dmScope"))),
  reset: same(reset),
  idleMinutes: to("reset", idleMinutes),
  identityLinks: gone("Barnacle supports Discord only, and each user has one id there"),
  store: gone("Barnacle keeps sessions in its own store"),
  mainKey: gone("The shared session's name is always main"),
  scope: gone("Barnacle has `session.dmScope`"),
};

/** Keeps the ids of Discord, out of those of all channels. */
const owners: Convert = (value, field) => {
  const list = listOf(owner)(value, field);
  if (isList(list) && list.length === 0) {
    changed(field, "No owner of this list could be imported, so the bot has no owner");
  }
  return list;
};

const owner: Convert = (value, field) => {
  const id = textOf(value)?.trim().replace(/^(?:discord|user):/, "");
  if (id === "*") return refuse(field, "Here, an owner is a single user; write the ids");
  return id !== undefined && parseSnowflake(id) ? id : refuse(field, "Expected a Discord id");
};

const commands: Table = {
  native: same((value, field) => value === "auto" ? value : flag(value, field)),
  ...each(["text", "config"], same(flag)),
  useAccessGroups: same((value, field) =>
    value === false && field.era === "today"
      ? refuse(field, "Today's OpenClaw always applies the allow lists")
      : flag(value, field)
  ),
  ownerAllowFrom: same(must(owners)),
  nativeSkills: gone("Barnacle makes no commands of skills"),
  bash: gone("Barnacle runs host commands as a tool only"),
  debug: gone("Barnacle has no such command"),
  restart: gone("Barnacle has no such command; its service manager restarts it"),
};

/** Never more than `ask`, because OpenClaw's list of commands is not imported. */
const exec: Rule = (field, into) => {
  const mode = inner(field, field.value, "security").value === "deny" ? "deny" : "ask";
  changed(field, `Here, each host command ${mode === "ask" ? "needs an approval" : "is denied"}`);
  put(into, ["exec", "mode"], mode, field.mark);
};

/** Only `exec` leaves the section of tools, so it is a rule of the whole file. */
const tools: Rule = (field, into) => {
  const table: Table = {
    allow: to("tools.allow", must(allowedTools)),
    alsoAllow: to("tools.alsoAllow", must(otherTools)),
    deny: to("tools.deny", must(otherTools)),
    exec,
    profile: gone("Barnacle has no profiles; write tools.allow"),
    agentToAgent: gone("Barnacle's agents do not call one another"),
    elevated: gone("Barnacle has approvals for that"),
  };
  walk(field.value, field, table, into);
};

const level = ours("log.level", { silent: "error", fatal: "error", trace: "debug" });

const server: Convert = (value, field) => {
  const table: Table = {
    ...each(["url", "command"], same(words)),
    args: same(listOfWords),
    ...each(["env", "headers"], same(eachKey(secretValue))),
  };
  const target = walk<Target>(value, field, table, {});
  const isThere = target["url"] !== undefined || target["command"] !== undefined;
  return isThere ? target : refuse(field, "The provider has no address");
};

const NO_SUCH = gone("Barnacle has no such feature");

const skills: Rule = (field, into) => {
  const load = inner(field, field.value, "load");
  const folders = inner(load, load.value, "extraDirs");
  if (folders.value === undefined) return NO_SUCH(field, into);
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
  logging: (field, into) =>
    walk(
      field.value,
      field,
      { level: to("log.level", level) },
      into,
      gone("Barnacle logs to stderr"),
    ),
  skills,
  mcp: same(section({ servers: same(eachKey(server)) })),
  ...each(["meta", "wizard", "$schema"], dropped), // OpenClaw's own records
  gateway: gone(
    "This is OpenClaw's own server, not the connection to Discord; Barnacle's is `http`",
  ),
  auth: gone("Barnacle reads API keys from the environment, or from models.providers"),
  env: gone("Put these into the environment of Barnacle's service"),
  update: gone("Barnacle does not update itself"),
  accessGroups: gone("Barnacle has no access groups; list the users"),
  ...each([
    ...["approvals", "audio", "broadcast", "browser", "canvasHost", "cron", "diagnostics"],
    ...["discovery", "hooks", "media", "memory", "nodeHost", "plugins", "talk", "ui", "web"],
  ], NO_SUCH),
};

/** All other sections. */
export const NOT_OURS: Rule = gone("Barnacle does not know this section");
