/**
 * Judges the keys that choose an agent: agents that do not exist, passive agents that can do nothing,
 * and equal claims (N1, N2).
 *
 * Equal claims are warnings: the order of the config decides between them, and the warning names both.
 */

import { toAccountId } from "../../core/discord/ids.ts";
import { isWrittenEmoji } from "../../core/discord/emoji.ts";
import { SLASH_COMMANDS } from "../../core/discord/registered_command.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { plainName } from "../../policy/rules/entries.ts";
import { ONLY_AGENT } from "../schema/router.ts";
import { DEFAULT_ACCOUNT, sectionsOf } from "../schema/accounts.ts";
import { entriesAt, isList, type Segment, textOf, valueAt } from "../text/tree.ts";
import type { AddRemark } from "./audit_account.ts";

const ASSIGNMENTS = ["router", "assignments"];

export function auditRouter(file: unknown, remark: AddRemark): void {
  const written = valueAt(file, ["agents", "list"]);
  const listed = isList(written) ? written.map((agent) => textOf(valueAt(agent, ["id"]))) : [];
  const agents = listed.length > 0 ? listed : [ONLY_AGENT];
  const assignments = entriesAt(file, ASSIGNMENTS);
  const passive = new Set(
    assignments.filter(([, entry]) => valueAt(entry, ["role"]) === "passive").map(([id]) => id),
  );
  const isKnown = (agentId: string, path: readonly Segment[]): boolean => {
    if (agents.includes(agentId)) return true;
    const hint = `the agents are ${agents.map((id) => quoted(id)).join(", ")}`;
    remark(path, `There is no agent ${quoted(agentId)}`, hint, "error");
    return false;
  };
  const known = assignments.filter(([id]) => isKnown(id, [...ASSIGNMENTS, id]));
  const hasTextCommands = valueAt(file, ["commands", "text"]) !== false;
  roles(known, hasTextCommands ? SLASH_COMMANDS : [], remark); // a trigger never gets them
  if (agents.every((id) => passive.has(id))) {
    const message = "Every agent is passive, so none answers";
    remark([...ASSIGNMENTS, agents[0] ?? ONLY_AGENT, "role"], message, "make one active", "error");
  }
  const active = agents.filter((id) => !passive.has(id));
  assignedTwice(known, active, remark);
  auditBindings(file, { isKnown, passive }, remark);
  namedTwice(file, passive, remark);
}

type Assignments = ReturnType<typeof entriesAt>;

/** Passive agents that can do nothing, and triggers of agents that answer anyway. */
function roles(assignments: Assignments, taken: readonly string[], remark: AddRemark): void {
  for (const [id, entry] of assignments) {
    const here = [...ASSIGNMENTS, id];
    const triggers = valueAt(entry, ["triggers"]);
    const hasTriggers = isList(triggers) && triggers.length > 0;
    if (valueAt(entry, ["role"]) === "passive") {
      passiveFaults(here, entry, taken, remark);
    } else if (hasTriggers) {
      const hint = 'set "role": "passive", or remove the triggers';
      remark([...here, "triggers"], `${quoted(id)} is active, so its triggers do nothing`, hint);
    }
  }
}

/** A passive agent without a trigger or a channel does nothing. */
function passiveFaults(
  here: readonly Segment[],
  entry: unknown,
  taken: readonly string[],
  remark: AddRemark,
): void {
  const role = [...here, "role"];
  const triggers = valueAt(entry, ["triggers"]);
  const channels = valueAt(entry, ["channels"]);
  if (!isList(triggers) || triggers.length === 0) {
    const hint = 'add "triggers", such as [{ "pattern": "\\\\bspam\\\\b" }]';
    remark(role, "A passive agent without triggers never acts", hint, "error");
    return;
  }
  if (!isList(channels) || channels.length === 0) {
    remark(role, "A passive agent without channels watches nothing", 'add "channels"', "error");
  }
  for (const [index, trigger] of triggers.entries()) {
    const at = [...here, "triggers", index];
    const emoji = valueAt(trigger, ["reaction"]);
    if (typeof emoji === "string" && !isWrittenEmoji(emoji)) {
      const hint = 'such as "👍", or "<:name:id>" for a server\'s own';
      remark([...at, "reaction"], "Expected one emoji", hint, "error");
    }
    const command = valueAt(trigger, ["command"]);
    if (typeof command === "string" && !/^\/?[\w-]{1,32}$/.test(command)) {
      const hint = 'such as "standup"';
      remark([...at, "command"], "Expected a name of letters, digits, - and _", hint, "error");
    } else if (taken.includes(textOf(command).replace(/^\//, "").toLowerCase())) {
      const message = `Barnacle has a command ${
        quoted(textOf(command))
      } itself, so this never matches`;
      remark([...at, "command"], message, "choose another name");
    }
  }
}

/** Channels that two active agents have. Spellings of one name are one channel. */
function assignedTwice(
  assignments: Assignments,
  active: readonly string[],
  remark: AddRemark,
): void {
  const entries = new Map(assignments);
  const holders = new Map<string, { readonly agentId: string; readonly written: string }>();
  for (const agentId of active) {
    const channels = valueAt(entries.get(agentId), ["channels"]);
    for (const [index, channel] of isList(channels) ? channels.entries() : []) {
      const written = textOf(channel);
      const key = plainName(written);
      const holder = holders.get(key);
      if (holder === undefined) holders.set(key, { agentId, written });
      else if (holder.agentId !== agentId) {
        remark(
          [...ASSIGNMENTS, agentId, "channels", index],
          `The agents ${quoted(holder.agentId)} and ${quoted(agentId)} both have the channel ` +
            `${quoted(written)}; ${quoted(holder.agentId)} answers there`,
          "remove it from one of them; the order of agents.list decides",
        );
      }
    }
  }
}

function auditBindings(
  file: unknown,
  { isKnown, passive }: {
    readonly isKnown: (agentId: string, path: readonly Segment[]) => boolean;
    readonly passive: ReadonlySet<string>;
  },
  remark: AddRemark,
): void {
  const list = valueAt(file, ["bindings"]);
  const accounts = new Set([DEFAULT_ACCOUNT, ...sectionsOf(file).map(({ id }) => id)]);
  const first = new Map<string, { readonly agentId: string; readonly index: number }>();
  for (const [index, binding] of isList(list) ? list.entries() : []) {
    const agentId = textOf(valueAt(binding, ["agentId"]));
    const here = ["bindings", index];
    if (!isKnown(agentId, [...here, "agentId"])) continue;
    if (passive.has(agentId)) {
      const hint = "a passive agent watches the channels of its assignment, and answers nothing";
      remark([...here, "agentId"], `${quoted(agentId)} is passive, so this does nothing`, hint);
      continue;
    }
    const written = valueAt(binding, ["match", "accountId"]);
    const accountId = typeof written === "string" ? toAccountId(written) : undefined;
    if (accountId !== undefined && !accounts.has(accountId)) {
      const hint = `the accounts are ${[...accounts].map((id) => quoted(id)).join(", ")}`;
      remark([...here, "match", "accountId"], `There is no account ${quoted(accountId)}`, hint);
    }
    const keys = ["guildId", "channelId", "userId"];
    const key = JSON.stringify([
      accountId,
      ...keys.map((name) => valueAt(binding, ["match", name])),
    ]);
    const other = first.get(key);
    if (!other) first.set(key, { agentId, index });
    else if (other.agentId !== agentId) {
      remark(
        here,
        `The agents ${quoted(other.agentId)} and ${quoted(agentId)} are bound to the same ` +
          `messages; ${quoted(other.agentId)} answers them, by bindings[${other.index}]`,
        "remove one of them; the first one applies",
      );
    }
  }
}

/** Names and patterns that two agents share, so that a message names both. */
function namedTwice(file: unknown, passive: ReadonlySet<string>, remark: AddRemark): void {
  const list = valueAt(file, ["agents", "list"]);
  const isShared = valueAt(file, ["messages", "groupChat", "mentionPatterns"]) !== undefined;
  const holders = new Map<string, string>();
  const hold = (key: string, agentId: string, path: readonly Segment[]): void => {
    const holder = holders.get(key);
    if (holder === undefined) holders.set(key, agentId);
    else if (holder !== agentId) {
      remark(
        path,
        `The same words name the agents ${quoted(holder)} and ${quoted(agentId)}; ` +
          `${quoted(holder)} answers`,
        "give one of them another name, or other mentionPatterns",
      );
    }
  };
  for (const [index, agent] of isList(list) ? list.entries() : []) {
    const agentId = textOf(valueAt(agent, ["id"]));
    if (passive.has(agentId)) continue;
    const here = ["agents", "list", index];
    const own = valueAt(agent, ["groupChat", "mentionPatterns"]);
    const name = valueAt(agent, ["name"]);
    if (isList(own)) {
      for (const [at, pattern] of own.entries()) {
        const path = [...here, "groupChat", "mentionPatterns", at];
        hold(`pattern ${textOf(pattern).toLowerCase()}`, agentId, path);
      }
    } else if (!isShared && typeof name === "string" && name.trim() !== "") {
      const plain = name.trim().toLowerCase().replace(/\s+/g, " ");
      hold(`name ${plain}`, agentId, [...here, "name"]);
    }
  }
}
