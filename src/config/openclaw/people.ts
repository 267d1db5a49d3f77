/**
 * Allowlists, guilds and channels of OpenClaw as ours: who may talk to the bot, and where.
 *
 * Where the two read the same words differently, what is written here lets in those whom OpenClaw
 * lets in, or fewer, never more; and it is said.
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { slug } from "../../core/slug.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { parseAllowEntry } from "../../policy/allowlist.ts";
import type { Container, Entry, Part } from "../text/json5.ts";
import {
  containerOf,
  entryAt,
  entryOf,
  keyed,
  partAt,
  partOf,
  plainOf,
  put,
  withValue,
} from "./tree.ts";
import {
  type Convert,
  dropped,
  type Found,
  gone,
  must,
  type Place,
  refuse,
  same,
  section,
  type Table,
  walk,
} from "./rules.ts";
import { flag, listBy, listOfWords, oneOf, partOfText, textOf, words } from "./values.ts";

/** Who is let in: an entry that OpenClaw would not match stays behind, the list stays. */
export const people: Convert = (part, found) => {
  const list = listBy(part, found, person);
  if (list?.kind === "list" && list.entries.length === 0) {
    const why = part.kind === "list" && part.entries.length === 0
      ? "An empty list lets nobody in here; OpenClaw reads it as no list at all"
      : "Nothing of this list could be taken over: it lets nobody in";
    found.note("changed", found.path, found.entry.line, why);
  }
  return list;
};

const person: Convert = (part, found) => {
  const written = textOf(part);
  if (written === undefined) return refuse(found, "This is no text");
  const text = written.trim();
  if (text.startsWith("accessGroup:")) {
    return refuse(found, "Barnacle has no access groups; list the people themselves");
  }
  const entry = parseAllowEntry(text);
  if (entry.kind === "problem") return refuse(found, entry.why);
  if (entry.kind === "role" || entry.kind === "role_name") {
    return refuse(
      found,
      "OpenClaw has roles in a list of their own, and nobody was let in by this",
    );
  }
  if (entry.kind === "name" && !found.takesNames) {
    return refuse(
      found,
      `OpenClaw of today does not match names unless it is told to: ${
        quoted(text)
      } let nobody in; ` +
        "write the id",
    );
  }
  return partOfText(part, written);
};

/** Roles of today's OpenClaw: whoever is in `users` or has one of them is let in. */
function withRoles(place: Place, source: Part, made: Container): Container {
  const roles = entryAt(source, "roles");
  if (!roles) return made;
  const path = `${place.path}.roles`;
  const list = listBy(roles.value, { ...place, path, entry: roles }, (part, found) => {
    const text = textOf(part)?.trim().replace(/^role:/, "") ?? "";
    return parseSnowflake(text) ? partOf(`role:${text}`) : refuse(found, "This is no id of a role");
  });
  const added = list?.kind === "list" ? list.entries : [];
  const users = partAt(made, ["users"]);
  const all = [...(users?.kind === "list" ? users.entries : []), ...added];
  if (all.length === 0) {
    place.note("changed", path, roles.line, "An empty list lets nobody in here");
  }
  return put(made, ["users"], {
    ...(entryAt(made, "users") ?? keyed(roles, "users")),
    value: { ...containerOf("list", all), isOnLines: false },
  });
}

const tools: Convert = section({
  allow: same(listOfWords),
  alsoAllow: same(listOfWords),
  deny: same(listOfWords),
});

const toolsBySender: Convert = (part, found) => {
  if (part.kind !== "object") return refuse(found, "This is no object");
  const made = part.entries.flatMap((entry): readonly Entry[] => {
    const written = entry.key ?? "";
    const key = written.replace(/^id:/, "");
    const at = { ...found, path: `${found.path}.${written}`, entry };
    if (key !== "*" && !parseSnowflake(key)) {
      refuse(at, "Barnacle knows senders by id here; write the id");
      return [];
    }
    const value = tools(entry.value, at);
    return value ? [withValue(keyed(entry, key), value)] : [];
  });
  return { ...part, entries: made };
};

const OWN_THREADS = "Barnacle makes no threads of its own";

/** Where messages that name others are left alone, a message that names nobody must be, too. */
function quietAboutOthers(
  found: Found,
  made: Container,
  above: Container,
  isQuiet: boolean,
): Container {
  const written = partAt(made, ["requireMention"]) ?? partAt(above, ["requireMention"]);
  if (!isQuiet || written?.kind !== "scalar" || written.value !== false) return made;
  const why = "Barnacle has no ignoreOtherMentions: it takes a mention of the bot instead";
  found.note("changed", `${found.path}.requireMention`, found.entry.line, why);
  const entry = entryAt(made, "requireMention") ??
    entryOf("requireMention", true, found.entry.line);
  return put(made, ["requireMention"], withValue(entry, partOf(true)));
}

const ELSEWHERE: Table = {
  roles: dropped, // `withRoles` reads them
  ignoreOtherMentions: dropped, // and `quietAboutOthers` this
};

const CHANNEL: Table = {
  ...ELSEWHERE,
  allow: same(must(flag)),
  enabled: same(must(flag)),
  requireMention: same(must(flag)),
  users: same(must(people)),
  systemPrompt: same(words),
  skills: same(listOfWords),
  tools: same(must(tools)),
  toolsBySender: same(must(toolsBySender)),
  autoThread: gone(OWN_THREADS),
  autoThreadName: gone(OWN_THREADS),
  autoArchiveDuration: gone(OWN_THREADS),
  includeThreadStarter: gone("What begins a thread is always told"),
};

const GUILD: Table = {
  ...ELSEWHERE,
  slug: same(words),
  requireMention: same(must(flag)),
  users: same(must(people)),
  reactionNotifications: same(
    oneOf({ off: "off", own: "own", all: "all", allowlist: "allowlist" }),
  ),
  tools: same(must(tools)),
  toolsBySender: same(must(toolsBySender)),
  channels: dropped, // read below, when what they inherit is known
};

/** What an explicit channel has in OpenClaw, where `"*"` says something and the guild does not. */
const NEUTRAL: Readonly<Record<string, unknown>> = {
  requireMention: true,
  users: ["*"],
  tools: {},
  toolsBySender: {},
  systemPrompt: "",
};

/** `guilds`: by id, slug or `"*"`. */
export const guilds: Convert = (part, found) => {
  if (part.kind !== "object") return refuse(found, "This is no object");
  const made = part.entries.flatMap((entry): readonly Entry[] => {
    const key = entry.key ?? "";
    const at = { ...found, path: `${found.path}.${key}`, entry };
    if (!isGuildKey(key)) {
      const hint = slug(key) === "" ? "the id" : `${quoted(slug(key))} or the id`;
      refuse(at, `OpenClaw finds no guild by this, since it is no id and no slug; write ${hint}`);
      return [];
    }
    if (entry.value.kind !== "object") {
      at.note("invalid", at.path, entry.line, "This is no object");
      return [];
    }
    if (/^YOUR_/.test(key)) at.note("changed", at.path, entry.line, "Put the guild's id here");
    return [withValue(entry, guild(entry.value, at))];
  });
  return { ...part, entries: made };
};

/** The page's own `YOUR_GUILD_ID` is one that is still to be filled in. */
function isGuildKey(key: string): boolean {
  return key === "*" || /^YOUR_[A-Z_]+$/.test(key) || (key !== "" && slug(key) === key);
}

function guild(part: Part, found: Found): Part {
  const isQuiet = flagAt(part, "ignoreOtherMentions") ?? false;
  let made = withRoles(found, part, walk(part, found, GUILD));
  made = quietAboutOthers(found, made, containerOf("object"), isQuiet);
  const channels = entryAt(part, "channels");
  if (!channels) return made;
  const at = { ...found, path: `${found.path}.channels`, entry: channels };
  return put(
    made,
    ["channels"],
    withValue(channels, channelsOf(channels.value, at, made, isQuiet)),
  );
}

/** `{}` denies all (P8). */
function channelsOf(part: Part, found: Found, guild: Container, isQuiet: boolean): Part {
  if (part.kind !== "object") {
    found.note("invalid", found.path, found.entry.line, "This is no object");
    return part;
  }
  if (part.entries.length === 0 && found.era === "today") {
    found.note(
      "changed",
      found.path,
      found.entry.line,
      "{} allows no channel here; without it all are",
    );
  }
  const made = part.entries.flatMap((entry): readonly Entry[] => {
    const key = entry.key ?? "";
    const at = { ...found, path: `${found.path}.${key}`, entry };
    if (key.startsWith("#") || key.trim() === "") {
      refuse(at, `OpenClaw finds no channel by this; write ${quoted(slug(key) || "the id")}`);
      return [];
    }
    if (entry.value.kind !== "object") {
      at.note("invalid", at.path, entry.line, "This is no object");
      return [];
    }
    const own = withRoles(at, entry.value, walk(entry.value, at, CHANNEL));
    const isOwnQuiet = flagAt(entry.value, "ignoreOtherMentions") ?? isQuiet;
    return [withValue(entry, quietAboutOthers(at, own, guild, isOwnQuiet))];
  });
  const star = made.findLast(({ key }) => key === "*")?.value;
  return {
    ...part,
    entries: made.map((entry) => entry.key === "*" ? entry : unmerged(entry, star, guild, found)),
  };
}

/** In OpenClaw a channel that is listed has nothing of `"*"`, here it has what it does not say (P7). */
function unmerged(entry: Entry, star: Part | undefined, guild: Container, found: Place): Entry {
  if (star?.kind !== "object" || entry.value.kind !== "object") return entry;
  let value: Container = entry.value;
  for (const key of Object.keys(NEUTRAL)) {
    if (!entryAt(star, key) || entryAt(value, key)) continue;
    const own = partAt(guild, [key]);
    const kept = own ? plainOf(own) : NEUTRAL[key];
    value = put(value, [key], entryOf(key, kept, entry.line));
    const why = `OpenClaw gives a listed channel nothing of "*", so ${quoted(key)} is written here`;
    found.note("changed", `${found.path}.${entry.key}.${key}`, entry.line, why);
  }
  if (entryAt(star, "skills") && !entryAt(value, "skills")) {
    const why = 'The channel has the skills of "*" here; in OpenClaw it has all of them';
    found.note("changed", `${found.path}.${entry.key}.skills`, entry.line, why);
  }
  return withValue(entry, value);
}

function flagAt(part: Part, key: string): boolean | undefined {
  const value = entryAt(part, key)?.value;
  return value?.kind === "scalar" && typeof value.value === "boolean" ? value.value : undefined;
}
