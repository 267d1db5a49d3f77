/**
 * `agents`, `models` and what else decides how an agent works: keys, defaults and docs.
 *
 * @module
 */

import { z } from "zod";
import { address, amount, key, later, laterSection, text, whole } from "./key.ts";
import { MENTION_PATTERNS, mentionPatterns } from "./messages.ts";
import { secret } from "./secrets.ts";

/** A model by the provider's id: `"openai/gpt-4.1"`. */
const modelRef = () =>
  z.string().regex(/^[^/\s]+\/\S+$/, 'Expected "<provider>/<model>", such as "ollama/llama3.2"');

const model = () =>
  z.union([
    modelRef(),
    z.strictObject({
      primary: key(modelRef(), "The model that is asked first.", { example: "anthropic/claude" }),
      fallbacks: later(z.array(modelRef()).default([]), "Models that are asked when it fails."),
    }),
  ]);

/** A zone that the runtime knows. */
const timezone = () =>
  z.string().refine((zone) => {
    try {
      new Intl.DateTimeFormat("en", { timeZone: zone });
      return true;
    } catch {
      return false; // a RangeError is how Intl says that it knows no such zone
    }
  }, { error: "Expected a time zone", params: { hint: 'such as "Europe/Berlin" or "UTC"' } });

/** The letters of an id end up in session keys and in the name of a folder. */
const agentId = () =>
  z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "Expected a-z, 0-9, - and _, at most 64 of them");

export const agents = z.strictObject({
  maxConcurrentTurns: key(whole(1, 64).default(4), "Sessions that are answered at the same time."),
  turnTimeoutSec: key(whole(5, 86_400).default(600), "When a turn is given up, in seconds."),
  maxSteps: later(whole(1, 200).default(16), "Steps of a turn, at most."),
  defaults: key(
    z.strictObject({
      model: key(model().optional(), 'Which model answers: `"<provider>/<model>"`.', {
        unset: "what the environment serves",
        example: "openai/gpt-4.1-mini",
      }),
      timezone: key(timezone().optional(), "The zone of the time that the model is told.", {
        unset: "the host's",
        example: "Europe/Berlin",
      }),
      workspace: later(text().optional(), "The folder of the agents' files.", {
        unset: "<data>/agents/<id>/",
        example: "/srv/barnacle",
      }),
    }).prefault({}),
    "What holds for every agent that does not say otherwise.",
  ),
  list: key(
    z.array(z.strictObject({
      id: key(agentId(), "Its name in session keys and folders.", { example: "main" }),
      name: key(text().max(100).optional(), "What people call it; its name is a mention too.", {
        example: "Barney",
      }),
      model: key(model().optional(), "Its model.", {
        unset: "`agents.defaults.model`",
        example: "openai/gpt-4.1-mini",
      }),
      prompt: key(z.string().optional(), "What the model is told beside the built-in prompt.", {
        unset: "the built-in prompt alone",
        example: "You are Barney, the bot of a small server.",
      }),
      workspace: later(text().optional(), "The folder of its files.", {
        unset: "<data>/agents/<id>/",
        example: "/srv/barney",
      }),
      tools: laterSection(
        () =>
          z.strictObject({
            allow: key(z.array(text()).optional(), "The tools it has.", { example: ["discord"] }),
            alsoAllow: key(z.array(text()).optional(), "Tools beside the usual.", {
              example: ["web_fetch"],
            }),
            deny: key(z.array(text()).optional(), "Tools it never has.", { example: ["exec"] }),
          }).optional(),
        "Its tools.",
        { example: { deny: ["exec"] } },
      ),
      groupChat: key(
        z.strictObject({
          mentionPatterns: key(mentionPatterns(), MENTION_PATTERNS, {
            unset: "`messages.groupChat.mentionPatterns`, else the agent's name",
            example: ["\\bbarney\\b"],
          }),
        }).prefault({}),
        "How it is addressed in guilds.",
      ),
    })).default([]).superRefine((list, context) => {
      const seen = new Set<string>();
      for (const [index, { id }] of list.entries()) {
        if (seen.has(id)) {
          context.addIssue({
            code: "custom",
            path: [index, "id"],
            message: `Two agents have the id "${id}"`,
            params: { hint: "give one of them another" },
          });
        }
        seen.add(id);
      }
    }),
    "The agents; this version runs the first.",
  ),
});

export const bindings = laterSection(() =>
  z.array(z.strictObject({
    agentId: agentId(),
    match: z.strictObject({
      accountId: text().optional(),
      guildId: text().optional(),
      channelId: text().optional(),
      userId: text().optional(),
    }),
  })).default([]), "Which agent answers whom, the most exact first.");

const trigger = z.union([
  z.strictObject({ pattern: text().max(500) }),
  z.strictObject({ reaction: text() }),
  z.strictObject({ command: text() }),
]);

export const router = laterSection(() =>
  z.strictObject({
    strategy: key(
      z.literal("channel_assignment").default("channel_assignment"),
      "How agents are chosen.",
    ),
    dedupWindowSec: key(
      whole(0, 3_600).default(5),
      "Seconds in which an event without an id counts once.",
    ),
    assignments: key(
      z.record(
        agentId(),
        z.strictObject({
          channels: z.array(text()).default([]),
          role: z.enum(["active", "passive"]).default("active"),
          triggers: z.array(trigger).default([]),
        }),
      ).default({}),
      "Channels by agent; a passive one watches and acts on its triggers.",
    ),
    noSelfTalk: key(
      z.strictObject({
        ignoreBotMessages: key(z.boolean().default(true), "Whether agents ignore one another."),
      }).prefault({}),
      "What keeps agents from talking to themselves.",
    ),
  }).prefault({}), "Several agents in one place.");

export const session = z.strictObject({
  dmScope: key(
    z.enum(["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]).default("main"),
    "Whose direct messages share a memory: `main` is one for all, so that what a person says may " +
      "be told to another; with the others each person has one.",
  ),
  reset: later(
    z.union([z.enum(["off", "daily"]), z.strictObject({ idleMinutes: whole(1, 525_600) })])
      .default("off"),
    "When a session begins anew.",
  ),
});

export const tools = laterSection(() =>
  z.strictObject({
    allow: key(z.array(text()).optional(), "The tools there are.", { example: ["discord"] }),
    alsoAllow: key(z.array(text()).optional(), "Tools beside the usual.", {
      example: ["web_fetch"],
    }),
    deny: key(z.array(text()).optional(), "Tools that are never there.", { example: ["exec"] }),
    timeoutSec: key(whole(1, 3_600).default(120), "When a tool is given up, in seconds."),
  }).prefault({}), "What the agents may do.");

const price = () => amount(0, 10_000);

/** The wires that a provider may speak. */
const PROVIDER_KINDS = ["openai-compatible", "anthropic", "google"] as const;

const provider = z.strictObject({
  kind: key(z.enum(PROVIDER_KINDS), "The wire that it speaks; `google` is not built yet.", {
    example: "openai-compatible",
  }),
  baseUrl: key(
    address("put it into apiKey or headers").optional(),
    "Its address.",
    { unset: "the vendor's", example: "http://127.0.0.1:11434/v1" },
  ),
  apiKey: key(secret().optional(), "Its key, as `token` is written.", {
    unset: "the environment's, for the vendor's own address",
    example: "${OPENAI_API_KEY}",
  }),
  headers: key(z.record(text(), secret()).default({}), "Headers of each request."),
  sessionHeader: later(text().optional(), "The header that carries the session's key.", {
    unset: "none",
    example: "x-session",
  }),
  prices: later(
    z.record(
      text(),
      z.strictObject({ input: price(), output: price(), cached: price().optional() }),
    ).default({}),
    "Money per million tokens, by model.",
  ),
  models: later(
    z.record(
      text(),
      z.strictObject({
        contextWindow: whole(256, 100_000_000).optional(),
        maxOutput: whole(1, 10_000_000).optional(),
        images: z.boolean().optional(),
        tools: z.boolean().optional(),
      }),
    ).default({}),
    "What a model can do, by its name.",
  ),
});

export const models = z.strictObject({
  providers: key(
    z.record(z.string().regex(/^[^/\s]+$/, "Expected a name without / and spaces"), provider)
      .default({}),
    "Where models are, by a name of yours.",
  ),
});
