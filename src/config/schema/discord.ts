/**
 * `channels.discord`: keys, defaults and what is said of them.
 *
 * @module
 */

import { z } from "zod";
import { TOOL_GATES } from "../../core/tool_gates.ts";
import { isLoopbackHost } from "../../lib/network/loopback.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { amount, key, later, laterSection, lazySection, text, whole } from "./key.ts";
import { dm, groupPolicy, guild, id, INTENT_FILTER, intentFilter, ownDm } from "./access.ts";
import { gateway, ownRetry, rateLimit, rest, retry } from "./connection.ts";
import { secret, secretOrBlank } from "./secrets.ts";

/** What goes there carries a token, and what comes back decides who is heard. */
const pluralkitUrl = () =>
  z.url({ protocol: /^https?$/ }).refine((written) => {
    if (!URL.canParse(written)) return true; // which is told already
    const { protocol, hostname, username, password } = new URL(written);
    const isSafe = protocol === "https:" || isLoopbackHost(hostname);
    return isSafe && username === "" && password === "";
  }, {
    error: "Expected an address that begins with https://, without a password",
    params: { hint: "http:// is for this machine only, such as http://127.0.0.1:8080/v2" },
  });

const actions = () =>
  z.strictObject(Object.fromEntries(
    Object.entries(TOOL_GATES).map(([gate, isOpen]) => [
      gate,
      key(z.boolean().default(isOpen), `Whether the tool may use ${gate}.`),
    ]),
  ));

/** Until `models.providers.*.models.contextWindow` is built. */
const WINDOW = "This version counts on a window of 8,192 tokens, whatever the model.";

const RECONNECT = { takesEffect: "reconnect" } as const;
const DM = "Direct messages.";
const RETRY = "What is done about requests that fail.";

/** What an account may set, which is all but `accounts`. */
const accountKeys = {
  enabled: key(z.boolean().default(true), "`false` does not connect to Discord.", RECONNECT),
  token: key(
    secretOrBlank().optional(),
    'The bot token: `"${NAME}"`, `{ "file": "path" }`, or itself.',
    { unset: "`DISCORD_BOT_TOKEN`", example: "${DISCORD_BOT_TOKEN}", ...RECONNECT },
  ),
  name: key(text().max(100).optional(), "What the account is called in lists.", {
    unset: "its id",
    example: "Home",
  }),
  dm: key(dm().prefault({}), DM),
  dms: key(
    z.record(
      id(),
      z.strictObject({
        historyLimit: key(
          whole(0, 10_000).optional(),
          "How many of this user's turns the model sees, at most.",
          { unset: "`dmHistoryLimit`", example: 50 },
        ),
      }),
    ).default({}),
    "What holds for one user's direct messages, by id.",
  ),
  groupPolicy: key(
    groupPolicy().optional(),
    "Which guilds: those in `guilds`, every one, none. Mentions are required all the same.",
    { unset: '"allowlist"', example: "allowlist" },
  ),
  guilds: key(
    z.record(text(), guild).optional(),
    'Rules by guild: id, slug, name, or `"*"` for the rest. A guild that is not listed is denied.',
    { unset: "none", example: { "123456789012345678": { requireMention: true } } },
  ),
  historyLimit: key(
    whole(0, 500).optional(),
    "How many messages of a channel the model sees that were not said to the bot, at most; 0 is none. " +
      WINDOW,
    { unset: "`messages.groupChat.historyLimit`, else 20", example: 20 },
  ),
  dmHistoryLimit: key(
    whole(0, 10_000).optional(),
    "How many of the user's turns the model sees in direct messages, at most. " + WINDOW,
    { unset: "as many as fit", example: 50 },
  ),
  textChunkLimit: key(whole(2, 2_000).default(2_000), "Characters in one message, at most."),
  maxLinesPerMessage: key(whole(1, 2_000).default(17), "Lines in one message, where it can be."),
  chunkMode: key(
    z.enum(["length", "newline"]).default("length"),
    "Whether a reply is cut by length only, or each paragraph is a message.",
  ),
  allowedMentions: key(
    z.strictObject({
      users: key(
        z.enum(["context", "author", "none"]).default("context"),
        "Whom a reply may ping: the people of the conversation, its author, nobody.",
      ),
      roles: key(z.array(id()).default([]), "Ids of the roles that a reply may ping."),
    }).prefault({}),
    "Whom a reply may ping; never everybody.",
  ),
  gateway: key(gateway.prefault({}), "The connection to Discord.", RECONNECT),
  rest: key(rest.prefault({}), "Requests to Discord.", RECONNECT),
  retry: key(retry().prefault({}), RETRY, RECONNECT),
  allowBots: key(
    z.boolean().default(false),
    "Whether other bots are answered, where people would be; never another account of this file.",
  ),
  loopGuard: key(
    z.strictObject({
      maxTurns: key(whole(1, 100).default(6), "Messages by bots in a row, this one's among them."),
      muteMin: key(
        amount(0, 1_440).default(10),
        "Minutes of silence that follow, or less if a person writes.",
      ),
    }).prefault({}),
    "What ends a conversation between bots.",
  ),
  pluralkit: key(
    z.strictObject({
      enabled: key(z.boolean().default(false), "Whether proxied messages are looked up."),
      token: key(secret().optional(), "For private systems.", {
        unset: "none",
        example: "${PLURALKIT_TOKEN}",
      }),
      apiUrl: key(
        pluralkitUrl().default("https://api.pluralkit.me/v2"),
        "Where they are looked up: PluralKit, or a server in its place.",
      ),
    }).prefault({}),
    "Members of PluralKit systems as senders.",
  ),
  intentFilter: laterSection(
    () => intentFilter().prefault({}),
    "Deciding whether a message that mentions nobody is for the bot.",
    { built: "denies", denial: INTENT_FILTER },
  ),
  commands: key(
    z.strictObject({
      native: key(z.union([z.boolean(), z.literal("auto")]).optional(), "Over `commands.native`.", {
        unset: "as `commands.native` says",
        example: "auto",
      }),
      guildId: later(id().optional(), "Register commands in this guild only.", {
        example: "123456789012345678",
      }),
    }).prefault({}),
    "Slash commands of this bot.",
  ),
  presence: key(
    z.strictObject({
      status: key(
        z.enum(["online", "idle", "dnd", "invisible"]).default("online"),
        "The dot beside the name.",
      ),
      activity: key(
        text().max(128).optional(),
        "The line below the name, such as what the bot is doing.",
        { example: "reading the tide tables" },
      ),
    }).prefault({}),
    "How the bot is shown.",
    RECONNECT,
  ),
  actions: laterSection(() => actions().prefault({}), "What the `discord` tool may do."),
  execApprovals: laterSection(() =>
    z.strictObject({
      enabled: key(z.boolean().default(false), "Whether approvals are asked for by DM."),
      approvers: key(z.array(id()).default([]), "Ids of those who are asked."),
      agentFilter: key(z.array(text()).optional(), "Agents whose requests are sent.", {
        unset: "all",
        example: ["main"],
      }),
      sessionFilter: key(z.array(text()).optional(), "Sessions whose requests are sent.", {
        unset: "all",
        example: ["agent:main:main"],
      }),
      timeoutSec: key(whole(10, 86_400).default(600), "When a request expires as denied."),
    }).prefault({}), "Approving commands by DM."),
  configWrites: later(z.boolean().default(true), "`false` forbids `/config set` from Discord."),
  rateLimit: key(rateLimit.prefault({}), "Bounds of what waits to be sent.", RECONNECT),
  replyToMode: key(
    z.enum(["off", "first", "all"]).default("off"),
    "What is sent as a reply where the model asks for it: nothing, the first message, every one.",
  ),
  streaming: key(
    z.enum(["off", "edit"]).default("off"),
    "`edit` shows an answer while it is made, in a message that grows.",
  ),
  mediaMaxMb: key(
    amount(0, 500).default(8),
    "Size of a file that is sent, in megabytes, where Discord allows as much.",
  ),
};

/** One account, with all that it inherits. */
export const account = z.strictObject(accountKeys);

/** One account as it is written; rules between its keys hold for what it inherits, too. */
const ownKeys = () =>
  z.strictObject({
    ...accountKeys,
    dm: key(ownDm().prefault({}), DM),
    retry: key(ownRetry().prefault({}), RETRY, RECONNECT),
  });

/** The letters of an account's id end up in session keys and in labels of figures. */
const accountId = () =>
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "Expected a-z, 0-9, - and _, at most 64");

const accounts = () =>
  z.record(accountId(), ownKeys()).default({}).superRefine((written, context) => {
    const seen = new Map<string, string>();
    for (const name of Object.keys(written)) {
      const other = seen.get(name.toLowerCase());
      seen.set(name.toLowerCase(), name);
      if (other === undefined) continue;
      context.addIssue({
        code: "custom",
        path: [name],
        message: `${quoted(name)} and ${
          quoted(other)
        } are one account: upper and lower case are one`,
        params: { hint: "keep one of them" },
      });
    }
  });

/** `channels.discord`. */
export const discord = z.strictObject({
  ...accountKeys,
  accounts: lazySection(
    accounts,
    "More bot accounts by an id of yours; each has its own token and name, and inherits the rest " +
      "key by key. `default` is the one whose token stands above, or in the environment.",
  ),
});
