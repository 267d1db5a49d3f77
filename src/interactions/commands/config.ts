/**
 * `/config`: reads and changes the config file (K4).
 *
 * It needs `commands.config`, an owner, and for a change `configWrites`. The whole file is checked
 * before a change is written. No answer contains a secret.
 *
 * `/allowlist`: shows who may talk to the bot, and adds or removes a person (P2, P10).
 *
 * A change is written to the config file, so it needs the same permission as `/config set`.
 *
 * `/approve`: decides commands that wait for an approver (A4).
 *
 * It decides the same rows as the buttons and `barnacle approvals`. As on a card, a person allows
 * only what Discord can show them whole.
 */

import type { BotAccount } from "../../account/account.ts";
import type { ReferenceKey } from "../../config/reference.ts";
import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import type { CommandCall } from "../../core/inbound/inbound.ts";
import type { ListChange, ListChoice, NoList } from "../../core/names.ts";
import { ALLOW_ALWAYS, ALLOW_ONCE, DENY, type StoredQuestion } from "../../core/people/question.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { isShown, settledContent, withVisibleCharacters } from "../../render/questions/card.ts";
import { CONFIG_READ_ONLY, privateText, tooLongToShow } from "../../render/sentences.ts";
import { type Choice, choicesFor, type Command, type CommandOption } from "../base/command.ts";

const OFF =
  "Commands may not read or change the config. To allow that, set `commands.config` to true in the config file.";

/** Whether `/config` is allowed: it needs `commands.config`, and a file. */
function mayRead({ config, settings }: BotAccount): boolean {
  return config().discord.configCommand !== "off" && settings.configFile !== undefined;
}

/** Why commands may not change the config; `undefined` if they may. */
function changeRefusal(account: BotAccount): string | undefined {
  if (!mayRead(account)) return OFF;
  return account.config().discord.configCommand === "write" ? undefined : CONFIG_READ_ONLY;
}

/** The word after a value that needs a second press. */
export const ANYWAY = " anyway";

/** The answer to a change that needs {@link ANYWAY}. */
export const CLOSES_DMS =
  "Nothing has changed: I would not answer you here. It can be changed back in a server or in the config.";

/**
 * Writes a value. One that closes direct messages, in which the asker writes, needs a second press.
 *
 * @param isSure Whether it is the second press.
 * @returns Why nothing has changed; `undefined` if the value counts.
 */
export async function setKey(
  account: BotAccount,
  { place }: CommandCall,
  path: string,
  value: string | undefined,
  isSure: boolean,
): Promise<string | undefined> {
  const { accountId, settings: { configFile } } = account;
  const refusal = changeRefusal(account);
  if (refusal !== undefined) return refusal;
  if (!isSure && place.kind !== "guild" && await configFile?.closesDms(accountId, path, value)) {
    return CLOSES_DMS;
  }
  return await configFile?.set(path, value);
}

let paths: readonly Choice[] | undefined;

/** Made for the first person who types a path: the schema takes milliseconds. */
async function allPaths(): Promise<readonly Choice[]> {
  const { referenceKeys } = await import("../../config/reference.ts");
  const { configSchema } = await import("../../config/schema/root.ts");
  return paths ??= pathsOf(referenceKeys(configSchema));
}

function pathsOf(keys: readonly ReferenceKey[]): readonly Choice[] {
  return keys.flatMap(({ path, keys: below }) => [{ name: path, value: path }, ...pathsOf(below)]);
}

const missingText = (path: string) => `The config file has no \`${path}\`.`;

const path: CommandOption = {
  name: "path",
  description: "Path of a key: commands.native",
  type: "text",
  isRequired: true,
  suggest: async (typing, account) =>
    mayRead(account) ? choicesFor(typing.typed.text, await allPaths()) : [],
};

/** Reads, sets and removes keys. */
export const config: Command = {
  name: "config",
  description: "Read or change my config file",
  subcommands: [
    { name: "get", description: "Show one key", options: [path] },
    {
      name: "set",
      description: "Set a key, after a check of the whole file",
      options: [path, {
        name: "value",
        description: "JSON, or a text without quotation marks",
        type: "text",
        isRequired: true,
      }],
    },
    { name: "unset", description: "Remove a key", options: [path] },
  ],
  needs: "owner",
  isPrivate: true,
  isOffered: mayRead,
  async run(call, account) {
    const { id, sender, subcommand, options } = call;
    if (!mayRead(account)) return OFF;
    const at = String(options["path"] ?? "").trim();
    if (subcommand === "get") return await shown(at, account);
    const refusal = changeRefusal(account);
    if (refusal !== undefined) return refusal;
    const { accountId, settings: { configFile } } = account;
    const given = subcommand === "set" ? String(options["value"] ?? "") : undefined;
    if (given === undefined && await configFile?.get(at) === undefined) return missingText(at);
    const bare = given?.endsWith(ANYWAY) ? given.slice(0, -ANYWAY.length) : undefined;
    // A text of another key may end with the word.
    const isSure = bare !== undefined && await configFile?.closesDms(accountId, at, bare) === true;
    const value = isSure ? bare : given;
    const problem = await setKey(account, call, at, value, isSure);
    if (problem === CLOSES_DMS) {
      return value === undefined
        ? `${problem} Remove it there.`
        : `${problem}\nTo do it: \`/config set ${at} ${cut(value)}${ANYWAY}\``;
    }
    if (problem !== undefined) return `Nothing has changed: ${cut(problem)}`;
    account.log.warn("An owner changed the config in Discord", {
      interactionId: id,
      by: sender.id,
      path: at,
      change: subcommand ?? "",
    });
    return `The config file is changed at \`${at}\`.`;
  },
};

async function shown(path: string, { settings }: BotAccount): Promise<string> {
  const value = await settings.configFile?.get(path);
  if (value === undefined) return missingText(cut(path));
  return `\`\`\`json\n${cut(value.replaceAll("```", "'''"))}\n\`\`\``;
}

/** Fits into an answer, with its fence. */
function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

const MAX_SHOWN = 1_800;

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
      return await shownList(call, choice, account);
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

async function shownList(
  call: CommandCall,
  choice: ListChoice,
  account: BotAccount,
): Promise<string> {
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

const WAITING = "These commands wait for your decision. To decide: `/approve <id> <decision>`";

/** Decisions, by the words that OpenClaw takes. */
const DECISIONS: ReadonlyMap<string, string> = new Map([
  ...["allow-once", "allow", "once"].map((word) => [word, ALLOW_ONCE] as const),
  ...["allow-always", "always"].map((word) => [word, ALLOW_ALWAYS] as const),
  ...["deny", "reject", "block"].map((word) => [word, DENY] as const),
]);

/** Lists the approvals that wait for the asker, and decides one. */
export const approve: Command = {
  name: "approve",
  description: "Allow or deny a command that waits for an approval",
  options: [
    {
      name: "id",
      description: "ID on the card",
      type: "text",
      suggest: async (typing, account) =>
        choicesFor(
          typing.typed.text,
          (await openFor(typing, account)).map((one) => ({
            name: `${one.code} · ${previewOf(one)}`,
            value: one.code,
          })),
        ),
    },
    {
      name: "decision",
      description: "Whether to allow it",
      type: "text",
      choices: [
        { name: "Allow once", value: "allow-once" },
        { name: "Always allow", value: "allow-always" },
        { name: "Deny", value: "deny" },
      ],
    },
  ],
  needs: "approver",
  isPrivate: true,
  inOrder: ordered,
  async run(call, account) {
    const { id, decision } = call.options;
    const open = await openFor(call, account);
    if (typeof id !== "string") return listOf(open);
    const code = id.trim().toUpperCase();
    const found = open.find((one) => one.code === code);
    const unknown = () =>
      `\`${bounded(code.replaceAll("`", "'"), 40)}\` is unknown, decided or expired.`;
    if (!found) return unknown();
    const choice = DECISIONS.get(String(decision));
    if (choice === undefined) return listOf([found]);
    if (choice !== DENY && !isShown(found.question)) {
      return tooLongToShow(code);
    }
    const { decideQuestion } = await import("../../flows/questions/cards.ts");
    const outcome = await decideQuestion(account, {
      accountId: call.accountId,
      by: { code },
      userId: call.sender.id,
      answer: { choice },
      now: account.now(),
    });
    switch (outcome.kind) {
      case "decided":
        account.log.info("An approval was decided by a command", {
          interactionId: call.id,
          code,
          choice,
          userId: call.sender.id,
        });
        return settledContent(outcome.question).text;
      case "no_choice":
        return `\`${code}\` can only be allowed once, or denied.`;
      default:
        return unknown();
    }
  },
};

/**
 * The words with the ID first and a decision of {@link approve}, since OpenClaw takes both orders and
 * more words.
 */
function ordered(words: string): string {
  const parts = words.trim().split(/\s+/, 3).map((part) => part.replace(/^(?:id|decision):/i, ""));
  const at = parts.findIndex((part) => DECISIONS.has(part.toLowerCase()));
  if (parts.length > 2 || at < 0) return words;
  const choice = DECISIONS.get(parts[at]?.toLowerCase() ?? "");
  const decision = choice === ALLOW_ONCE
    ? "allow-once"
    : choice === ALLOW_ALWAYS
    ? "allow-always"
    : "deny";
  return `${parts[1 - at] ?? ""} ${decision}`;
}

/** The open approvals that a person may decide. */
async function openFor(
  { accountId, sender }: CommandCall,
  { store: { questions }, now }: BotAccount,
): Promise<readonly StoredQuestion[]> {
  const open = await questions.open(now(), accountId);
  return open.filter(({ question: { kind, asked } }) =>
    kind === "approval" && (asked === "anyone" || asked.includes(sender.id))
  );
}

function listOf(open: readonly StoredQuestion[]): string {
  if (open.length === 0) return "No command waits for your decision.";
  const [only, second] = open;
  if (only && !second && isShown(only.question) && only.question.exact !== undefined) {
    return `${WAITING}\n\`${only.code}\`\n\`\`\`\n${
      withVisibleCharacters(only.question.exact)
    }\n\`\`\``;
  }
  const lines = open.slice(0, SHOWN).map((one) => `– \`${one.code}\` \`${previewOf(one)}\``);
  return [WAITING, ...lines].join("\n");
}

const SHOWN = 10;

/** The beginning of a command in one line, as code. */
function previewOf({ question: { exact, text } }: StoredQuestion): string {
  return bounded(
    withVisibleCharacters(exact ?? text).replaceAll("\n", " ").replaceAll("`", "'"),
    80,
  );
}
