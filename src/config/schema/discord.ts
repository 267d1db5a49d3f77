/** Keys of `channels.discord`, and the gates of tools (T3). */

import { z } from "zod";
import { STATUSES } from "../../core/discord/presence.ts";
import { GATE_DEFAULTS, TOOL_GATES } from "../../core/tool_names.ts";
import { isLoopbackHost } from "../../lib/network/addresses.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { amount, key, lazySection, text, whole, withoutSlash } from "./parts/key.ts";
import { dm, groupPolicy, guild, id, ownDm, withoutPrototype } from "./access.ts";
import { intentFilter } from "./intent_filter.ts";
import { CONNECTION, gateway, ownRetry, rateLimit, rest, retry } from "./connection.ts";
import { replyKeys } from "./messages.ts";
import { secret, secretOrBlank } from "./parts/secrets.ts";

/** `channels.discord.actions`: a switch for each gate. */
const actions = () =>
  z.strictObject(Object.fromEntries(
    Object.entries(TOOL_GATES).map(([gate, { isOpen, permits }]) => [
      gate,
      key(z.boolean().default(isOpen), `Whether tools may ${permits}.`),
    ]),
  ));

/** Requests there carry a token, and the responses decide who gets an answer. */
const pluralkitUrl = () =>
  z.url({ protocol: /^https?$/ }).refine((written) => {
    if (!URL.canParse(written)) return true; // z.url() has reported it
    const { protocol, hostname, username, password } = new URL(written);
    const isSafe = protocol === "https:" || isLoopbackHost(hostname);
    return isSafe && username === "" && password === "";
  }, {
    error: "Expected an address that begins with https://, without a password",
    params: { hint: "http:// is for this machine only, such as http://127.0.0.1:8080/v2" },
  }).overwrite(withoutSlash);

const ACCESS = { task: "access" } as const;
/** Of an account without `execApprovals`. */
const EXEC_APPROVALS = { enabled: false, approvers: [], timeoutSec: 600 };
const DM = "Rules for direct messages and group DMs.";

/** Keys of an account: all keys of `channels.discord` but `accounts`. */
const accountKeys = {
  enabled: key(
    z.boolean().default(true),
    "Whether the account connects to Discord; `false` stops it.",
    CONNECTION,
  ),
  token: key(
    secretOrBlank().optional(),
    'The bot token: `{ "file": "name" }` reads the file that `barnacle secret set` writes.',
    {
      unset: "`DISCORD_BOT_TOKEN` of the environment, for the account `default`",
      example: { file: "discord_token" },
      isCommon: true,
      ...CONNECTION,
    },
  ),
  name: key(text().max(100).optional(), "Name of the account in lists.", {
    unset: "its id",
    example: "Home",
    task: "connection",
  }),
  dm: key(dm().prefault({}), DM, ACCESS),
  dms: key(
    z.record(
      id<"user">(),
      z.strictObject({
        historyLimit: key(
          whole(0, 10_000).optional(),
          "Maximum number of this user's turns to give the model as context in direct messages.",
          { unset: "`dmHistoryLimit`", unit: "turns", example: 50 },
        ),
      }),
    ).default({}),
    "Settings for the direct messages of single users, by user id.",
    { example: { "123456789012345678": { historyLimit: 50 } }, entry: "<user id>", task: "agents" },
  ),
  groupPolicy: key(
    groupPolicy().optional(),
    "Guilds that the bot answers in. `allowlist`: those in `guilds`. `open`: every guild, unless " +
      "`guilds` is set; then those in `guilds`. `disabled`: none. A mention is still required.",
    { unset: '`"allowlist"`', example: "disabled", ...ACCESS },
  ),
  guilds: key(
    z.record(text(), guild).transform(withoutPrototype).optional(),
    'Guilds that the bot answers in, by id, slug or name; `"*"` stands for all others. Guilds that ' +
      "are not listed are denied.",
    {
      unset: "no guild, or every guild if `groupPolicy` is `open`",
      example: { "123456789012345678": { requireMention: true } },
      isCommon: true,
      entry: "<guild>",
      ...ACCESS,
    },
  ),
  historyLimit: key(
    whole(0, 500).optional(),
    "Maximum number of recent channel messages, not addressed to the bot, to give the model as " +
      "context. 0 disables.",
    {
      unset: "`messages.groupChat.historyLimit`, else `20`",
      unit: "messages",
      example: 50,
      isCommon: true,
      task: "agents",
    },
  ),
  dmHistoryLimit: key(
    whole(0, 10_000).optional(),
    "Maximum number of a user's turns to give the model as context in direct messages.",
    { unset: "as many as fit the context window", unit: "turns", example: 50, task: "agents" },
  ),
  ...replyKeys,
  gateway,
  rest,
  retry,
  allowBots: key(
    z.boolean().default(false),
    "Whether to answer other bots and webhooks under the same rules as people. Accounts in this " +
      "config never answer each other.",
    ACCESS,
  ),
  loopGuard: lazySection(
    () =>
      z.strictObject({
        maxTurns: key(
          whole(1, 100).default(6),
          "Number of messages by bots in a row, including one of this bot, that starts a mute.",
          { unit: "messages", example: 4 },
        ),
        muteMin: key(
          amount(0, 1_440).default(10),
          "How long the bot ignores other bots in that channel. A message by a person ends the " +
            "mute; a bot that asks meanwhile begins it anew, and each further mute is twice as long.",
          { unit: "minutes", example: 30 },
        ),
        feeds: key(
          z.array(id<"user">()).optional(),
          "Ids of webhooks and bots that never answer the bot, such as a feed of news. Their " +
            "messages do not count, unless they reply to the bot.",
          { unset: "none", example: ["123456789012345678"] },
        ),
      }).prefault({}),
    { maxTurns: 6, muteMin: 10 },
    "Ends endless conversations between bots.",
    ACCESS,
  ),
  pluralkit: lazySection(
    () =>
      z.strictObject({
        enabled: key(
          z.boolean().default(false),
          "Whether to ask PluralKit who sent a proxied message. `false` treats it as a webhook's.",
        ),
        token: key(secret().optional(), "PluralKit token, which private systems need.", {
          unset: "none",
          example: { file: "pluralkit_token" },
        }),
        apiUrl: key(
          pluralkitUrl().default("https://api.pluralkit.me/v2"),
          "Address of PluralKit's API, or of a server that replaces it.",
          { example: "http://127.0.0.1:8080/v2" },
        ),
      }).prefault({}),
    { enabled: false, apiUrl: "https://api.pluralkit.me/v2" },
    "Recognizes members of PluralKit systems as senders.",
    ACCESS,
  ),
  intentFilter: intentFilter(
    "account",
    "Decides whether a message without a mention is meant for the bot.",
    { example: { enabled: true }, ...ACCESS },
  ),
  commands: lazySection(
    () =>
      z.strictObject({
        native: key(
          z.union([z.boolean(), z.literal("auto")]).optional(),
          "Whether to register slash commands for this account. It overrides `commands.native`.",
          { unset: "`commands.native`", example: false },
        ),
        guildId: key(
          id<"guild">().optional(),
          "Guild in which to register slash commands. Discord shows changes there at once. Direct " +
            "messages and other guilds then have none.",
          { unset: "everywhere", example: "123456789012345678" },
        ),
      }).prefault({}),
    {},
    "Slash commands of this account.",
    ACCESS,
  ),
  presence: lazySection(
    () =>
      z.strictObject({
        status: key(
          z.enum(STATUSES).default("online"),
          "Online status that Discord shows for the bot.",
        ),
        activity: key(
          text().max(128).optional(),
          "Custom status below the bot's name, at most 128 characters.",
          { example: "reading the tide tables" },
        ),
      }).prefault({}),
    { status: "online" },
    "The bot's status at Discord.",
    CONNECTION,
  ),
  actions: lazySection(
    () => actions().prefault({}),
    GATE_DEFAULTS,
    "Gates of tools: Discord's features that tools may use. The model does not see a tool whose " +
      "gate is closed.",
    { task: "agents" },
  ),
  execApprovals: lazySection(
    () =>
      z.strictObject({
        enabled: key(
          z.boolean().default(false),
          "Whether to ask for approvals by DM. Without it, a command that needs one is denied.",
        ),
        approvers: key(z.array(id<"user">()).default([]), "Ids of the users to ask.", {
          example: ["123456789012345678"],
        }),
        agentFilter: key(z.array(text()).optional(), "Agents whose requests are sent.", {
          unset: "all",
          example: ["main"],
        }),
        sessionFilter: key(z.array(text()).optional(), "Sessions whose requests are sent.", {
          unset: "all",
          example: ["agent:main:main"],
        }),
        timeoutSec: key(
          whole(10, 86_400).default(EXEC_APPROVALS.timeoutSec),
          "How long a request stays open. After that, it counts as denied.",
          { unit: "seconds", example: 300 },
        ),
      }).prefault({}),
    EXEC_APPROVALS,
    "Asks the approvers by DM before the agent runs a command on the host.",
    { task: "agents" },
  ),
  configWrites: key(
    z.boolean().default(true),
    "Whether `/config set` in Discord may change the config.",
    { task: "operating" },
  ),
  rateLimit,
};

/** `channels.discord` as it applies to one account, with all inherited keys. */
export const account = z.strictObject(accountKeys);

/** An account's section as written; rules between its keys apply after inheritance. */
const ownKeys = () =>
  z.strictObject({
    ...accountKeys,
    dm: key(ownDm().prefault({}), DM, ACCESS),
    retry: ownRetry,
  });

/** Session keys and metric labels contain an account's id. */
const accountId = () =>
  z.string().regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    "Expected an id of a-z, 0-9, - and _, at most 64 characters",
  );

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
        message: `${quoted(name)} and ${quoted(other)} are the same account: case does not matter`,
        params: { hint: "remove or rename one of them" },
      });
    }
  });

export const discord = z.strictObject({
  ...accountKeys,
  accounts: lazySection(
    accounts,
    {},
    "More bot accounts, by an id of your choice. Each has its own `token` and `name`, takes any key " +
      "of `channels.discord`, and inherits the keys that it does not set. `default` is the account " +
      "of the token above or in the environment.",
    {
      example: { second: { token: { file: "second_token" } } },
      entry: "<account>",
      repeats: "channels.discord",
      task: "connection",
    },
  ),
});
