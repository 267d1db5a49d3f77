/**
 * Imports `channels.discord` of OpenClaw: its accounts, in the spelling of 2026.2 and in today's, and who
 * may talk to the bot, and where.
 *
 * If both programs read the same text differently, the result lets in the same users or fewer,
 * never more, and a note says so.
 */

import { isPlaceholder } from "../../config/checks/issues.ts";
import { parseGroupEntry } from "../../config/schema/access.ts";
import { isList, valueAt } from "../../config/text/edit.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import { slug } from "../../core/names.ts";
import { TOOL_GATES } from "../../core/tool_names.ts";
import { isRecord, quoted } from "../../lib/text/quoted.ts";
import { parseAllowEntry } from "../../policy/rules.ts";
import { toolLists } from "./agents.ts";
import { lineAt } from "./read.ts";
import {
  applyRules,
  type Convert,
  convertBySchema,
  dropped,
  dropWithNote,
  eachKey,
  fieldAt,
  flag,
  ids,
  type ImportedPlace,
  type ImportTarget,
  keepKey,
  keepObject,
  keepRequired,
  listOf,
  listOfWords,
  moveTo,
  native,
  noteChanged,
  noteInvalid,
  noteLeft,
  objectBy,
  oneOf,
  required,
  type Rule,
  type RuleTable,
  sameKeys,
  sameRule,
  secretValue,
  setWithin,
  type SourceField,
  textOf,
  words,
} from "./rules.ts";

/** An allow list; entries that OpenClaw would not match stay behind, the list stays. */
const people: Convert = (value: unknown, field: SourceField): unknown => {
  const list = listOf(person)(value, field);
  if (isList(list) && list.length === 0) {
    noteChanged(
      field,
      isList(value) && value.length === 0
        ? "Here, an empty list lets no one in; OpenClaw reads it as no list"
        : "No entry of this list could be imported, so it lets no one in",
    );
  }
  return list;
};

/** OpenClaw knows these prefixes in small letters only, and reads others as a part of a name. */
const PREFIX = /^(?:discord|user|pk|role|channel):/i;

/** A username or a tag, of which OpenClaw's slug is no other user's: `dev_ops` is `dev.ops` there. */
const PLAIN_NAME = /^[a-z0-9]+(?:#\d{4})?$/i;

const person: Convert = (value, field) => {
  const text = textOf(value);
  if (text === undefined) return noteLeft(field, "Expected a text");
  if (text.trim().startsWith("accessGroup:")) {
    return noteLeft(field, "Barnacle has no access groups; list the users");
  }
  const prefix = PREFIX.exec(text.trim())?.[0] ?? "";
  if (prefix !== prefix.toLowerCase()) {
    const why = `OpenClaw reads ${quoted(text.trim())} as a name; write ` +
      quoted(`${prefix.toLowerCase()}…`);
    return noteLeft(field, why);
  }
  const entry = parseAllowEntry(text);
  switch (entry.kind) {
    case "problem":
      return noteLeft(field, entry.why);
    case "role":
    case "role_name":
      return noteLeft(field, "OpenClaw has a separate list of roles, so this entry matched no one");
    case "pluralkit":
      if (parseSnowflake(entry.memberId)) {
        const why = "OpenClaw also matches the account with this id, Barnacle only a member of " +
          `PluralKit; for the account write ${quoted(entry.memberId)}`;
        noteChanged(field, why);
      }
      return text;
    case "name":
      if (!field.takesNames) {
        const why = "Today's OpenClaw matches names only if a setting allows it: " +
          `${quoted(text.trim())} matched no one; write the id`;
        return noteLeft(field, why);
      }
      if (!PLAIN_NAME.test(entry.name) && !isPlaceholder(entry.name)) {
        const why =
          "OpenClaw compares slugs of names and tags, Barnacle the exact username or tag: " +
          `${quoted(entry.name)} may match fewer users; write the id`;
        noteChanged(field, why);
      }
      return text;
    case "anyone":
    case "user":
      return text;
  }
};

const roleIds = listOf((value, field) => {
  const text = textOf(value)?.trim().replace(/^role:/, "") ?? "";
  return parseSnowflake(text) ? `role:${text}` : noteLeft(field, "Expected a role id");
});

/** Roles of today's OpenClaw: it lets in users who are in `users`, or have one of the roles. */
function addRoles(place: SourceField, target: ImportTarget): void {
  if (!isRecord(place.value) || !Object.hasOwn(place.value, "roles")) return;
  const roles = fieldAt(place, place.value, "roles");
  const [users, added] = [target["users"], roleIds(roles.value, roles)];
  const all = [...(isList(users) ? users : []), ...(isList(added) ? added : [])];
  if (all.length === 0) noteChanged(roles, "Here, an empty list lets no one in");
  setWithin(target, ["users"], all);
}

const USERNAME = /^[a-z0-9._]{2,32}(?:#\d{4})?$/i;

/**
 * OpenClaw 2026.2 also reads a key without prefix as a username or display name. Barnacle matches no
 * display name: without the lists of such a person, they could have more tools.
 */
const toolsBySender = objectBy({}, (at, into) => {
  const [, kind = "", written = ""] = /^(?:(id|username|name|e164):)?(.*)$/.exec(at.key) ?? [];
  const key = written.replace(/^<@!?(\d+)>$/, "$1").replace(/^@(?=.)/, ""); // as people write them
  const isId = key === "*" || (kind !== "e164" && parseSnowflake(key) !== undefined);
  const lists = isRecord(at.value) ? Object.keys(at.value) : [];
  const isPlain = kind === "" && (at.era === "seed" || lists.every((one) => one === "deny"));
  if (!isId && !(USERNAME.test(key) && (isPlain || kind === "username"))) {
    const isMatched = kind === "name" || (kind === "" && at.era === "seed");
    const note = isMatched ? noteInvalid : noteLeft;
    return note(at, "Barnacle matches ids and usernames, and no display name; write the id");
  }
  if (!isId && isPlain) noteChanged(at, "Here, this is a username, and no display name");
  const own = toolLists()(at.value, at);
  if (own !== undefined) setWithin(into, [key], own);
});

/** If the bot ignores messages that mention others, it must require mentions in general. */
function quietAboutOthers(
  field: SourceField,
  target: ImportTarget,
  above: ImportTarget,
  isQuiet: boolean,
): void {
  if (!isQuiet || (target["requireMention"] ?? above["requireMention"]) !== false) return;
  const why = "Barnacle has no ignoreOtherMentions, so it requires a mention instead";
  noteChanged(field, why, ".requireMention");
  setWithin(target, ["requireMention"], true);
}

/** Keys that guilds and channels share. */
const PLACE: RuleTable = {
  requireMention: keepRequired(flag),
  users: keepRequired(people),
  tools: keepRequired(toolLists()),
  toolsBySender: keepRequired(toolsBySender),
  roles: dropped, // `addRoles` reads them
  ignoreOtherMentions: dropped, // and `quietAboutOthers` this
};

const CHANNEL: RuleTable = {
  ...PLACE,
  ...sameRule(["allow", "enabled"], keepRequired(flag)),
  systemPrompt: keepKey(words),
  skills: keepKey(listOfWords),
  ...sameRule(
    ["autoThread", "autoThreadName", "autoArchiveDuration"],
    dropWithNote('Write "threads": { "auto": "all" } for the channel instead'),
  ),
};

const GUILD: RuleTable = {
  ...PLACE,
  slug: keepKey(words),
  ...sameKeys("channels.discord.guilds.0", "reactionNotifications"),
  channels: dropped, // read below, once the inherited keys are known
};

/** Values of a listed channel in OpenClaw that the guild does not set, if `"*"` sets them. */
const NEUTRAL: Readonly<Record<string, unknown>> = {
  requireMention: true,
  users: ["*"],
  tools: {},
  toolsBySender: {},
  systemPrompt: "",
};

/** `guilds`: by id, slug or `"*"`. */
const guilds: Convert = objectBy({}, (at, into) => {
  const { key } = at;
  if (!isGuildKey(key)) {
    const hint = slug(key) === "" ? "the id" : `${quoted(slug(key))} or the id`;
    const why = "OpenClaw finds no guild by this, since it is neither an id nor a slug; write";
    return noteLeft(at, `${why} ${hint}`);
  }
  if (!isRecord(at.value)) return noteInvalid(at, "Expected an object");
  if (isPlaceholder(key)) noteChanged(at, "Put the guild's id here");
  setWithin(into, [key], guild(at));
});

/** The documentation's `YOUR_GUILD_ID` is a placeholder. */
function isGuildKey(key: string): boolean {
  return key === "*" || isPlaceholder(key) || (key !== "" && slug(key) === key);
}

function guild(field: SourceField): ImportTarget {
  const isQuiet = fieldAt(field, field.value, "ignoreOtherMentions").value === true;
  const target = applyRules<ImportTarget>(field.value, field, GUILD, {});
  addRoles(field, target);
  quietAboutOthers(field, target, {}, isQuiet);
  const channels = fieldAt(field, field.value, "channels");
  if (channels.value === undefined) return target;
  setWithin(target, ["channels"], channelsOf(channels, target, isQuiet));
  return target;
}

/** `{}` denies all channels (P8). */
function channelsOf(field: SourceField, guild: ImportTarget, isQuiet: boolean): ImportTarget {
  if (!isRecord(field.value)) return noteInvalid(field, "Expected an object") ?? {};
  if (Object.keys(field.value).length === 0 && field.era === "today") {
    noteChanged(field, "Here, {} allows no channel; without the key, all are allowed");
  }
  const target = applyRules<ImportTarget>(field.value, field, {}, {}, (at, into) => {
    const { key } = at;
    if (key.startsWith("#") || key.trim() === "") {
      return noteLeft(
        at,
        `OpenClaw finds no channel by this; write ${quoted(slug(key) || "the id")}`,
      );
    }
    if (!isRecord(at.value)) return noteInvalid(at, "Expected an object");
    const own = applyRules<ImportTarget>(at.value, at, CHANNEL, {});
    addRoles(at, own);
    const quiet = fieldAt(at, at.value, "ignoreOtherMentions").value;
    quietAboutOthers(at, own, guild, typeof quiet === "boolean" ? quiet : isQuiet);
    setWithin(into, [key], own);
  });
  const star = target["*"];
  for (const key of Object.keys(target)) {
    const own = target[key];
    if (key === "*" || !isRecord(star) || !isRecord(own)) continue;
    setWithin(target, [key], unmerged(own, star, guild, fieldAt(field, field.value, key)));
  }
  return target;
}

/** In OpenClaw, a listed channel inherits nothing from `"*"`; here it does (P7). */
function unmerged(
  channel: Readonly<ImportTarget>,
  star: Readonly<ImportTarget>,
  guild: ImportTarget,
  field: SourceField,
): ImportTarget {
  const target = { ...channel };
  for (const [key, neutral] of Object.entries(NEUTRAL)) {
    if (!Object.hasOwn(star, key) || Object.hasOwn(target, key)) continue;
    const why = `In OpenClaw, a listed channel inherits nothing from "*", so ${
      quoted(key)
    } is written out`;
    noteChanged(field, why, `.${key}`);
    setWithin(target, [key], guild[key] ?? neutral);
  }
  return target;
}

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
  commands: keepKey(objectBy({ native: keepKey(native) })),
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
