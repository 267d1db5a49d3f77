/**
 * How an account is connected: the gateway, requests, and what is done about those that fail.
 *
 * @module
 */

import { z } from "zod";
import { amount, key, whole } from "./key.ts";

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

export const gateway = z.strictObject({
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

export const rest = z.strictObject({
  timeoutSec: key(amount(1, 120).default(15), "When a request without answer is given up."),
  globalPerSec: key(whole(1, 10_000).default(50), "Requests in a second, at most."),
  nonceWindowSec: key(
    amount(1, 600).default(60),
    "For how many seconds Discord is trusted to know a message again that it was sent twice; " +
      "after that Barnacle looks whether it is there.",
  ),
});

const retryKeys = {
  attempts: key(whole(1, 20).default(3), "How often a request is tried, the first included."),
  minDelayMs: key(whole(0, 60_000).default(500), "The shortest wait, in milliseconds."),
  maxDelayMs: key(whole(0, 600_000).default(30_000), "The longest wait, in milliseconds."),
  jitter: key(amount(0, 1).default(0.1), "What part of a wait is left to chance."),
};

/** As an account writes it: what it leaves out is not known yet. */
export const ownRetry = () => z.strictObject(retryKeys);

export const retry = () =>
  z.strictObject(retryKeys).superRefine(({ minDelayMs, maxDelayMs }, context) => {
    if (minDelayMs <= maxDelayMs) return;
    context.addIssue({
      code: "custom",
      path: ["minDelayMs"],
      message: `The shortest wait, ${minDelayMs}, is longer than maxDelayMs`,
      params: { hint: `at most ${maxDelayMs} here, or a larger maxDelayMs` },
    });
  });

export const rateLimit = z.strictObject({
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
});
