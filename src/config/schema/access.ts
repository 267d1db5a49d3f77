/** Keys of `channels.discord` that decide who may talk to the bot, and where. */

import { z } from "zod";
import { parseSnowflake, type Snowflake } from "../../core/discord/ids.ts";
import {
  type AllowEntryProblem,
  type GroupEntry,
  INTENT_DEFAULTS,
  type IntentKeys,
  parseAllowEntry,
  type SenderTools,
} from "../../policy/rules.ts";
import { amount, key, type KeyDoc, lazyKey, text, whole } from "./parts/key.ts";

/** A place inherits each key that it does not write. */
type FilterLevel = "account" | "guild" | "channel";

/** The section of an account, a guild or a channel. */
export const intentFilter = (
  level: FilterLevel,
  description: string,
  details: Omit<KeyDoc, "description">,
) => lazyKey(() => keysOf(level), description, details);

function keysOf(level: FilterLevel) {
  const own = <S extends z.ZodType>(
    name: keyof IntentKeys,
    schema: S,
    description: string,
    details: Pick<KeyDoc, "example" | "unit"> = {},
  ): z.ZodOptional<S> => {
    const unset = level === "account"
      ? `\`${JSON.stringify(INTENT_DEFAULTS[name])}\``
      : "that of the level above";
    return key(schema.optional(), description, { unset, ...details });
  };
  return z.strictObject({
    enabled: own(
      "enabled",
      z.boolean(),
      "Whether a local classifier decides if a message without a mention is meant for the bot. It " +
        "matters where `requireMention` is `false`.",
      { example: true },
    ),
    model: own(
      "model",
      z.literal("lightweight"),
      "The classifier, which is a part of the program.",
      { example: "lightweight" },
    ),
    respondThreshold: own(
      "respondThreshold",
      amount(0, 1),
      "Score of a message, from 0 to 1, from which on the bot answers.",
      { example: 0.8 },
    ),
    alwaysRespondToMentions: own(
      "alwaysRespondToMentions",
      z.boolean(),
      "Whether to answer every mention. With `false`, one that needs no answer, such as thanks, gets none.",
      { example: false },
    ),
  });
}

/** Prefixes of entries for people, which name no group. */
const PERSON = /^(?:<@|(?:user|discord|role|pk):)/i;

/**
 * Parses an entry of `dm.groupChannels`: a group DM that the bot may answer in (P4, P5).
 *
 * @param text `"*"`, `"<id>"`, `"channel:<id>"`, or a group's slug or exact name.
 */
export function parseGroupEntry(text: string): GroupEntry | AllowEntryProblem {
  const entry = text.trim();
  if (entry === "") return { kind: "problem", why: "An entry is blank" };
  if (entry === "*") return { kind: "any" };
  if (PERSON.test(entry)) {
    return { kind: "problem", why: `"${entry}" is not a group DM: users belong in allowFrom` };
  }
  const digits = /^(?:channel:(.*)|(\d+))$/is.exec(entry);
  if (!digits) return { kind: "name", name: entry };
  const id = parseSnowflake<"channel">(digits[1] ?? digits[2] ?? "");
  return id
    ? { kind: "channel", id }
    : { kind: "problem", why: `"${entry}" contains no Discord channel id` };
}

/** Which guilds the bot answers in (P6). */
export const groupPolicy = () => z.enum(["allowlist", "open", "disabled"]);

export const id = <Kind extends string>(): z.ZodType<Snowflake<Kind>, string> =>
  z.string().refine((written) => parseSnowflake(written) !== undefined, {
    error: "Expected a Discord id: 1 to 20 digits in quotes",
    params: {
      hint:
        "to copy one, switch on Developer Mode in Discord's settings, then right-click, Copy ID",
    },
  }) as unknown as z.ZodType<Snowflake<Kind>, string>;

/** An allow list: ids, names, roles, `"*"` (P4). */
export const people = () => listOfPeople(parseAllowEntry, ENTRY_FORMS);

const ENTRY_FORMS = 'write an id, "<@id>", "user:<id>", "role:<id>", a username, or "*"';

/** An allow list of direct messages, in which no one has a role. */
const peopleInDms = () =>
  listOfPeople((written) => {
    const entry = parseAllowEntry(written);
    if (entry.kind !== "role" && entry.kind !== "role_name") return entry;
    const why = `${JSON.stringify(written)} matches no one: a direct message has no roles`;
    return { kind: "problem", why };
  }, 'write an id, "<@id>", "user:<id>", a username, or "*"; roles work in guilds.<id>.users');

const listOfPeople = (parse: typeof parseAllowEntry, hint: string) => z.array(entryOf(parse, hint));

/** An entry of a list, as `parse` reads it. */
const entryOf = <Entry extends { readonly kind: string }>(
  parse: (written: string) => Entry | AllowEntryProblem,
  hint: string,
) =>
  z.string().transform((written, context): Entry => {
    const entry = parse(written);
    if (isProblem(entry)) {
      // The rules of the object around it still apply, so all problems come at once (C2).
      context.addIssue({ code: "custom", message: entry.why, params: { hint }, continue: true });
      return z.NEVER;
    }
    return entry;
  });

function isProblem(entry: { readonly kind: string }): entry is AllowEntryProblem {
  return entry.kind === "problem";
}

/** A record without prototype, so that a channel named `constructor` finds no rule. */
export function withoutPrototype<Value>(
  record: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  return Object.assign(Object.create(null), record);
}

const TOOL_NAMES = 'names of tools, groups such as `group:web`, or `"*"`';

/** Lists of tools; `above` says which tools they change (T2). */
export const toolLists = (above: string): {
  readonly allow: z.ZodOptional<z.ZodArray<z.ZodString>>;
  readonly alsoAllow: z.ZodOptional<z.ZodArray<z.ZodString>>;
  readonly deny: z.ZodOptional<z.ZodArray<z.ZodString>>;
} => ({
  allow: key(
    z.array(text()).optional(),
    `Allow only these of ${above}: ${TOOL_NAMES}; \`[]\` allows none.`,
    { unset: `all of ${above}`, example: ["group:discord", "web_fetch"] },
  ),
  alsoAllow: key(
    z.array(text()).optional(),
    `Allow these tools in addition to ${above}.`,
    { unset: "none", example: ["web_search"] },
  ),
  deny: key(
    z.array(text()).optional(),
    "Deny these tools, even if another key allows them.",
    { unset: "none", example: ["exec"] },
  ),
});

export const toolsWithin = (above: string): z.ZodObject<ReturnType<typeof toolLists>> =>
  z.strictObject(toolLists(above));

const ABOVE_PLACES = "the tools that `tools` and the agent's `tools` allow";

const toolsHere = (place: string) => ({
  tools: lazyKey(
    () => toolsWithin(ABOVE_PLACES),
    `Tools of turns in this ${place}.`,
    { example: { deny: ["exec"] }, task: "agents" },
  ),
  toolsBySender: lazyKey(
    () => z.record(text(), toolsWithin(ABOVE_PLACES)).transform(sendersOfTools),
    `Tools by sender in this ${place}, instead of its \`tools\`. Keys are written as in \`users\`. ` +
      'Of the matching ones, the most exact applies: id, name, role, then `"*"`.',
    { example: { "*": { deny: ["exec"] } }, entry: "<sender>", task: "agents" },
  ),
});

function sendersOfTools(
  record: Readonly<Record<string, SenderTools["lists"]>>,
  context: z.RefinementCtx,
): readonly SenderTools[] {
  return Object.entries(record).flatMap(([key, lists]): readonly SenderTools[] => {
    const who = parseAllowEntry(key);
    if (who.kind !== "problem") return [{ key, who, lists }];
    context.addIssue({
      code: "custom",
      path: [key],
      message: who.why,
      params: { hint: ENTRY_FORMS },
      continue: true,
    });
    return [];
  });
}

const threadKeys = () =>
  z.strictObject({
    auto: key(
      z.enum(["off", "mention", "all"]).default("off"),
      "Which answers open a thread on the message that they answer. `mention`: those to mentions. " +
        "`all`: all answers. The conversation continues there without mentions.",
      { example: "mention" },
    ),
    title: key(
      z.enum(["words", "model"]).default("words"),
      "Source of the title. `words`: the first words of the message. `model`: a request to " +
        "the model.",
      { example: "model" },
    ),
    archiveAfterMin: key(
      whole(60, 10_080).default(1_440),
      "Time without a message until Discord archives the thread. Discord knows 60, 1440, 4320 and " +
        "10080; others are rounded up.",
      { unit: "minutes", example: 60 },
    ),
  });

const threadsHere = (place: "guild" | "channel") => ({
  threads: lazyKey(threadKeys, `Threads for answers in this ${place}.`, {
    example: { auto: "mention" },
  }),
});

const channelKeys = () =>
  z.strictObject({
    allow: key(
      z.boolean().optional(),
      "Whether the bot answers in this channel. `false` keeps it silent under every policy.",
      { unset: "`true`", example: true },
    ),
    enabled: key(
      z.boolean().optional(),
      "Same as `allow`; `false` in either keeps the bot silent.",
      { unset: "`true`", example: true },
    ),
    requireMention: key(
      z.boolean().optional(),
      "Whether the bot answers only messages that mention it.",
      { unset: "the guild's `requireMention`", example: false, isCommon: true },
    ),
    users: key(
      people().optional(),
      "Who may talk to the bot in this channel, by id, name or role. It replaces the guild's list; " +
        "`[]` lets no one in.",
      { unset: "the guild's `users`", example: ["123456789012345678"] },
    ),
    systemPrompt: key(
      z.string().optional(),
      "Instructions that the model gets for this channel, in addition to the agent's prompt.",
      { example: "Keep answers short.", isCommon: true },
    ),
    skills: key(
      z.array(text()).optional(),
      "Skills that turns in this channel may use; `[]` allows none.",
      { unset: "all", example: ["search"] },
    ),
    ...threadsHere("channel"),
    ...toolsHere("channel"),
    intentFilter: intentFilter("channel", "The intent filter for this channel.", {
      example: { enabled: false },
    }),
  });

export const guild = z.strictObject({
  slug: key(
    text().optional(),
    "A short name for the guild in lists and logs. It does not change which guild the entry matches.",
    { example: "friends" },
  ),
  requireMention: key(
    z.boolean().optional(),
    "Whether the bot answers only messages that mention it. A reply to the bot counts as a mention.",
    { unset: "`true`", example: true },
  ),
  users: key(
    people().optional(),
    "Who may talk to the bot in this guild, by id, name or role; `[]` lets no one in.",
    {
      unset: "every member",
      example: ["123456789012345678", "role:123456789012345679"],
      isCommon: true,
    },
  ),
  channels: lazyKey(
    () => z.record(text(), channelKeys()).transform(withoutPrototype),
    'Channels that the bot answers in, by id, slug or name. `"*"` stands for all others, and gives ' +
      "defaults to listed ones. If set, channels that are not listed are denied.",
    {
      unset: "every channel",
      example: { help: { requireMention: false } },
      isCommon: true,
      entry: "<channel>",
    },
  ),
  reactionNotifications: key(
    z.enum(["off", "own", "all", "allowlist"]).default("own"),
    "Reactions that the agent learns of in its next turn. `off`: none. `own`: those on the bot's " +
      "messages. `all`: all. `allowlist`: those of `users`, on all messages.",
  ),
  ...threadsHere("guild"),
  ...toolsHere("guild"),
  intentFilter: intentFilter("guild", "The intent filter for this guild.", {
    example: { enabled: false },
  }),
});

const dmKeys = {
  enabled: key(
    z.boolean().default(true),
    "Whether the bot answers direct messages and group DMs. `false` ignores them all.",
  ),
  policy: key(
    z.enum(["pairing", "allowlist", "open", "disabled"]).default("pairing"),
    "Who can DM the bot. `pairing`: users in `allowFrom` and paired users; others get a code. " +
      '`allowlist`: users in `allowFrom`. `open`: anyone; `allowFrom` must contain `"*"`. ' +
      "`disabled`: no one.",
    { isCommon: true },
  ),
  allowFrom: key(
    peopleInDms().default([]),
    'Users who can DM the bot, by id or name. `"*"` matches everyone.',
    { example: ["123456789012345678"], isCommon: true },
  ),
  groupEnabled: key(
    z.boolean().default(false),
    "Whether the bot answers in group DMs, under the same `policy` and `allowFrom`.",
  ),
  groupChannels: lazyKey(
    () => z.array(entryOf(parseGroupEntry, 'write an id, "channel:<id>", a slug, or "*"')),
    "Group DMs that the bot answers in, by id or name; `[]` allows none. It needs `groupEnabled`.",
    { unset: "every group DM", example: ["channel:123456789012345678"] },
  ),
};

/** `dm` of an account, before it inherits keys. */
export const ownDm = () => z.strictObject(dmKeys);

export const dm = () =>
  z.strictObject(dmKeys).superRefine(({ policy, allowFrom }, context) => {
    if (policy !== "open" || allowFrom.some(({ kind }) => kind === "anyone")) return;
    context.addIssue({
      code: "custom",
      path: ["policy"],
      message: 'The policy "open" lets anyone DM the bot, so "allowFrom" must contain "*"',
      params: { hint: 'add "allowFrom": ["*"], or choose another policy' },
    });
  });
