/**
 * What is written and valid, and yet does not do what its writer may think.
 *
 * @module
 */

import { findNodeAtLocation, type Node } from "jsonc-parser";
import { quoted } from "../lib/quoted.ts";
import { type Severity, type Span } from "./problem.ts";
import type { Built } from "./key.ts";
import { childOf, docOf, type Schema } from "./shape.ts";
import { refusedIn } from "./refused.ts";
import { entriesAt, isList, isRecord, type Segment, valueAt } from "./tree.ts";

/** Something to say of a part of the file. */
export interface Remark extends Span {
  readonly severity: Severity;
  readonly path: readonly Segment[];
  readonly message: string;
  readonly hint?: string;
}

/** All that is to be said of a valid file, in its order; each key once. */
export function audit(root: Node, value: unknown, schema: Schema): readonly Remark[] {
  const refused = refusedIn(value);
  const remarks: Remark[] = refused.map((one) => ({
    severity: "error",
    ...one,
    ...spanOf(root, one.path),
  }));
  const remark = (path: readonly Segment[], message: string, hint?: string): void => {
    remarks.push({
      severity: "warning",
      path,
      message,
      ...(hint !== undefined && { hint }),
      ...spanOf(root, path),
    });
  };

  const visit = (part: unknown, at: Schema, path: readonly Segment[]): void => {
    const built: Built = docOf(at)?.built ?? "built";
    if (built !== "built") {
      const isTold = asksForNothing(part, built) || refused.some((one) => isWithin(one.path, path));
      if (!isTold) remark(path, ...unbuilt(path, built, docOf(at)?.denial));
      return;
    }
    const children: readonly (readonly [Segment, unknown])[] = isRecord(part)
      ? Object.entries(part)
      : isList(part)
      ? [...part.entries()]
      : [];
    for (const [segment, child] of children) {
      const inner = childOf(at, segment);
      if (inner) visit(child, inner, [...path, segment]);
    }
  };
  visit(value, schema, []);

  for (const section of sectionsOf(value)) access(section, remark);
  sharedMemory(value, remark);
  deafness(value, remark);
  const agents = valueAt(value, ["agents", "list"]);
  if (isList(agents) && agents.length > 1) {
    remark(["agents", "list", 1], "Only the first agent answers in this version");
  }
  return remarks.sort((one, other) => one.offset - other.offset);
}

/** Whether a path leads through another, or to it. */
function isWithin(path: readonly Segment[], above: readonly Segment[]): boolean {
  return above.every((segment, index) => path[index] === segment);
}

/** Something that no key of the file says. */
export interface SilentRemark {
  readonly severity: Severity;
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

/** What an operator should know of the keys that are not written (P2, P6). */
export function silentDefaults(value: unknown): readonly SilentRemark[] {
  const discord = valueAt(value, ["channels", "discord"]);
  if (valueAt(discord, ["enabled"]) === false) return [];

  const found: SilentRemark[] = [];
  const dm = valueAt(discord, ["dm"]);
  if (valueAt(dm, ["enabled"]) !== false && valueAt(dm, ["policy"]) === undefined) {
    found.push({
      severity: "note",
      path: "channels.discord.dm.policy",
      message: "Pairing is not built in this version: only those in allowFrom may write to the bot",
      hint: "list who may in channels.discord.dm.allowFrom",
    });
  }
  const defaults = valueAt(value, ["channels", "defaults", "groupPolicy"]);
  if (discord === undefined && defaults === undefined) {
    found.push({
      severity: "warning",
      path: "channels.discord.groupPolicy",
      message: "Without channels.discord, everybody in every guild of the bot may talk to it",
      hint: 'list guilds in channels.discord.guilds, or set "groupPolicy" in channels.defaults',
    });
  }
  return found;
}

/** The message and the hint of a key that this version does not act on. */
function unbuilt(
  path: readonly Segment[],
  built: Built,
  denial: string | undefined,
): readonly [message: string, hint?: string] {
  const name = quoted(String(path.at(-1)));
  return built === "denies"
    ? [`${name} is not built in this version and denies: ${denial ?? "nobody is let in by it"}`]
    : [`${name} has no effect in this version`];
}

/** Whether a value switches off what this version does not do anyway. */
function asksForNothing(value: unknown, built: Built): boolean {
  if (isRecord(value) && built === "denies") return value["enabled"] !== true;
  if (isRecord(value)) return value["enabled"] === false || Object.keys(value).length === 0;
  return value === false || value === "off" || (isList(value) && value.length === 0);
}

interface Section {
  readonly path: readonly Segment[];
  readonly value: Readonly<Record<string, unknown>>;
}

function sectionsOf(value: unknown): readonly Section[] {
  const path = ["channels", "discord"];
  const discord = valueAt(value, path);
  return isRecord(discord) ? [{ path, value: discord }] : [];
}

type Say = (path: readonly Segment[], message: string, hint?: string) => void;

/** Rules that let nobody in, or nobody yet. */
function access({ path, value }: Section, remark: Say): void {
  if (
    valueAt(value, ["dm", "policy"]) === "pairing" && valueAt(value, ["dm", "enabled"]) !== false
  ) {
    remark(
      [...path, "dm", "policy"],
      '"pairing" is not built in this version and denies: only those in allowFrom are answered',
      "list who may write in allowFrom",
    );
  }
  people([...path, "dm", "allowFrom"], valueAt(value, ["dm", "allowFrom"]), remark, false);
  if (value["groupPolicy"] === "disabled" && value["guilds"] !== undefined) {
    remark([...path, "guilds"], 'No guild is answered: "groupPolicy" is "disabled"');
  }

  for (const [key, guild] of entriesAt(value["guilds"])) {
    const here = [...path, "guilds", key];
    people([...here, "users"], valueAt(guild, ["users"]), remark, true);
    const channels = valueAt(guild, ["channels"]);
    if (isRecord(channels) && Object.keys(channels).length === 0) {
      remark(
        [...here, "channels"],
        'The empty "channels" lists no channel, and so denies all of them',
        "remove it to allow every channel, or list some",
      );
    }
    for (const [name, channel] of entriesAt(channels)) {
      people([...here, "channels", name, "users"], valueAt(channel, ["users"]), remark, true);
    }
  }
}

/** Intents without which Discord tells the bot nothing of a place where it is to answer (G9). */
function deafness(value: unknown, remark: Say): void {
  const path = ["channels", "discord", "gateway", "intents"];
  const intents = valueAt(value, path);
  if (!isList(intents)) return;
  const discord = valueAt(value, ["channels", "discord"]);
  const takesDms = valueAt(discord, ["dm", "enabled"]) !== false &&
    valueAt(discord, ["dm", "policy"]) !== "disabled";
  const hears = (name: string): boolean => intents.includes(name);
  if (!hears("guild_messages") && valueAt(discord, ["groupPolicy"]) !== "disabled") {
    remark(
      path,
      "Without guild_messages the bot hears nothing of what is said in servers",
      'add "guild_messages", or write "agent_recommended" in place of the list',
    );
  }
  if (!hears("direct_messages") && takesDms) {
    remark(
      path,
      "Without direct_messages the bot hears no direct message",
      'add "direct_messages", or set "dm": { "enabled": false }',
    );
  }
  if (hears("guild_messages") && !hears("guilds")) {
    remark(
      path,
      "Without guilds the bot knows no server, channel or role by its name, and none of its threads",
      'add "guilds"',
    );
  }
}

/** What one person says to the bot in private, it may tell another who writes to it (S2). */
function sharedMemory(value: unknown, remark: Say): void {
  const path = ["channels", "discord", "dm"];
  const dm = valueAt(value, path);
  const isOff = valueAt(dm, ["enabled"]) === false || valueAt(dm, ["policy"]) === "disabled" ||
    valueAt(value, ["channels", "discord", "enabled"]) === false;
  const isShared = (valueAt(value, ["session", "dmScope"]) ?? "main") === "main";
  const list = valueAt(dm, ["allowFrom"]);
  if (isOff || !isShared || !isList(list)) return;
  const people = new Set(list.map((entry) => String(entry).trim()));
  if (people.size < 2 && !people.has("*")) return;
  remark(
    [...path, "allowFrom"],
    "These people's direct messages share one memory: the agent may tell one what another said",
    'set "session": { "dmScope": "per-peer" } to keep them apart',
  );
}

/** A list of people: empty, or with entries that match nobody in this version. */
function people(path: readonly Segment[], list: unknown, remark: Say, tellEmpty: boolean): void {
  if (!isList(list)) return;
  if (list.length === 0 && tellEmpty) {
    remark(path, 'The empty "users" lets nobody in', "remove it to let everybody in, or list some");
  }
  for (const [index, entry] of list.entries()) {
    if (typeof entry !== "string" || !/^\s*pk:/.test(entry)) continue;
    remark(
      [...path, index],
      `${quoted(entry)} is not built in this version and denies: PluralKit's members match nobody`,
    );
  }
}

function spanOf(root: Node, path: readonly Segment[]): Span {
  const node = findNodeAtLocation(root, [...path]) ?? root;
  const at = node.parent?.type === "property" ? node.parent.children?.[0] ?? node : node;
  return { offset: at.offset, length: at.length };
}
