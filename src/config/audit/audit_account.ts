/**
 * Warns about rules of an account that may not do what the operator expects, and refuses names that
 * match no one.
 *
 * The audit reads rules with inheritance, and reports them at their place in the file.
 */

import { quoted } from "../../lib/text/quoted.ts";
import { mayNameAccount, parseAllowEntry } from "../../policy/rules/allowlist.ts";
import type { Severity } from "../text/problem.ts";
import type { AccountSection } from "../schema/accounts.ts";
import { entriesAt, isList, isRecord, type Segment, textOf, valueAt } from "../text/tree.ts";

/** Adds a warning or an error about a key; the same one about the same key is added once. */
export type AddRemark = (
  path: readonly Segment[],
  message: string,
  hint?: string,
  severity?: Severity,
) => void;

/** Adds all remarks about an account, in any order. */
export function auditAccount(section: AccountSection, file: unknown, addRemark: AddRemark): void {
  const remark: AddRemark = (key, ...rest) => addRemark(section.at(key), ...rest);
  const { value } = section;
  access(value, remark);
  missingIntents(value, remark);
  sharedMemory(value, file, remark);
}

type Value = AccountSection["value"];

/** Lists that let no one in. */
function access(value: Value, remark: AddRemark): void {
  const asksPluralkit = valueAt(value, ["pluralkit", "enabled"]) === true;
  const people = (list: unknown, path: readonly Segment[], tellEmpty: boolean): void => {
    if (!isList(list)) return;
    if (list.length === 0 && tellEmpty) {
      const hint = "remove it to let every member in, or list some";
      remark(path, 'The empty "users" lets no one in', hint);
    }
    for (const [index, written] of asksPluralkit ? [] : list.entries()) {
      const entry = parseAllowEntry(textOf(written));
      if (entry.kind === "name" && !mayNameAccount(entry.name)) {
        remark([...path, index], ...impossibleName(entry.name));
      }
    }
  };

  people(valueAt(value, ["dm", "allowFrom"]), ["dm", "allowFrom"], false);
  if (value["groupPolicy"] === "disabled" && value["guilds"] !== undefined) {
    remark(
      ["guilds"],
      'These rules have no effect: "groupPolicy" is "disabled", so the bot answers in no guild',
    );
  }
  for (const [key, guild] of entriesAt(value["guilds"])) {
    const here = ["guilds", key];
    people(valueAt(guild, ["users"]), [...here, "users"], true);
    const channels = valueAt(guild, ["channels"]);
    if (isRecord(channels) && Object.keys(channels).length === 0) {
      remark(
        [...here, "channels"],
        'The empty "channels" denies every channel',
        "remove it to allow every channel, or list some",
      );
    }
    for (const [name, channel] of entriesAt(channels)) {
      const users = valueAt(channel, ["users"]);
      if (users !== undefined) people(users, [...here, "channels", name, "users"], true);
    }
  }
}

/** The error about a name that no account has; a name of a PluralKit member is free. */
export function impossibleName(name: string): readonly [string, string, "error"] {
  return [
    `No user of Discord can have the name ${quoted(name)}`,
    "write the id, or the username: 2 to 32 characters, without @, # and :",
    "error",
  ];
}

/** Missing intents without which Discord does not send messages that the bot should answer (G9). */
function missingIntents(value: Value, remark: AddRemark): void {
  const path = ["gateway", "intents"];
  const intents = valueAt(value, path);
  if (!isList(intents)) return;
  const takesDms = valueAt(value, ["dm", "enabled"]) !== false &&
    valueAt(value, ["dm", "policy"]) !== "disabled";
  const wanted: readonly (readonly [intent: string, isWanted: boolean, loss: string])[] = [
    [
      "guild_messages",
      value["groupPolicy"] !== "disabled",
      "Discord sends the bot no messages of guilds",
    ],
    ["direct_messages", takesDms, "Discord sends the bot no direct messages"],
    [
      "guilds",
      intents.includes("guild_messages"),
      "the bot does not know names of guilds, channels and roles, nor threads",
    ],
  ];
  for (const [intent, isWanted, loss] of wanted) {
    if (!isWanted || intents.includes(intent)) continue;
    const hint = `add "${intent}", or write "agent_recommended" instead of the list`;
    remark(path, `Without the intent ${intent}, ${loss}`, hint);
  }
}

/** One memory for several users: the agent may tell one what another said (S1). */
function sharedMemory(value: Value, file: unknown, remark: AddRemark): void {
  const isOff = valueAt(value, ["dm", "enabled"]) === false || value["enabled"] === false ||
    valueAt(value, ["dm", "policy"]) === "disabled";
  const isShared = valueAt(file, ["session", "dmScope"]) === "main";
  const list = valueAt(value, ["dm", "allowFrom"]);
  if (isOff || !isShared || !isList(list)) return;
  const people = new Set(list.map((entry) => textOf(entry).trim()));
  if (people.size < 2 && !people.has("*")) return;
  remark(
    ["dm", "allowFrom"],
    `The direct messages of ${sharers(people)} share one memory, so the agent may tell one what ` +
      "another said",
    'set "session": { "dmScope": "auto" }: the owner keeps the shared memory, others get their own',
  );
}

/** Maximum number of users that the warning about a shared memory names. */
const SHARERS_NAMED = 5;

/** Names the users who share a memory. */
function sharers(people: ReadonlySet<string>): string {
  if (people.has("*")) return "all users";
  const named = [...people].slice(0, SHARERS_NAMED);
  const rest = people.size - named.length;
  return rest > 0 ? `${named.join(", ")} and ${rest} more` : named.join(", ");
}
