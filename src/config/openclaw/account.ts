/**
 * Imports the keys of an OpenClaw Discord account, in the spelling of 2026.2 and in today's.
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { slug } from "../../core/names.ts";
import { TOOL_GATES } from "../../core/tool_names.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { parseGroupEntry } from "../schema/access.ts";
import { isRecord } from "../text/tree.ts";
import { guilds, people } from "./people.ts";
import {
  changed,
  type Convert,
  dropped,
  each,
  eachKey,
  gone,
  listOf,
  must,
  refuse,
  type Rule,
  same,
  section,
  type Table,
  to,
  walk,
} from "./rules.ts";
import {
  alike,
  flag,
  ids,
  listOfWords,
  oneOf,
  ours,
  secretValue,
  textOf,
  words,
} from "./values.ts";

const groupChannels: Convert = listOf((value, field) => {
  const text = textOf(value);
  const entry = parseGroupEntry(text ?? "");
  if (text === undefined) return refuse(field, "Expected a text");
  switch (entry.kind) {
    case "problem":
      return refuse(field, entry.why);
    case "any":
      changed(field, NOT_MATCHED);
      return text;
    case "channel":
      if (/^channel:/i.test(text.trim())) changed(field, NOT_MATCHED);
      return text;
    case "name":
      if (slug(entry.name) === "") {
        return refuse(field, "OpenClaw finds no group by this; write the id");
      }
      if (slug(entry.name) !== entry.name) {
        const why = "OpenClaw compares slugs of names, Barnacle a slug or the exact name; write " +
          quoted(slug(entry.name));
        changed(field, why);
      }
      return text;
  }
});

const NOT_MATCHED =
  "OpenClaw's page has this entry, but OpenClaw finds no group by it; Barnacle does";

const allowBots: Convert = (value, field) => {
  if (value !== "mentions") return flag(value, field);
  changed(field, "Barnacle answers all bots or none; now it answers none");
  return false;
};

const streamMode = to(
  "streaming",
  oneOf({
    off: "off",
    false: "off",
    partial: "edit",
    progress: "progress",
    block: { as: "edit", why: "Barnacle shows the growing answer in one message" },
    true: "edit",
  }),
);

const chunkMode = to("chunkMode", ours("channels.discord.chunkMode"));

const NO_BLOCKS = "Barnacle sends the finished answer, or shows it while it grows (`streaming`)";

/** Today's value is an object with mode and chunking; that of 2026.2 has them as separate keys. */
const streaming: Rule = (field, into) => {
  if (!isRecord(field.value)) return streamMode(field, into);
  walk(field.value, field, { mode: streamMode, chunkMode }, into, gone(NO_BLOCKS));
};

const native: Convert = (value, field) =>
  value === "auto" || typeof value === "boolean"
    ? value
    : refuse(field, 'Expected true, false or "auto"');

const historyOfUser = section(alike("channels.discord.dms.0", "historyLimit"));

const dms: Convert = eachKey((value, field) =>
  parseSnowflake(field.key) ? historyOfUser(value, field) : refuse(field, "Expected a user id")
);

const DISCORD = "channels.discord";

const dmPolicy = must(ours(`${DISCORD}.dm.policy`));

/** Keys of an account, and where each goes or why it stays behind. */
export const ACCOUNT: Table = {
  ...each(["enabled", "configWrites"], same(must(flag))),
  ...alike(DISCORD, "token", "name", "historyLimit", "dmHistoryLimit", "textChunkLimit"),
  ...alike(DISCORD, "maxLinesPerMessage", "mediaMaxMb", "retry"),
  dm: same(must(section({
    ...each(["enabled", "groupEnabled"], same(must(flag))),
    policy: same(dmPolicy),
    allowFrom: same(must(people)),
    groupChannels: same(must(groupChannels)),
  }))),
  dmPolicy: to("dm.policy", dmPolicy),
  allowFrom: to("dm.allowFrom", must(people)),
  groupPolicy: same(must(ours(`${DISCORD}.groupPolicy`))),
  guilds: same(must(guilds)),
  allowBots: same(must(allowBots)),
  pluralkit: same(section({ enabled: same(must(flag)), token: same(secretValue) })),
  execApprovals: same(section({
    enabled: same(flag),
    approvers: same(must(ids)),
    ...each(["agentFilter", "sessionFilter"], same(must(listOfWords))),
    target: gone("Barnacle asks in direct messages"),
    cleanupAfterResolve: gone("Decided requests stay visible"),
  })),
  actions: same(section(each(Object.keys(TOOL_GATES), same(must(flag))))),
  dms: same(dms),
  replyToMode: same(ours(`${DISCORD}.replyToMode`, {
    batched: { as: "first", why: "Only Barnacle's first message is a reply" },
  })),
  chunkMode,
  streamMode,
  streaming,
  commands: same(
    section({ native: same(native), nativeSkills: gone("Barnacle makes no commands of skills") }),
  ),
  activity: to("presence.activity", words),
  status: to("presence.status", ours(`${DISCORD}.presence.status`)),
  dangerouslyAllowNameMatching: dropped, // `discord.ts` reads it
  ...each(["activityType", "activityUrl"], gone("Barnacle shows the text as a custom status")),
  ...each(["blockStreaming", "blockStreamingCoalesce", "draftChunk"], gone(NO_BLOCKS)),
  ...each(
    ["ackReaction", "ackReactionScope"],
    gone("Barnacle has one such setting for all accounts, in `messages`"),
  ),
  autoPresence: gone("Barnacle does not change its presence by itself"),
  presenceEvents: gone("Barnacle does not read presences"),
  responsePrefix: gone("Barnacle adds nothing before an answer"),
  requireMention: gone("It has no effect there, in OpenClaw or here; write it in a guild"),
  intents: gone("Barnacle asks for the intents that it needs; `gateway.intents` replaces them"),
  proxy: gone("Set HTTPS_PROXY in the environment of Barnacle"),
  voice: gone("Barnacle joins no voice channels"),
  joinIntro: gone("Barnacle sends no message on joining a guild"),
  suppressEmbeds: gone("Barnacle leaves previews to Discord"),
  mentionAliases: gone("Barnacle mentions by id"),
  thread: gone("A thread has its channel's rules, unless its own id is listed"),
  threadBindings: gone("Each thread has its own session"),
  botLoopProtection: gone("Barnacle has `loopGuard`, which is always on"),
  agentComponents: gone("Buttons expire with their request"),
  applicationId: gone("Barnacle reads it from Discord"),
};
