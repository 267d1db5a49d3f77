/**
 * `/allowlist`: shows who may talk to the bot, and adds or removes a person (P2, P10).
 *
 * A change is written to the config file, so it needs the same permission as `/config set`.
 */

import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { ListChange, ListChoice, NoList } from "../../core/people/people_list.ts";
import { bounded } from "../../lib/text/cut.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Command, CommandOption } from "../base/command.ts";
import type { AllowlistUses } from "../base/context.ts";

const user: CommandOption<AllowlistUses> = {
  name: "user",
  description: "The person: a mention or an ID",
  type: "user",
  isRequired: true,
};

const list: CommandOption<AllowlistUses> = {
  name: "list",
  description: "Which list; without it, the one that decides here",
  type: "text",
  choices: [
    { name: "here: who may talk to me in this place", value: "here" },
    { name: "server: the list of this server", value: "server" },
    { name: "dm: who may write me direct messages", value: "dm" },
  ],
};

/** Shows, extends and shortens lists. */
export const allowlist: Command<AllowlistUses> = {
  name: "allowlist",
  description: "Show or change who may talk to me",
  subcommands: [
    { name: "list", description: "Show a list", options: [list] },
    { name: "add", description: "Let a person talk to me", options: [user, list] },
    { name: "remove", description: "Remove a person from a list", options: [user, list] },
  ],
  needs: "owner",
  async run(call, context) {
    const { texts, config, allowlists, log } = context;
    const { subcommand, options, place, isText, sender } = call;
    const choice = choiceOf(options["list"]);
    const isOfDms = choice === "dm" || (choice === "here" && place.kind !== "guild");
    // It names people who write in private.
    if (isText && isOfDms && place.kind !== "dm") {
      return notice("commandPrivate", { name: "allowlist" }, texts());
    }
    if (subcommand !== "add" && subcommand !== "remove") return await shown(call, choice, context);
    const { reading, writing } = config.allows();
    if (!reading) return notice("allowlistOff", {}, texts());
    if (!writing) return notice("configReadOnly", {}, texts());
    const written = String(options["user"] ?? "");
    const userId = parseSnowflake<"user">(written);
    if (!userId) return notice("allowlistNoUser", { id: code(written) }, texts());
    const change = await allowlists.change(call, choice, subcommand, userId);
    if (change.kind === "changed") {
      log.warn("An owner changed an allow list in Discord", {
        interactionId: call.id,
        by: sender.id,
        path: change.rule,
        change: subcommand,
        userId,
      });
    }
    return changed(change, subcommand, userId, context);
  },
};

function choiceOf(value: unknown): ListChoice {
  return value === "server" || value === "dm" ? value : "here";
}

async function shown(
  call: CommandCall,
  choice: ListChoice,
  { allowlists, texts }: AllowlistUses,
): Promise<string> {
  const { list, paired } = await allowlists.show(call, choice);
  if (list.kind === "everyone" || list.kind === "no_guilds") {
    return notice("allowlistNone", {}, texts());
  }
  if (list.kind !== "list") return noList(list, undefined, texts());
  const { rule, entries } = list;
  const names = new Map(paired.map(({ userId, username }) => [userId, username]));
  const lines = entries.map(({ text, userId }) =>
    `– ${userId === undefined ? code(text) : personText(userId, text, names.get(userId))}`
  );
  const also = paired.map(({ userId, username }) => `– ${personText(userId, username)}`);
  const head = lines.length > 0 ? "allowlistEntries" : "allowlistEmpty";
  return [
    notice(head, { rule: bounded(rule, 200) }, texts()),
    ...fitting(lines, ENTRIES_CHARS),
    ...(also.length > 0
      ? [notice("allowlistPaired", {}, texts()), ...fitting(also, PAIRED_CHARS)]
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

function changed(
  change: ListChange,
  how: "add" | "remove",
  userId: UserId,
  { texts }: AllowlistUses,
): string {
  const person = personText(userId);
  switch (change.kind) {
    case "changed":
    case "unchanged": {
      const { kind, rule, hasEveryone, admitsNoOne, isUnpaired } = change;
      return [
        notice(RESULTS[how][kind], { person, rule: bounded(rule, 200) }, texts()),
        ...(isUnpaired ? [notice("allowlistUnpaired", {}, texts())] : []),
        ...(hasEveryone ? [notice("allowlistEveryone", {}, texts())] : []),
        ...(admitsNoOne ? [notice("allowlistAdmitsNoOne", {}, texts())] : []),
      ].join(" ");
    }
    case "failed": {
      const { problem, command } = change;
      return notice("allowlistFailed", { problem: bounded(problem, 800), command }, texts());
    }
    case "no_user":
      return notice("allowlistNoUser", { id: code(userId) }, texts());
    default:
      return how === "remove" && (change.kind === "everyone" || change.kind === "no_guilds")
        ? notice("allowlistNone", {}, texts())
        : noList(change, userId, texts());
  }
}

const RESULTS = {
  add: { changed: "allowlistAdded", unchanged: "allowlistPresent" },
  remove: { changed: "allowlistRemoved", unchanged: "allowlistAbsent" },
} as const;

/** @param userId The person to add; absent: the command only shows the list. */
function noList(
  list: NoList,
  userId: UserId | undefined,
  texts: ReturnType<AllowlistUses["texts"]>,
): string {
  switch (list.kind) {
    case "everyone":
      return notice("allowlistWouldClose", { command: commandFor(list.rule, userId) }, texts);
    case "no_guilds":
      return notice("allowlistWouldCloseAll", { command: commandFor(list.rule, userId) }, texts);
    case "closed":
      return notice("allowlistClosed", { rule: bounded(list.rule, 200) }, texts);
    case "no_guild":
      return notice("allowlistNoGuild", {}, texts);
  }
}

function commandFor(rule: string, userId: UserId | undefined): string {
  return `barnacle config set '${rule}' '["${userId ?? "…"}"]'`;
}
