/**
 * `channels.discord`: keys, defaults and what is said of them.
 *
 * @module
 */

import { z } from "zod";
import { amount, key, later, laterSection, text, whole } from "./key.ts";
import { dm, groupPolicy, guild, id, INTENT_FILTER, intentFilter } from "./schema_access.ts";
import { secret } from "./secrets.ts";

/** Discord's intents in lower case, and `reactions` for both kinds of them (G9). */
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

const reconnect = z.strictObject({
  enabled: key(z.boolean().default(true), "`false` gives up at the first lost connection."),
  maxRetries: key(
    whole(1, 1_000).default(10),
    "Failures in a row before Barnacle waits longest between tries, or exits (`exitOnGiveUp`).",
  ),
  backoffBase: key(amount(1, 10).default(1.5), "By what the wait grows with each attempt."),
  backoffMaxSec: key(amount(1, 3_600).default(60), "The longest wait, in seconds."),
  resumeSession: key(z.boolean().default(true), "`false` always begins a new gateway session."),
  sessionCacheTtlSec: key(
    whole(0, 86_400).default(300),
    "For how many seconds after it was last heard of a session is resumed, and what was said since " +
      "answered; Discord itself keeps one for some minutes only.",
  ),
  exitOnGiveUp: key(z.boolean().default(false), "Whether the process exits (75) on giving up."),
});

const catchUp = z.strictObject({
  enabled: key(z.boolean().default(true), "Whether what was missed is read and answered."),
  maxAgeMin: key(
    whole(1, 10_080).default(60),
    "What is older than so many minutes is not answered.",
  ),
  maxPerChannel: key(
    whole(1, 1_000).default(100),
    "How many messages of a channel are answered, the newest; what was said before them is not.",
  ),
});

const gateway = z.strictObject({
  intents: key(
    z.union([z.literal("agent_recommended"), z.array(z.enum(INTENTS)).min(1)])
      .default("agent_recommended"),
    "What the bot is told by Discord.",
  ),
  compress: key(z.boolean().default(true), "Whether the connection is compressed."),
  tcpKeepaliveSec: key(
    whole(0, 7_200).default(30),
    "Seconds between TCP keepalives, for NATs that forget; 0 is none.",
  ),
  reconnect: key(reconnect.prefault({}), "What happens when the connection is lost."),
  shards: key(
    z.union([z.literal("auto"), whole(1, 1_000)]).default("auto"),
    'Connections that share the guilds; `"auto"` takes as many as Discord recommends.',
  ),
  catchUp: key(catchUp.prefault({}), "Reading what was said while nobody listened."),
});

const actions = () =>
  z.strictObject(Object.fromEntries([
    ...["reactions", "stickers", "emojiUploads", "stickerUploads", "polls", "permissions"],
    ...["messages", "threads", "pins", "search", "memberInfo", "roleInfo", "roles"],
    ...["channelInfo", "channels", "voiceStatus", "events", "moderation", "presence"],
  ].map((action) => [
    action,
    key(
      z.boolean().default(!["roles", "moderation", "presence"].includes(action)),
      `Whether the tool may use ${action}.`,
    ),
  ])));

/** What an account may set, which is all but `accounts`. */
/** Until `models.providers.*.models.contextWindow` is built. */
const WINDOW = "This version counts on a window of 8,192 tokens, whatever the model.";

const accountKeys = {
  enabled: key(z.boolean().default(true), "`false` does not connect to Discord."),
  token: key(
    secret().optional(),
    'The bot token: `"${NAME}"`, `{ "file": "path" }`, or itself.',
    { unset: "`DISCORD_BOT_TOKEN`", example: "${DISCORD_BOT_TOKEN}" },
  ),
  name: later(text().optional(), "What the account is called in lists.", { example: "Home" }),
  dm: key(dm.prefault({}), "Direct messages."),
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
  gateway: key(gateway.prefault({}), "The connection to Discord."),
  rest: key(
    z.strictObject({
      timeoutSec: key(amount(1, 120).default(15), "When a request without answer is given up."),
      globalPerSec: key(whole(1, 10_000).default(50), "Requests in a second, at most."),
      nonceWindowSec: key(
        amount(1, 600).default(60),
        "For how many seconds Discord is trusted to know a message again that it was sent twice; " +
          "after that Barnacle looks whether it is there.",
      ),
    }).prefault({}),
    "Requests to Discord.",
  ),
  retry: key(
    z.strictObject({
      attempts: key(whole(1, 20).default(3), "How often a request is tried, the first included."),
      minDelayMs: key(whole(0, 60_000).default(500), "The shortest wait, in milliseconds."),
      maxDelayMs: key(whole(0, 600_000).default(30_000), "The longest wait, in milliseconds."),
      jitter: key(amount(0, 1).default(0.1), "What part of a wait is left to chance."),
    }).prefault({}).superRefine(({ minDelayMs, maxDelayMs }, context) => {
      if (minDelayMs <= maxDelayMs) return;
      context.addIssue({
        code: "custom",
        path: ["minDelayMs"],
        message: `The shortest wait, ${minDelayMs}, is longer than maxDelayMs`,
        params: { hint: `at most ${maxDelayMs} here, or a larger maxDelayMs` },
      });
    }),
    "What is done about requests that fail.",
  ),
  allowBots: key(z.boolean().default(false), "Whether other bots are answered.", {
    built: "denies",
    denial: "Messages of bots are ignored",
  }),
  loopGuard: laterSection(() =>
    z.strictObject({
      maxTurns: key(whole(1, 100).default(6), "Messages by bots in a row."),
      muteMin: key(amount(0, 1_440).default(10), "Minutes of silence that follow."),
    }).prefault({}), "What ends a conversation between bots."),
  pluralkit: laterSection(
    () =>
      z.strictObject({
        enabled: key(z.boolean().default(false), "Whether proxied messages are looked up."),
        token: key(secret().optional(), "For private systems.", { example: "${PLURALKIT_TOKEN}" }),
        apiUrl: key(z.url({ protocol: /^https$/ }).optional(), "Another PluralKit.", {
          example: "https://api.pluralkit.me/v2",
        }),
      }).prefault({}),
    "Members of PluralKit systems as senders.",
    { built: "denies", denial: "A proxied message is a webhook's, and ignored" },
  ),
  intentFilter: laterSection(
    () => intentFilter().prefault({}),
    "Deciding whether a message that mentions nobody is for the bot.",
    { built: "denies", denial: INTENT_FILTER },
  ),
  commands: laterSection(() =>
    z.strictObject({
      native: key(z.union([z.boolean(), z.literal("auto")]).optional(), "Over `commands.native`.", {
        example: "auto",
      }),
      guildId: key(id().optional(), "Register commands in this guild only.", {
        example: "123456789012345678",
      }),
    }).prefault({}), "Slash commands of this bot."),
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
  rateLimit: key(
    z.strictObject({
      enabled: key(z.boolean().default(true), "`false` leaves Discord's limits only."),
      strategy: key(
        z.enum(["queue", "drop"]).default("queue"),
        "What a full queue does: put the newest replies into one file, or drop them.",
      ),
      maxQueueSize: key(whole(1, 10_000).default(50), "Messages waiting per channel."),
      burstProtection: key(
        z.boolean().default(true),
        "Whether two requests of each second are kept for answers that cannot wait.",
      ),
    }).prefault({}),
    "Bounds of what waits to be sent.",
  ),
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

/** `channels.discord`. */
export const discord = z.strictObject({
  ...accountKeys,
  accounts: laterSection(
    () => z.record(text(), z.strictObject(accountKeys)).default({}),
    "More bot accounts; each has its own token and inherits the rest.",
  ),
});
