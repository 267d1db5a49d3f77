/** Keys for an account's connection: the gateway, requests to Discord, and retries. */

import { z } from "zod";
import { amount, key, lazySection, whole } from "./parts/key.ts";

/** The page of these keys, and the effect of a change. */
export const CONNECTION = { task: "connection", takesEffect: "reconnect" } as const;

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

/** Of a config without `gateway.reconnect`. */
const RECONNECT = {
  enabled: true,
  maxRetries: 10,
  backoffBase: 1.5,
  backoffMaxSec: 60,
  resumeSession: true,
  sessionCacheTtlSec: 300,
  exitOnGiveUp: false,
};

const reconnect = lazySection(
  () =>
    z.strictObject({
      enabled: key(
        z.boolean().default(RECONNECT.enabled),
        "Whether to reconnect after a lost connection. `false` gives up at the first one.",
      ),
      maxRetries: key(
        whole(1, 1_000).default(RECONNECT.maxRetries),
        "Failed attempts in a row before the account counts as down. From then on, Barnacle waits " +
          "the longest delay between attempts (`backoffMaxSec`, but at most 8 seconds before a resume), " +
          "or exits if `exitOnGiveUp` is set.",
        { unit: "attempts", example: 5 },
      ),
      backoffBase: key(
        amount(1, 10).default(RECONNECT.backoffBase),
        "Factor by which the delay grows after each failed attempt. The first delay is at most a second.",
        { example: 2 },
      ),
      backoffMaxSec: key(
        amount(1, 3_600).default(RECONNECT.backoffMaxSec),
        "Maximum delay between attempts.",
        {
          unit: "seconds",
          example: 300,
        },
      ),
      resumeSession: key(
        z.boolean().default(RECONNECT.resumeSession),
        "Whether to resume gateway sessions. `false` begins a new one for each connection.",
      ),
      sessionCacheTtlSec: key(
        whole(0, 86_400).default(RECONNECT.sessionCacheTtlSec),
        "How long after its last event a gateway session may still be resumed. Discord itself keeps a " +
          "session for some minutes only.",
        { unit: "seconds", example: 120 },
      ),
      exitOnGiveUp: key(
        z.boolean().default(RECONNECT.exitOnGiveUp),
        "Whether the process exits with code 75 on giving up, for supervisors that restart it.",
      ),
    }).prefault({}),
  RECONNECT,
  "How to reconnect after the connection is lost.",
);

/** Of a config without `gateway.catchUp`. */
const CATCH_UP = { enabled: true, maxAgeMin: 60, maxPerChannel: 100 };

const catchUp = lazySection(
  () =>
    z.strictObject({
      enabled: key(
        z.boolean().default(CATCH_UP.enabled),
        "Whether to read and answer messages that arrived while the bot was not connected.",
      ),
      maxAgeMin: key(
        whole(1, 10_080).default(CATCH_UP.maxAgeMin),
        "Maximum age of a missed message to answer. Older ones may still serve as context.",
        { unit: "minutes", example: 15 },
      ),
      maxPerChannel: key(
        whole(1, 1_000).default(CATCH_UP.maxPerChannel),
        "Maximum number of missed messages to answer in each channel: the newest ones. After a " +
          "resumed session, as many messages of a channel may wait for their answers.",
        { unit: "messages", example: 20 },
      ),
    }).prefault({}),
  CATCH_UP,
  "Catch-up on messages that the gateway did not deliver.",
);

export const gateway = lazySection(
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
      shards: key(
        z.union([z.literal("auto"), whole(1, 1_000)]).default("auto"),
        "Number of gateway connections that share the guilds. `auto` uses as many as Discord recommends.",
        { example: 2 },
      ),
      catchUp,
    }).prefault({}),
  {
    intents: "agent_recommended",
    compress: true,
    tcpKeepaliveSec: 30,
    reconnect: RECONNECT,
    shards: "auto",
    catchUp: CATCH_UP,
  },
  "The gateway connection.",
  CONNECTION,
);

export const rest = lazySection(
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
  { timeoutSec: 15, globalPerSec: 50, nonceWindowSec: 60 },
  "Requests to Discord's REST API.",
  CONNECTION,
);

/** Of an account without `retry`. */
const RETRY = { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0.1 };
const RETRY_TEXT = "Retries of requests to Discord that failed.";

const retryKeys = () => ({
  attempts: key(
    whole(1, 20).default(RETRY.attempts),
    "Number of fast attempts of a request, including the first. Barnacle tries a message of the " +
      "outbox further, up to five minutes apart, for a day.",
    { unit: "attempts", example: 5 },
  ),
  minDelayMs: key(
    whole(0, 60_000).default(RETRY.minDelayMs),
    "Delay before the first retry. It doubles after each failure.",
    { unit: "milliseconds", example: 1_000 },
  ),
  maxDelayMs: key(
    whole(0, 600_000).default(RETRY.maxDelayMs),
    "Maximum delay between fast attempts.",
    {
      unit: "milliseconds",
      example: 10_000,
    },
  ),
  jitter: key(
    amount(0, 1).default(RETRY.jitter),
    "Largest part by which each delay is randomly longer or shorter, from 0 to 1.",
    { example: 0.25 },
  ),
});

/** `retry` of an account, before it inherits keys. */
export const ownRetry = lazySection(
  () => z.strictObject(retryKeys()).prefault({}),
  RETRY,
  RETRY_TEXT,
  CONNECTION,
);

export const retry = lazySection(
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
  RETRY,
  RETRY_TEXT,
  CONNECTION,
);

export const rateLimit = lazySection(
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
  { enabled: true, strategy: "queue", maxQueueSize: 50, burstProtection: true },
  "Limits of messages waiting to be sent.",
  CONNECTION,
);
