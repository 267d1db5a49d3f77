/** Lists the sections of OpenClaw's file: which of them Barnacle has, and why not the others. */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { isList, valueAt } from "../../config/text/edit.ts";
import { agentsTable, bindings, modelsTable, singleAgent, toolLists } from "./agents.ts";
import { discord } from "./discord.ts";
import {
  applyRules,
  boundedNumber,
  type Convert,
  convertBySchema,
  dropped,
  dropWithNote,
  eachKey,
  fieldAt,
  flag,
  type ImportTarget,
  keepKey,
  keepObject,
  keepRequired,
  listOf,
  listOfWords,
  moveTo,
  native,
  noteChanged,
  noteLeft,
  objectBy,
  required,
  type Rule,
  type RuleTable,
  sameKeys,
  sameRule,
  secretValue,
  setWithin,
  textOf,
  words,
} from "./rules.ts";
import { isRecord } from "../../lib/text/quoted.ts";

const channels = objectBy({
  discord: keepRequired(discord),
  defaults: keepObject({
    groupPolicy: keepRequired(convertBySchema("channels.defaults.groupPolicy")),
  }),
}, dropWithNote("Barnacle supports Discord only"));

const backlog = { as: "steer", why: "Later messages are answered as their own turn" };

const messages: RuleTable = {
  ...sameKeys("messages", "removeAckAfterReply"),
  groupChat: keepObject(sameKeys("messages.groupChat", "historyLimit", "mentionPatterns")),
  ackReaction: keepKey((value, field) => value === "none" ? "" : words(value, field)),
  ackReactionScope: keepKey(convertBySchema("messages.ackReactionScope", { none: "off" })),
  queue: keepObject({
    mode: keepKey(convertBySchema("messages.queue.mode", {
      queue: "followup",
      "steer-backlog": backlog,
      "steer+backlog": backlog,
    })),
    cap: dropWithNote(
      "Barnacle limits turns by user and by channel: `messages.queue.perUser`, `perChannel`",
    ),
  }),
};

const idleMinutes: Convert = (value, field) => {
  const minutes = boundedNumber(1, 525_600)(value, field);
  return minutes === undefined ? undefined : { idleMinutes: minutes };
};

/** `{ mode: "daily" }` or `{ mode: "idle", idleMinutes }`. */
const reset: Convert = (value, field) => {
  if (!isRecord(value)) return noteLeft(field, "Expected an object");
  const mode = value["mode"] ?? "daily";
  const idle = fieldAt(field, value, "idleMinutes");
  if (mode === "idle" && idle.value !== undefined) return idleMinutes(idle.value, idle);
  if (mode !== "daily") return noteLeft(field, "Barnacle has only daily and idle here");
  for (const key of ["atHour", "idleMinutes"]) {
    const why = "A day begins at 4:00, in the time zone of agents.defaults.timezone";
    if (Object.hasOwn(value, key)) noteLeft(fieldAt(field, value, key), why);
  }
  return "daily";
};

const session: RuleTable = {
  dmScope: keepRequired(convertBySchema("session.dmScope")),
  reset: keepKey(reset),
  idleMinutes: moveTo("reset", idleMinutes),
  scope: dropWithNote("Barnacle has `session.dmScope`"),
};

/** Keeps the ids of Discord, out of those of all channels. */
const owners: Convert = (value, field) => {
  const list = listOf(owner)(value, field);
  if (isList(list) && list.length === 0) {
    noteChanged(field, "No owner of this list could be imported, so the bot has no owner");
  }
  return list;
};

const owner: Convert = (value, field) => {
  const id = textOf(value)?.trim().replace(/^(?:discord|user):/, "");
  if (id === "*") return noteLeft(field, "Here, an owner is a single user; write the ids");
  return id !== undefined && parseSnowflake(id) ? id : noteLeft(field, "Expected a Discord id");
};

const commands: RuleTable = {
  native: keepKey(native),
  ...sameRule(["text", "config"], keepKey(flag)),
  useAccessGroups: keepKey((value, field) =>
    value === false && field.era === "today"
      ? noteLeft(field, "Today's OpenClaw always applies the allow lists")
      : flag(value, field)
  ),
  ownerAllowFrom: keepRequired(owners),
};

/** Never more than `ask`, because OpenClaw's list of commands is not imported. */
const exec: Rule = (field, into) => {
  const mode = fieldAt(field, field.value, "security").value === "deny" ? "deny" : "ask";
  noteChanged(
    field,
    `Here, each host command ${mode === "ask" ? "needs an approval" : "is denied"}`,
  );
  setWithin(into, ["exec", "mode"], mode);
};

const seePage = (key: string, page: string): Rule =>
  dropWithNote(`Barnacle has \`${key}\` for that: docs/${page}`);

/** The search engine; and a switched-off `web_fetch` stays off. */
const web: Rule = (field, into) => {
  const search = fieldAt(field, field.value, "search");
  const { kind, isOff, apiKey } = {
    kind: valueAt(search.value, ["provider"]) ?? "brave",
    isOff: valueAt(search.value, ["enabled"]) === false,
    apiKey: fieldAt(search, search.value, "apiKey"),
  };
  if (kind === "brave" && apiKey.value !== undefined && !isOff) {
    const key = secretValue(apiKey.value, apiKey);
    if (key !== undefined) setWithin(into, ["search"], { kind, apiKey: key });
  } else if (search.value !== undefined && !isOff) {
    noteLeft(search, "Barnacle has `search` for that, with Brave or your own SearXNG");
  }
  const off = [
    ...isOff ? ["web_search"] : [],
    ...valueAt(field.value, ["fetch", "enabled"]) === false ? ["web_fetch"] : [],
  ];
  if (off.length === 0) return;
  const denied = valueAt(into, ["tools", "deny"]);
  setWithin(into, ["tools", "deny"], [...isList(denied) ? denied : [], ...off]);
};

/** `exec` and `web` leave the section of tools, so they are rules of the whole file. */
const tools: Rule = (field, into) => {
  const lists = required(toolLists({
    exec: dropped,
    web: dropped,
    media: seePage("audio", "voice.md"),
    elevated: dropWithNote("Barnacle has approvals for that"),
  }))(field.value, field);
  if (isRecord(lists) && Object.keys(lists).length > 0) keepKey(() => lists)(field, into);
  applyRules(field.value, field, { exec, web }, into, dropped);
};

const level = convertBySchema("log.level", { silent: "error", fatal: "error", trace: "debug" });

const server: Convert = (value, field) => {
  const table: RuleTable = {
    ...sameRule(["url", "command"], keepKey(words)),
    args: keepKey(listOfWords),
    ...sameRule(["env", "headers"], keepKey(eachKey(secretValue))),
  };
  const target = applyRules<ImportTarget>(value, field, table, {});
  const isThere = target["url"] !== undefined || target["command"] !== undefined;
  return isThere ? target : noteLeft(field, "The provider has no address");
};

const skills: Rule = (field, into) => {
  const load = fieldAt(field, field.value, "load");
  const folders = fieldAt(load, load.value, "extraDirs");
  if (folders.value === undefined) return void noteLeft(field, "Barnacle has no such key");
  moveTo("skills.folders", listOfWords)(folders, into);
};

/** The whole file. */
export const SECTIONS: RuleTable = {
  channels: keepRequired(channels),
  agents: keepObject(agentsTable),
  bindings: keepKey(bindings),
  models: keepObject(modelsTable),
  messages: keepObject(messages),
  session: keepObject(session),
  commands: keepObject(commands),
  tools,
  logging: (field, into) =>
    applyRules(
      field.value,
      field,
      { level: moveTo("log.level", level) },
      into,
      dropWithNote("Barnacle logs to stderr"),
    ),
  skills,
  mcp: keepObject({ servers: keepKey(eachKey(server)) }),
  ...sameRule(["meta", "wizard", "$schema"], dropped), // OpenClaw's own records
  gateway: dropWithNote(
    "This is OpenClaw's own server, not the connection to Discord; Barnacle's is `http`",
  ),
  agent: (field, into) => applyRules(field.value, field, singleAgent, into),
  hooks: seePage("hooks", "hooks.md"),
  cron: seePage("barnacle schedules", "memory.md"),
  memory: seePage("/memory", "memory.md"),
  approvals: seePage("channels.discord.execApprovals", "exec.md"),
  audio: seePage("audio", "voice.md"),
  talk: seePage("voice", "voice.md"),
  auth: dropWithNote("Barnacle reads API keys from the environment, or from models.providers"),
  env: dropWithNote("Put these into the environment of Barnacle's service"),
  accessGroups: dropWithNote("Barnacle has no access groups; list the users"),
};
