/** Keys of `channels.discord`, and the gates of tools (T3). */

import { z } from "zod";
import { STATUSES } from "../../core/discord/gateway.ts";
import { TOOL_GATES } from "../../core/tool_names.ts";
import { isLoopbackHost } from "../../lib/network/addresses.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { dm, groupPolicy, guild, id, intentFilter, ownDm, withoutPrototype } from "./access.ts";
import { replyKeys } from "./messages.ts";
import { amount, key, lazySection, text, whole, withoutSlash } from "./parts/key.ts";
import { secret, secretOrBlank } from "./parts/secrets.ts";

export const store = lazySection(
  "store",
  () =>
    z.strictObject({
      retention: key(
        z.strictObject({
          decisionsDays: key(
            whole(0, 36_500).default(30),
            "How long to keep decisions: why the bot answered a message or did not. 0 keeps them for " +
              "ever. Of more than 200,000, the oldest go in any case.",
            { unit: "days", example: 90 },
          ),
          contextDays: key(
            whole(0, 36_500).default(14),
            "How long to keep messages that were not addressed to the bot, at most 200 of each channel. " +
              "0 keeps them for ever.",
            { unit: "days", example: 3 },
          ),
          mediaDays: key(
            whole(0, 36_500).default(7),
            "How long to keep files of people that the agent has read, and files that never reached " +
              "Discord. 0 keeps them for ever.",
            { unit: "days", example: 30 },
          ),
          transcriptsDays: key(
            whole(0, 36_500).default(0),
            "How long to keep transcripts: answered messages with their answers and the results of " +
              "tools. 0 keeps them for ever, within `maxMb`.",
            { unit: "days", example: 365 },
          ),
          usageDays: key(
            whole(0, 36_500).default(400),
            "How long to keep tokens, money and time of model requests, which `/usage` and `barnacle " +
              "usage` show. 0 keeps them for ever.",
            { unit: "days", example: 90 },
          ),
          maxMb: key(
            whole(16, 10_000_000).default(2_048),
            "Size of the stored data beyond which the oldest transcripts are deleted, except those of " +
              "the last day. The file itself does not shrink; its free pages are used again.",
            { unit: "megabytes", example: 512 },
          ),
        }).prefault({}),
        "How long to keep records, in days.",
      ),
    }).prefault({}),
  "The store.",
  { task: "operating", takesEffect: "restart" },
);

/** The page of these keys, and the effect of a change. */
const CONNECTION = { task: "connection", takesEffect: "reconnect" } as const;

/** Discord's intents in lower case; `reactions` stands for those of guilds and of DMs (G9). */
const INTENTS = [
  "guilds",
  "guild_members",
  "guild_moderation",
  "guild_expressions",
  "guild_integrations",
  "guild_webhooks",
  "guild_invites",
  "guild_voice_states",
  "guild_presences",
  "guild_messages",
  "guild_message_reactions",
  "guild_message_typing",
  "direct_messages",
  "direct_message_reactions",
  "direct_message_typing",
  "message_content",
  "guild_scheduled_events",
  "auto_moderation_configuration",
  "auto_moderation_execution",
  "guild_message_polls",
  "direct_message_polls",
  "reactions",
] as const;

const reconnect = lazySection(
  "gateway.reconnect",
  () =>
    z.strictObject({
      enabled: key(
        z.boolean().default(true),
        "Whether to reconnect after a lost connection. `false` gives up at the first one.",
      ),
      maxRetries: key(
        whole(1, 1_000).default(10),
        "Failed attempts in a row before the account counts as down. From then on, Barnacle waits " +
          "the longest delay between attempts (`backoffMaxSec`, but at most 8 seconds before a resume), " +
          "or exits if `exitOnGiveUp` is set.",
        { unit: "attempts", example: 5 },
      ),
      backoffBase: key(
        amount(1, 10).default(1.5),
        "Factor by which the delay grows after each failed attempt. The first delay is at most a second.",
        { example: 2 },
      ),
      backoffMaxSec: key(
        amount(1, 3_600).default(60),
        "Maximum delay between attempts.",
        { unit: "seconds", example: 300 },
      ),
      resumeSession: key(
        z.boolean().default(true),
        "Whether to resume gateway sessions. `false` begins a new one for each connection.",
      ),
      sessionCacheTtlSec: key(
        whole(0, 86_400).default(300),
        "How long after its last event a gateway session may still be resumed. Discord itself keeps a " +
          "session for some minutes only.",
        { unit: "seconds", example: 120 },
      ),
      exitOnGiveUp: key(
        z.boolean().default(false),
        "Whether the process exits with code 75 on giving up, for supervisors that restart it.",
      ),
    }).prefault({}),
  "How to reconnect after the connection is lost.",
);

const catchUp = lazySection(
  "gateway.catchUp",
  () =>
    z.strictObject({
      enabled: key(
        z.boolean().default(true),
        "Whether to read and answer messages that arrived while the bot was not connected.",
      ),
      maxAgeMin: key(
        whole(1, 10_080).default(60),
        "Maximum age of a missed message to answer. Older ones may still serve as context.",
        { unit: "minutes", example: 15 },
      ),
      maxPerChannel: key(
        whole(1, 1_000).default(100),
        "Maximum number of missed messages to answer in each channel: the newest ones. After a " +
          "resumed session, as many messages of a channel may wait for their answers.",
        { unit: "messages", example: 20 },
      ),
    }).prefault({}),
  "Catch-up on messages that the gateway did not deliver.",
);

const gateway = lazySection(
  "discord.gateway",
  () =>
    z.strictObject({
      intents: key(
        z.union([z.literal("agent_recommended"), z.array(z.enum(INTENTS)).min(1)])
          .default("agent_recommended"),
        "Gateway intents to ask Discord for: `agent_recommended`, or a list of names such as " +
          "`message_content`. Without an intent, Discord does not send the events that belong to it.",
        { example: ["guilds", "guild_messages", "direct_messages", "message_content"] },
      ),
      compress: key(z.boolean().default(true), "Whether to compress the gateway connection."),
      tcpKeepaliveSec: key(
        whole(0, 7_200).default(30),
        "Interval between TCP keepalive packets, which keep a NAT from dropping the connection. " +
          "0 disables them.",
        { unit: "seconds", example: 60 },
      ),
      reconnect,
      catchUp,
    }).prefault({}),
  "The gateway connection.",
  CONNECTION,
);

const rest = lazySection(
  "discord.rest",
  () =>
    z.strictObject({
      timeoutSec: key(amount(1, 120).default(15), "How long to wait for Discord's response.", {
        unit: "seconds",
        example: 30,
      }),
      globalPerSec: key(whole(1, 10_000).default(50), "Maximum number of requests per second.", {
        unit: "requests",
        example: 25,
      }),
      nonceWindowSec: key(
        amount(1, 600).default(60),
        "How long to rely on Discord's nonce de-duplication. After that, Barnacle checks the channel " +
          "history before it sends a message again.",
        { unit: "seconds", example: 30 },
      ),
    }).prefault({}),
  "Requests to Discord's REST API.",
  CONNECTION,
);

const RETRY_TEXT = "Retries of requests to Discord that failed.";

const retryKeys = () => ({
  attempts: key(
    whole(1, 20).default(3),
    "Number of fast attempts of a request, including the first. Barnacle tries a message of the " +
      "outbox further, up to five minutes apart, for a day.",
    { unit: "attempts", example: 5 },
  ),
  minDelayMs: key(
    whole(0, 60_000).default(500),
    "Delay before the first retry. It doubles after each failure.",
    { unit: "milliseconds", example: 1_000 },
  ),
  maxDelayMs: key(
    whole(0, 600_000).default(30_000),
    "Maximum delay between fast attempts.",
    { unit: "milliseconds", example: 10_000 },
  ),
  jitter: key(
    amount(0, 1).default(0.1),
    "Largest part by which each delay is randomly longer or shorter, from 0 to 1.",
    { example: 0.25 },
  ),
});

/** `retry` of an account, before it inherits keys. */
const ownRetry = lazySection(
  "account.retry",
  () => z.strictObject(retryKeys()).prefault({}),
  RETRY_TEXT,
  CONNECTION,
);

const retry = lazySection(
  "discord.retry",
  () =>
    z.strictObject(retryKeys()).prefault({}).superRefine(({ minDelayMs, maxDelayMs }, context) => {
      if (minDelayMs <= maxDelayMs) return;
      context.addIssue({
        code: "custom",
        path: ["minDelayMs"],
        message: `"minDelayMs" (${minDelayMs}) is greater than "maxDelayMs" (${maxDelayMs})`,
        params: { hint: `write ${maxDelayMs} or less here, or raise "maxDelayMs"` },
      });
    }),
  RETRY_TEXT,
  CONNECTION,
);

const rateLimit = lazySection(
  "discord.rateLimit",
  () =>
    z.strictObject({
      enabled: key(
        z.boolean().default(true),
        "Whether to apply the limits of this section. `false` applies Discord's own limits only.",
      ),
      strategy: key(
        z.enum(["queue", "drop"]).default("queue"),
        "Handling of answers that wait in a channel. `queue`: all are sent, in their order. `drop`: a " +
          "new answer is dropped if `maxQueueSize` messages wait.",
      ),
      maxQueueSize: key(
        whole(1, 10_000).default(50),
        "Maximum number of messages waiting per channel, with `drop`.",
        { unit: "messages", example: 20 },
      ),
      burstProtection: key(
        z.boolean().default(true),
        "Whether to leave two requests of each second unused, as a margin below Discord's limit.",
      ),
    }).prefault({}),
  "Limits of messages waiting to be sent.",
  CONNECTION,
);

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
    "discord.loopGuard",
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
    "Ends endless conversations between bots.",
    ACCESS,
  ),
  pluralkit: lazySection(
    "discord.pluralkit",
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
    "Recognizes members of PluralKit systems as senders.",
    ACCESS,
  ),
  intentFilter: intentFilter(
    "account",
    "Decides whether a message without a mention is meant for the bot.",
    { example: { enabled: true }, ...ACCESS },
  ),
  commands: lazySection(
    "discord.commands",
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
    "Slash commands of this account.",
    ACCESS,
  ),
  presence: lazySection(
    "discord.presence",
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
    "The bot's status at Discord.",
    CONNECTION,
  ),
  actions: lazySection(
    "discord.actions",
    () => actions().prefault({}),
    "Gates of tools: Discord's features that tools may use. The model does not see a tool whose " +
      "gate is closed.",
    { task: "agents" },
  ),
  execApprovals: lazySection(
    "discord.execApprovals",
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
          whole(10, 86_400).default(600),
          "How long a request stays open. After that, it counts as denied.",
          { unit: "seconds", example: 300 },
        ),
      }).prefault({}),
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
  z.strictObject({ ...accountKeys, dm: key(ownDm().prefault({}), DM, ACCESS), retry: ownRetry });

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
    "discord.accounts",
    accounts,
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
