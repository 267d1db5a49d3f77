/** Imports `channels.discord` of OpenClaw: its accounts, in the spelling of 2026.2 and in today's. */

import { parseGroupEntry } from "../../config/schema/access.ts";
import { isList, isRecord, valueAt } from "../../config/text/tree.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import { slug } from "../../core/names.ts";
import { TOOL_GATES } from "../../core/tool_names.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { guilds, people } from "./people.ts";
import { lineAt } from "./read.ts";
import {
  applyRules,
  type Convert,
  dropped,
  dropWithNote,
  eachKey,
  fieldAt,
  type ImportedPlace,
  type ImportTarget,
  keepKey,
  keepObject,
  keepRequired,
  listOf,
  moveTo,
  noteChanged,
  noteInvalid,
  noteLeft,
  objectBy,
  required,
  type Rule,
  type RuleTable,
  sameRule,
  setWithin,
  type SourceField,
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
const ACCOUNT: RuleTable = {
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

type OpenclawSection = Readonly<Record<string, unknown>>;

/** `channels.discord`, with its accounts. */
export const discord: Convert = (value: unknown, field: SourceField): unknown => {
  if (!isRecord(value)) return noteLeft(field, "Expected an object");
  const source = spread(newerFirst(value, field), field);
  const root = account(source, field, {}, true);
  if (!Object.hasOwn(source, "accounts")) return root;
  const accounts = fieldAt(field, source, "accounts");
  if (!isRecord(accounts.value)) return noteInvalid(accounts, "Expected an object") ?? root;
  const target: ImportTarget = {};
  for (const key of Object.keys(accounts.value)) {
    const at = fieldAt(accounts, accounts.value, key);
    if (!isRecord(at.value)) {
      noteInvalid(at, "Expected an object");
      continue;
    }
    let own = newerFirst(at.value, at);
    if (source["enabled"] === false && Object.hasOwn(own, "enabled")) {
      noteChanged(at, "The whole bot is off", ".enabled");
      own = without(own, "enabled");
    }
    if (!Object.hasOwn(own, "token") && key !== "default") {
      noteChanged(at, "Accounts do not inherit a token here: add one");
    }
    setWithin(target, [key], account(own, at, root, false));
  }
  setWithin(root, ["accounts"], target);
  return root;
};

/** One account's keys, and rules that depend on several of them. */
function account(
  source: OpenclawSection,
  place: ImportedPlace,
  root: OpenclawSection,
  isRoot: boolean,
): ImportTarget {
  const named = source["dangerouslyAllowNameMatching"];
  const takesNames = named === undefined ? place.takesNames : named === true;
  const table = isRoot ? { ...ACCOUNT, accounts: dropped } : ACCOUNT;
  const target = applyRules<ImportTarget>(source, { ...place, takesNames }, table, {});
  closeDms(place, root, target);
  closeGuilds(source, place, root, target);
  return target;
}

/** Today's OpenClaw reads `open` without `"*"` as an allow list; that of 2026.2 refuses it. */
function closeDms(place: ImportedPlace, root: OpenclawSection, target: ImportTarget): void {
  const listed = valueAt(target, ["dm", "allowFrom"]) ?? valueAt(root, ["dm", "allowFrom"]);
  const isOpen = isList(listed) && listed.includes("*");
  if (valueAt(target, ["dm", "policy"]) !== "open" || isOpen) return;
  const why = '"open" needs "*" in allowFrom; without it, only the listed users can DM the bot';
  noteChanged(place, why, ".dm.policy");
  setWithin(target, ["dm", "policy"], "allowlist");
}

/** A list of guilds with no valid entry must stay a list: without it, other guilds may be open. */
function closeGuilds(
  source: OpenclawSection,
  place: ImportedPlace,
  root: OpenclawSection,
  target: ImportTarget,
): void {
  const [before, after] = [source["guilds"], target["guilds"]];
  const isEmptied = isRecord(before) && Object.keys(before).length > 0 &&
    isRecord(after) && Object.keys(after).length === 0;
  if (!isEmptied || (target["groupPolicy"] ?? root["groupPolicy"]) !== "open") return;
  const line = lineAt(source, "guilds");
  const why = "No guild of the list could be imported, so no guild is allowed until you list one";
  noteChanged({ ...place, line }, why, ".groupPolicy");
  setWithin(target, ["groupPolicy"], "allowlist");
}

/** If both spellings are written, today's OpenClaw reads its own. */
function newerFirst(source: OpenclawSection, place: ImportedPlace): OpenclawSection {
  let dm = source["dm"];
  for (const [newer, older] of [["dmPolicy", "policy"], ["allowFrom", "allowFrom"]] as const) {
    if (!Object.hasOwn(source, newer) || !isRecord(dm) || !Object.hasOwn(dm, older)) continue;
    const at = fieldAt(fieldAt(place, source, "dm"), dm, older);
    noteLeft(at, `${newer} overrides it`);
    dm = without(dm, older);
  }
  return dm === source["dm"] ? source : { ...source, dm };
}

/** Keys that accounts do not inherit, or not by such a merge. */
const OWN: readonly string[] = ["accounts", "enabled", "token", "name"];

/**
 * Gives each account all its keys of OpenClaw, if the account and the shared keys have a section of
 * the same name; otherwise nothing changes.
 *
 * An account's `guilds` replace the shared ones in OpenClaw, but are merged here, key by key (C6).
 * So one account's guild would be allowed for the other.
 */
function spread(source: OpenclawSection, place: SourceField): OpenclawSection {
  const accounts = source["accounts"];
  if (!isRecord(accounts)) return source;
  const shared = without(source, ...OWN);
  const isMerged = Object.values(accounts).some((own) =>
    Object.entries(shared).some(([key, ours]) => isRecord(ours) && isRecord(valueAt(own, [key])))
  );
  if (!isMerged) return source;
  const line = lineAt(source, "accounts");
  const why = "In OpenClaw, an account's section replaces the shared one; here, it is merged " +
    "with it. So each account has all its keys written";
  noteChanged({ ...place, line }, why, ".accounts");
  const hasDefault = Object.keys(accounts).some((key) => key.toLowerCase() === "default");
  const isServed = Object.hasOwn(source, "token") && !hasDefault;
  const full: ImportTarget = { ...accounts, ...(isServed && { default: {} }) };
  for (const [key, own] of Object.entries(full)) {
    if (isRecord(own)) full[key] = { ...shared, ...own };
  }
  const kept = without(source, ...Object.keys(shared));
  return { ...kept, accounts: full };
}

function without(source: OpenclawSection, ...keys: readonly string[]): OpenclawSection {
  const copy = { ...source };
  for (const key of keys) delete copy[key];
  return copy;
}
