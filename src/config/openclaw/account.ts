/**
 * The keys of a Discord account of OpenClaw, in the seed's spelling and in today's.
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { parseGroupEntry } from "../schema/group_entry.ts";
import { guilds, people } from "./people.ts";
import {
  type Convert,
  dropped,
  type Found,
  gone,
  must,
  refuse,
  same,
  section,
  type Table,
  to,
  walk,
} from "./rules.ts";
import { partOf, withValue } from "./tree.ts";
import {
  amount,
  flag,
  ids,
  listBy,
  listOfWords,
  oneOf,
  partOfText,
  secretValue,
  textOf,
  words,
} from "./values.ts";
import type { Container, Entry } from "../text/json5.ts";

const groupChannels: Convert = (part, found) =>
  listBy(part, found, (one, at) => {
    const text = textOf(one);
    const entry = parseGroupEntry(text ?? "");
    return text === undefined || entry.kind === "problem"
      ? refuse(at, entry.kind === "problem" ? entry.why : "This is no text")
      : partOfText(one, text);
  });

const allowBots: Convert = (part, found) => {
  if (part.kind !== "scalar" || part.value !== "mentions") return flag(part, found);
  const why = "Barnacle answers all bots or none; it is none now";
  found.note("changed", found.path, found.entry.line, why);
  return partOf(false);
};

const streamMode = oneOf({
  off: "off",
  false: "off",
  partial: "edit",
  progress: { as: "edit", why: "Barnacle shows the answer as it grows, and no steps" },
  block: { as: "edit", why: "Barnacle shows the answer as it grows, in one message" },
  true: "edit",
});

const replyToMode = oneOf({
  off: "off",
  first: "first",
  all: "all",
  batched: { as: "first", why: "Barnacle quotes with the first message" },
});

const native: Convert = (part, found) =>
  part.kind === "scalar" && (part.value === "auto" || typeof part.value === "boolean")
    ? part
    : refuse(found, 'This is not true, false or "auto"');

const ACTIONS = [
  ...["reactions", "stickers", "emojiUploads", "stickerUploads", "polls", "permissions"],
  ...["messages", "threads", "pins", "search", "memberInfo", "roleInfo", "roles"],
  ...["channelInfo", "channels", "voiceStatus", "events", "moderation", "presence"],
];

const dms: Convert = (part, found) => {
  if (part.kind !== "object") return refuse(found, "This is no object");
  const entries = part.entries.flatMap((entry): readonly Entry[] => {
    const at = { ...found, path: `${found.path}.${entry.key}`, entry };
    if (!parseSnowflake(entry.key ?? "")) {
      refuse(at, "This is no id of a user");
      return [];
    }
    return [withValue(entry, walk(entry.value, at, { historyLimit: same(amount(0, 10_000)) }))];
  });
  return { ...part, entries };
};

const NO_VOICE = "Barnacle joins no voice channels";
const NO_BLOCKS = "Barnacle sends an answer when it is whole, or lets it grow (`streaming`)";
const EVERYWHERE = "Barnacle has one setting for this, in `messages`";

/** What an account may have: where each key goes, or why it stays behind. */
export const ACCOUNT: Table = {
  enabled: same(must(flag)),
  token: same(secretValue),
  name: same(words),
  dm: same(must(section({
    enabled: same(must(flag)),
    policy: same(must(oneOf({
      pairing: "pairing",
      allowlist: "allowlist",
      open: "open",
      disabled: "disabled",
    }))),
    allowFrom: same(must(people)),
    groupEnabled: same(must(flag)),
    groupChannels: same(must(groupChannels)),
  }))),
  dmPolicy: to(
    "dm.policy",
    must(oneOf({
      pairing: "pairing",
      allowlist: "allowlist",
      open: "open",
      disabled: "disabled",
    })),
  ),
  allowFrom: to("dm.allowFrom", must(people)),
  groupPolicy: same(must(oneOf({ allowlist: "allowlist", open: "open", disabled: "disabled" }))),
  guilds: same(must(guilds)),
  allowBots: same(must(allowBots)),
  pluralkit: same(section({ enabled: same(must(flag)), token: same(secretValue) })),
  configWrites: same(must(flag)),
  execApprovals: same(section({
    enabled: same(flag),
    approvers: same(must(ids)),
    agentFilter: same(must(listOfWords)),
    sessionFilter: same(must(listOfWords)),
    target: gone("Barnacle asks in direct messages"),
    cleanupAfterResolve: gone("What was decided stays to be seen"),
  })),
  actions: same(section(Object.fromEntries(ACTIONS.map((action) => [action, same(must(flag))])))),
  dms: same(dms),
  historyLimit: same(amount(0, 500)),
  dmHistoryLimit: same(amount(0, 10_000)),
  textChunkLimit: same(amount(2, 2_000)),
  maxLinesPerMessage: same(amount(1, 2_000)),
  chunkMode: same(oneOf({ length: "length", newline: "newline" })),
  mediaMaxMb: same(amount(0, 500, false)),
  replyToMode: same(replyToMode),
  streaming: (found, into) => streaming(found, into),
  streamMode: to("streaming", streamMode),
  retry: same(section({
    attempts: same(amount(1, 20)),
    minDelayMs: same(amount(0, 60_000)),
    maxDelayMs: same(amount(0, 600_000)),
    jitter: same(amount(0, 1, false)),
  })),
  commands: same(section({ native: same(native), nativeSkills: gone("Skills are no commands") })),
  activity: to("presence.activity", words),
  status: to(
    "presence.status",
    oneOf({ online: "online", idle: "idle", dnd: "dnd", invisible: "invisible" }),
  ),
  activityType: gone("Barnacle shows the line as it is written"),
  activityUrl: gone("Barnacle shows the line as it is written"),
  autoPresence: gone("Barnacle does not change its presence by itself"),
  presenceEvents: gone("Barnacle does not listen to presences"),
  dangerouslyAllowNameMatching: dropped, // `importDiscord` reads it
  ackReaction: gone(EVERYWHERE),
  ackReactionScope: gone(EVERYWHERE),
  responsePrefix: gone("Barnacle writes nothing before an answer"),
  requireMention: gone("It has no effect there, neither in OpenClaw nor here; write it in a guild"),
  intents: gone("Barnacle asks for what it needs; another choice is `gateway.intents`"),
  proxy: gone("Set HTTPS_PROXY in the environment of Barnacle"),
  blockStreaming: gone(NO_BLOCKS),
  blockStreamingCoalesce: gone(NO_BLOCKS),
  draftChunk: gone(NO_BLOCKS),
  voice: gone(NO_VOICE),
  joinIntro: gone("Barnacle says nothing on joining a guild"),
  suppressEmbeds: gone("Barnacle leaves previews to Discord"),
  mentionAliases: gone("Barnacle mentions by id"),
  thread: gone("A thread has what its channel has, unless it is listed by its id"),
  threadBindings: gone("A thread has a session of its own"),
  botLoopProtection: gone("Barnacle has `loopGuard`, which is on by itself"),
  agentComponents: gone("Buttons expire with what they ask"),
  applicationId: gone("Barnacle reads it from Discord"),
};

/** Today's is an object with the mode and the cutting; the seed's has them side by side. */
function streaming(found: Found, into: Container): Container {
  const { entry } = found;
  if (entry.value.kind !== "object") return to("streaming", streamMode)(found, into);
  const table: Table = {
    mode: to("streaming", streamMode),
    chunkMode: to("chunkMode", oneOf({ length: "length", newline: "newline" })),
  };
  return walk(entry.value, found, table, into, gone(NO_BLOCKS));
}
