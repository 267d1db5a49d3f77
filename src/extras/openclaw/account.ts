/** Imports the keys of an OpenClaw Discord account, in the spelling of 2026.2 and in today's. */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { slug } from "../../core/names.ts";
import { TOOL_GATES } from "../../core/tool_names.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { parseGroupEntry } from "../../config/schema/access.ts";
import { isRecord } from "../../config/text/tree.ts";
import { guilds, people } from "./people.ts";
import {
  applyRules,
  type Convert,
  dropped,
  dropWithNote,
  eachKey,
  keepKey,
  keepObject,
  keepRequired,
  listOf,
  moveTo,
  noteChanged,
  noteLeft,
  objectBy,
  required,
  type Rule,
  type RuleTable,
  sameRule,
} from "./rules.ts";
import {
  convertBySchema,
  flag,
  ids,
  listOfWords,
  native,
  oneOf,
  sameKeys,
  secretValue,
  textOf,
  words,
} from "./values.ts";

const groupChannels: Convert = listOf((value, field) => {
  const text = textOf(value);
  const entry = parseGroupEntry(text ?? "");
  if (text === undefined) return noteLeft(field, "Expected a text");
  switch (entry.kind) {
    case "problem":
      return noteLeft(field, entry.why);
    case "any":
      noteChanged(field, NOT_MATCHED);
      return text;
    case "channel":
      if (/^channel:/i.test(text.trim())) noteChanged(field, NOT_MATCHED);
      return text;
    case "name":
      if (slug(entry.name) === "") {
        return noteLeft(field, "OpenClaw finds no group by this; write the id");
      }
      if (slug(entry.name) !== entry.name) {
        const why = "OpenClaw compares slugs of names, Barnacle a slug or the exact name; write " +
          quoted(slug(entry.name));
        noteChanged(field, why);
      }
      return text;
  }
});

const NOT_MATCHED =
  "OpenClaw's page has this entry, but OpenClaw finds no group by it; Barnacle does";

const allowBots: Convert = (value, field) => {
  if (value !== "mentions") return flag(value, field);
  noteChanged(field, "Barnacle answers all bots or none; now it answers none");
  return false;
};

const streamMode = moveTo(
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

const chunkMode = moveTo("chunkMode", convertBySchema("channels.discord.chunkMode"));

const NO_BLOCKS = "Barnacle sends the finished answer, or shows it while it grows (`streaming`)";

/** Today's value is an object with mode and chunking; that of 2026.2 has them as separate keys. */
const streaming: Rule = (field, into) => {
  if (!isRecord(field.value)) return streamMode(field, into);
  applyRules(field.value, field, { mode: streamMode, chunkMode }, into, dropWithNote(NO_BLOCKS));
};

const historyOfUser = objectBy(sameKeys("channels.discord.dms.0", "historyLimit"));

const dms: Convert = eachKey((value, field) =>
  parseSnowflake(field.key) ? historyOfUser(value, field) : noteLeft(field, "Expected a user id")
);

const DISCORD = "channels.discord";

const dmPolicy = required(convertBySchema(`${DISCORD}.dm.policy`));

/** Keys of an account, and where each goes or why it stays behind. */
export const ACCOUNT: RuleTable = {
  ...sameRule(["enabled", "configWrites"], keepRequired(flag)),
  ...sameKeys(DISCORD, "token", "name", "historyLimit", "dmHistoryLimit", "textChunkLimit"),
  ...sameKeys(DISCORD, "maxLinesPerMessage", "mediaMaxMb", "retry"),
  dm: keepRequired(objectBy({
    ...sameRule(["enabled", "groupEnabled"], keepRequired(flag)),
    policy: keepKey(dmPolicy),
    allowFrom: keepRequired(people),
    groupChannels: keepRequired(groupChannels),
  })),
  dmPolicy: moveTo("dm.policy", dmPolicy),
  allowFrom: moveTo("dm.allowFrom", required(people)),
  groupPolicy: keepRequired(convertBySchema(`${DISCORD}.groupPolicy`)),
  guilds: keepRequired(guilds),
  allowBots: keepRequired(allowBots),
  pluralkit: keepObject({ enabled: keepRequired(flag), token: keepKey(secretValue) }),
  execApprovals: keepObject({
    enabled: keepKey(flag),
    approvers: keepRequired(ids),
    ...sameRule(["agentFilter", "sessionFilter"], keepRequired(listOfWords)),
  }),
  actions: keepObject(sameRule(Object.keys(TOOL_GATES), keepRequired(flag))),
  dms: keepKey(dms),
  replyToMode: keepKey(convertBySchema(`${DISCORD}.replyToMode`, {
    batched: { as: "first", why: "Only Barnacle's first message is a reply" },
  })),
  chunkMode,
  streamMode,
  streaming,
  commands: keepKey(
    objectBy({ native: keepKey(native) }),
  ),
  activity: moveTo("presence.activity", words),
  status: moveTo("presence.status", convertBySchema(`${DISCORD}.presence.status`)),
  dangerouslyAllowNameMatching: dropped, // `discord.ts` reads it
  ...sameRule(["blockStreaming", "blockStreamingCoalesce", "draftChunk"], dropWithNote(NO_BLOCKS)),
  ...sameRule(
    ["ackReaction", "ackReactionScope"],
    dropWithNote("Barnacle has one such setting for all accounts, in `messages`"),
  ),
  requireMention: dropWithNote("It has no effect there, in OpenClaw or here; write it in a guild"),
  intents: dropWithNote(
    "Barnacle asks for the intents that it needs; `gateway.intents` replaces them",
  ),
  proxy: dropWithNote("Set HTTPS_PROXY in the environment of Barnacle"),
  botLoopProtection: dropWithNote("Barnacle has `loopGuard`, which is always on"),
};
