/**
 * `/allowlist`: shows who may talk to the bot, and adds or removes a person (P2, P10).
 *
 * A change is written to the config file, so it needs the same permission as `/config set`.
 */

import type { BotAccount } from "../../account/account.ts";
import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import type { CommandCall } from "../../core/inbound/inbound.ts";
import type { ListChange, ListChoice, NoList } from "../../core/names.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { privateText } from "../../render/sentences.ts";
import type { Command, CommandOption } from "../base/command.ts";
import { changeRefusal } from "./config.ts";

const noUserText = (id: string) => `Discord has no user ${id}.`;
const NO_LIST = "There is no list here: all members may talk to me.";

const user: CommandOption = {
  name: "user",
  description: "The person: a mention or an ID",
  type: "user",
  isRequired: true,
};

const list: CommandOption = {
  name: "list",
  description: "Which list; without it, the one that decides here",
  type: "text",
  choices: [
    { name: "here: who may talk to me in this place", value: "here" },
    { name: "server: the list of this server", value: "server" },
    { name: "dm: who may write me direct messages", value: "dm" },
    { name: "owners: who may change me", value: "owners" },
  ],
};

/** Shows, extends and shortens lists. */
export const allowlist: Command = {
  name: "allowlist",
  description: "Show or change who may talk to me, and my owners",
  subcommands: [
    { name: "list", description: "Show a list", options: [list] },
    { name: "add", description: "Let a person talk to me", options: [user, list] },
    { name: "remove", description: "Remove a person from a list", options: [user, list] },
  ],
  needs: "owner",
  async run(call, account) {
    const { subcommand, options, place, isText, sender } = call;
    const choice = choiceOf(options["list"]);
    const isOfDms = choice === "dm" || choice === "owners" ||
      (choice === "here" && place.kind !== "guild");
    // It names people who write in private.
    if (isText && isOfDms && place.kind !== "dm") {
      return privateText("allowlist");
    }
    if (subcommand !== "add" && subcommand !== "remove") {
      return await shown(call, choice, account);
    }
    const refusal = changeRefusal(account);
    if (refusal !== undefined) return refusal;
    const written = String(options["user"] ?? "");
    const userId = parseSnowflake<"user">(written);
    if (!userId) return noUserText(code(written));
    if (choice === "owners" && subcommand === "remove" && userId === sender.id) {
      return "Another owner can remove you: so I always have one.";
    }
    const { changePeople } = await import("../../flows/interactions/allowlists.ts");
    const change = await changePeople(account, call, choice, subcommand, userId);
    if (change.kind === "changed") {
      account.log.warn("An owner changed an allow list in Discord", {
        interactionId: call.id,
        by: sender.id,
        path: change.rule,
        change: subcommand,
        userId,
      });
    }
    return changed(change, subcommand, userId);
  },
};

function choiceOf(value: unknown): ListChoice {
  return value === "server" || value === "dm" || value === "owners" ? value : "here";
}

async function shown(call: CommandCall, choice: ListChoice, account: BotAccount): Promise<string> {
  const { peopleIn } = await import("../../flows/interactions/allowlists.ts");
  const { list, paired } = await peopleIn(account, call, choice);
  if (list.kind === "everyone" || list.kind === "no_guilds") {
    return NO_LIST;
  }
  if (list.kind !== "list") return noList(list, undefined);
  const { rule, entries } = list;
  const names = new Map(paired.map(({ userId, username }) => [userId, username]));
  const lines = entries.map(({ text, userId }) =>
    `– ${userId === undefined ? code(text) : personText(userId, text, names.get(userId))}`
  );
  const also = paired.map(({ userId, username }) => `– ${personText(userId, username)}`);
  const path = `\`${bounded(rule, 200)}\``;
  return [
    lines.length > 0 ? `${path} has these people:` : `${path} has no entries.`,
    ...fitting(lines, ENTRIES_CHARS),
    ...(also.length > 0
      ? ["Paired people may write to me, too:", ...fitting(also, PAIRED_CHARS)]
      : []),
  ].join("\n");
}

/** Characters of the lines of each of the two parts: both, with their heads, fit into a message. */
const ENTRIES_CHARS = 900;
const PAIRED_CHARS = 600;

/** The first lines that fit, and the number of the others. */
function fitting(lines: readonly string[], maxChars: number): readonly string[] {
  let chars = 0;
  const fits = lines.findIndex((line) => (chars += line.length + 1) > maxChars);
  return fits < 0 ? lines : [...lines.slice(0, fits), `… +${lines.length - fits}`];
}

/** A person as a mention, which Discord shows as a name, with the id and the names that are known. */
function personText(userId: UserId, ...names: readonly (string | undefined)[]): string {
  const known = names.filter((name) => name !== undefined && name !== userId);
  return [`<@${userId}>`, code(userId), ...known.map((name) => code(name ?? ""))].join(" ");
}

function code(text: string): string {
  return `\`${bounded(text.replaceAll("`", "'"), 60)}\``;
}

function changed(change: ListChange, how: "add" | "remove", userId: UserId): string {
  const person = personText(userId);
  switch (change.kind) {
    case "changed":
    case "unchanged": {
      const { kind, rule, hasEveryone, admitsNoOne, isUnpaired } = change;
      return [
        RESULTS[how][kind](person, `\`${bounded(rule, 200)}\``),
        ...(isUnpaired ? ["The pairing of this person has ended, too."] : []),
        ...(hasEveryone ? ["The list has `*`, so everyone may talk to me."] : []),
        ...(admitsNoOne ? ["The list is empty now, so I answer no one there."] : []),
      ].join(" ");
    }
    case "failed": {
      const { problem, command } = change;
      return `I cannot change my config file, so nothing has changed: ${bounded(problem, 800)}. ` +
        `A user who may write the file can run \`${command}\` on my machine.`;
    }
    case "no_user":
      return noUserText(code(userId));
    default:
      return how === "remove" && (change.kind === "everyone" || change.kind === "no_guilds")
        ? NO_LIST
        : noList(change, userId);
  }
}

const RESULTS = {
  add: {
    changed: (person: string, rule: string) => `${person} is now on ${rule}.`,
    unchanged: (person: string, rule: string) =>
      `${person} is on ${rule} already, so nothing has changed.`,
  },
  remove: {
    changed: (person: string, rule: string) => `${person} is not on ${rule} any more.`,
    unchanged: (person: string, rule: string) =>
      `${person} is not on ${rule}, so nothing has changed.`,
  },
};

/** @param userId The person to add; absent: the command only shows the list. */
function noList(list: NoList, userId: UserId | undefined): string {
  switch (list.kind) {
    case "everyone":
      return "There is no list here: all members may talk to me. A list would keep out all " +
        `others. If you want that, run \`${commandFor(list.rule, userId)}\` on my machine.`;
    case "no_guilds":
      return "My config lists no servers. A list would keep me silent in all servers that it does " +
        `not name. If you want that, run \`${commandFor(list.rule, userId)}\` on my machine.`;
    case "application":
      return "My owners are those of my application at Discord. A list would replace them. If you " +
        `want that, run \`${commandFor(list.rule, userId)}\` on my machine.`;
    case "closed":
      return `I answer no one there, because of \`${bounded(list.rule, 200)}\`.`;
    case "no_guild":
      return "Please use this command in the server itself.";
  }
}

function commandFor(rule: string, userId: UserId | undefined): string {
  return `barnacle config set '${rule}' '["${userId ?? "…"}"]'`;
}
