/** Keys of `agents`, `session` and other sections for how an agent works. */

import { z } from "zod";
import { isOrigin, ORIGIN } from "../../core/skills/skill.ts";
import { id, toolLists, toolsWithin } from "./access.ts";
import { isWrittenEmoji } from "../../core/inbound/inbound.ts";
import { key, lazyKey, lazySection, text, whole } from "./parts/key.ts";
import { serverEvents } from "./server_events.ts";
import { MENTION_PATTERNS, mentionPatterns } from "./messages.ts";
import { model, modelRef } from "./models.ts";
import { secret } from "./parts/secrets.ts";

/** An IANA time zone that the runtime knows. */
const timezone = () =>
  z.string().refine((zone) => {
    try {
      new Intl.DateTimeFormat("en", { timeZone: zone });
      return true;
    } catch {
      return false; // Intl throws a RangeError for an unknown zone
    }
  }, { error: "Expected a time zone", params: { hint: 'such as "Europe/Berlin" or "UTC"' } });

/** Session keys and a folder's name contain an agent's id. */
const agentId = () =>
  z.string().regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    "Expected an id of a-z, 0-9, - and _, at most 64 characters",
  );

export const agents = z.strictObject({
  maxConcurrentTurns: key(
    whole(1, 64).default(6),
    "Maximum number of turns that Barnacle runs at the same time. Of two or more, one is kept for " +
      "owners. One more is kept for channels where no turn runs.",
    { unit: "turns", example: 2 },
  ),
  turnTimeoutSec: key(
    whole(5, 86_400).default(600),
    "How long a turn may take. After that, the user gets a failure notice.",
    { unit: "seconds", example: 120 },
  ),
  maxSteps: key(
    whole(1, 200).default(16),
    "Maximum number of model requests of a turn. The last one may call no tool.",
    { unit: "requests", example: 8 },
  ),
  defaults: key(
    z.strictObject({
      model: key(
        model().optional(),
        'The model that answers: `"<provider>/<model>"`.',
        {
          unset:
            "`OPENAI_MODEL` or `ANTHROPIC_MODEL` of the environment, else the first model of Ollama, " +
            "llama.cpp or LM Studio on this machine",
          example: "ollama/qwen3:8b",
          isCommon: true,
          task: "models",
        },
      ),
      timezone: key(
        timezone().optional(),
        "IANA time zone of the times in the model's prompt.",
        { unset: "the host's", example: "Europe/Berlin" },
      ),
      workspace: key(
        text().optional(),
        "Folder of the agents' files. A relative path counts from the config's folder.",
        { unset: "`<data>/agents/<id>/`", example: "/srv/barnacle" },
      ),
    }).prefault({}),
    "Settings for all agents that do not override them.",
  ),
  list: key(
    z.array(z.lazy(() =>
      z.strictObject({
        id: key(agentId(), "The agent's id in session keys and folders.", {
          example: "main",
          isCommon: true,
        }),
        name: key(
          text().max(100).optional(),
          "The agent's name. Without `mentionPatterns`, a message that contains it is a mention.",
          { example: "Barney", isCommon: true },
        ),
        description: key(
          text().max(500).optional(),
          "The agent's job in one sentence. Other agents read it, which may ask this one or pass " +
            "messages on to it.",
          { example: "Finds facts on the web, and names its sources." },
        ),
        model: key(model().optional(), "The agent's model.", {
          unset: "`agents.defaults.model`",
          example: "openai/gpt-4.1-mini",
          task: "models",
        }),
        prompt: key(
          z.string().optional(),
          "Instructions that the model gets in addition to the built-in prompt.",
          {
            unset: "the built-in prompt alone",
            example: "You are Barney, the bot of a small server.",
            isCommon: true,
          },
        ),
        workspace: key(
          text().optional(),
          "Folder of the agent's files. A relative path counts from the config's folder.",
          { unset: "`<data>/agents/<id>/`", example: "/srv/barney" },
        ),
        tools: lazyKey(
          () => toolsWithin("the tools that the top-level `tools` allows"),
          "The agent's tools.",
          { example: { deny: ["exec"] } },
        ),
        skills: key(
          z.array(text()).optional(),
          "Names of the skills that the agent may use. A channel's `skills` narrows them.",
          { unset: "all", example: ["triage"] },
        ),
        on: serverEvents(),
        groupChat: key(
          z.strictObject({
            mentionPatterns: key(mentionPatterns(), MENTION_PATTERNS, {
              unset: "`messages.groupChat.mentionPatterns`, else the agent's name",
              example: ["\\bbarney\\b"],
            }),
          }).prefault({}),
          "How users address the agent in guilds.",
          { task: "access" },
        ),
      })
    )).default([]).superRefine((list, context) => {
      const seen = new Set<string>();
      for (const [index, { id }] of list.entries()) {
        if (seen.has(id)) {
          context.addIssue({
            code: "custom",
            path: [index, "id"],
            message: `Two agents have the id "${id}"`,
            params: { hint: "give one of them another id" },
          });
        }
        seen.add(id);
      }
    }),
    "The agents. `bindings` and `router` choose one for each message, else the first one answers.",
    { example: [{ id: "main", name: "Barney" }], isCommon: true, entry: "[]" },
  ),
});

export const bindings = lazyKey(
  () =>
    z.array(z.strictObject({
      agentId: key(agentId(), "The agent that answers.", { example: "main" }),
      match: key(
        z.strictObject({
          accountId: key(text().optional(), "Account of this config that answers.", {
            example: "default",
          }),
          guildId: key(id<"guild">().optional(), "Guild of the message.", {
            example: "123456789012345678",
          }),
          channelId: key(
            id<"channel">().optional(),
            "Channel or thread of the message, or the thread's channel.",
            { example: "123456789012345678" },
          ),
          userId: key(id<"user">().optional(), "Author of the message.", {
            example: "123456789012345678",
          }),
        }),
        "Messages that the agent answers: each key must match. `{}` matches all.",
        { example: { guildId: "123456789012345678" } },
      ),
    })),
  "Which agent answers a message, if `router.assignments` has no agent for its channel. The most " +
    "exact match applies: a channel before a user, a guild and an account.",
  {
    task: "agents",
    example: [{ agentId: "main", match: { guildId: "123456789012345678" } }],
    entry: "[]",
  },
);

const trigger = () =>
  z.union([
    z.strictObject({ pattern: text().max(500) }),
    z.strictObject({
      reaction: text().refine(isWrittenEmoji, {
        error: "Expected one emoji",
        params: { hint: 'such as "👍", or "<:name:id>" for a server\'s own' },
      }),
    }),
    z.strictObject({
      command: text().regex(/^\/?[\w-]{1,32}$/, "Expected a name of letters, digits, - and _"),
    }),
  ]);

export const router = lazySection(
  "router",
  () =>
    z.strictObject({
      strategy: key(
        z.literal("channel_assignment").optional(),
        "How to choose the agent. There is one way.",
        { unset: '`"channel_assignment"`', example: "channel_assignment" },
      ),
      dedupWindowSec: key(
        whole(0, 3_600).default(5),
        "How long a reaction that a person repeats on one message counts once for passive agents. `0`: " +
          "each counts.",
        { unit: "seconds", example: 10 },
      ),
      assignments: key(
        z.record(
          agentId(),
          z.strictObject({
            channels: key(
              z.array(text()).default([]),
              'Ids or names of channels, or `"*"` for all. An id goes before a name.',
              { example: ["research", "sources"] },
            ),
            role: key(
              z.enum(["active", "passive"]).default("active"),
              "`active`: the agent answers. `passive`: it reads, and acts only on its triggers.",
            ),
            triggers: key(
              z.array(trigger()).default([]),
              "Events on which a passive agent acts.",
              { example: [{ pattern: "\\bspam\\b" }] },
            ),
          }),
        ).default({}),
        "Channels by agent.",
        { entry: "<agent id>", example: { main: { channels: ["help"] } } },
      ),
      noSelfTalk: key(
        z.strictObject({
          ignoreBotMessages: key(
            z.boolean().default(true),
            "Whether the accounts of this config ignore each other's messages. `false`: " +
              "`allowBots` and `loopGuard` apply to them.",
          ),
        }).prefault({}),
        "Keeps agents from answering each other.",
      ),
    }).prefault({}),
  "Several agents in the same channels.",
  { task: "agents" },
);

export const session = lazySection(
  "session",
  () =>
    z.strictObject({
      dmScope: key(
        z.enum(["auto", "main", "per-peer", "per-channel-peer", "per-account-channel-peer"])
          .default("auto"),
        "Which direct messages share one memory. `auto`: the owner has the main one, others their own. " +
          "`main`: all users share it, so the agent may tell one what another said. `per-peer`, " +
          "`per-channel-peer`: one per user. `per-account-channel-peer`: one per user and account.",
        { isCommon: true },
      ),
      reset: key(
        z.union([z.enum(["off", "daily"]), z.strictObject({ idleMinutes: whole(1, 525_600) })])
          .default("off"),
        "When a session begins a new transcript. `off`: never. `daily`: with the first message after " +
          "4:00 in the agent's time zone. `{ idleMinutes: n }`: after n minutes without a message. " +
          "Nothing is deleted.",
        { example: { idleMinutes: 120 } },
      ),
    }).prefault({}),
  "Which messages share a memory.",
  { task: "agents" },
);

export const tools = lazySection(
  "tools",
  () =>
    z.strictObject({
      ...toolLists("the default tools"),
      allow: key(
        z.array(text()).optional(),
        "The tools of everyone who may talk to the bot, instead of the default ones: names of " +
          'tools, groups such as `group:web`, or `"*"`; `[]` allows none.',
        {
          unset: "tools for Discord, memory, reminders, the web and code; for owners also files, " +
            "MCP and `exec`",
          example: ["group:discord", "web_fetch"],
        },
      ),
      draw: key(
        modelRef().optional(),
        "Model for the tool `draw`: `<provider>/<model>`, at any OpenAI-compatible " +
          "`/v1/images/generations`. Each image counts in `budgets`.",
        { unset: "there is no such tool", example: "openai/gpt-image-1" },
      ),
      discord: key(
        z.strictObject({
          maxDestructive: key(
            whole(0, 100).default(5),
            "Maximum number of destructive actions on Discord in one turn, such as deleting a " +
              "message or changing a channel or a role. For more, a card asks the person who " +
              "wrote the message, or an owner, whether to go on.",
            { example: 2 },
          ),
          alsoGuilds: key(
            z.array(id<"guild">()).default([]),
            "Servers that the tool `discord` may also reach from conversations on other servers. " +
              "The person who asks must be a member there with the rights that the action needs. " +
              "Without it, actions stay on the server of the conversation.",
            { example: ["123456789012345678"] },
          ),
        }).prefault({}),
        "The tool `discord`.",
      ),
      askExpiresMin: key(
        whole(1, 43_200).default(1_440),
        "How long a question of the tool `ask` waits for an answer.",
        { unit: "minutes", example: 60 },
      ),
      timeoutSec: key(whole(1, 3_600).default(120), "How long a tool call may take.", {
        unit: "seconds",
        example: 60,
      }),
      prompt: key(
        z.enum(["auto", "full", "small"]).default("auto"),
        "How much of the prompt and the tools each request has. `small` is for slow machines and " +
          "small context windows: short rules, short forms of the tools that most questions need, " +
          "and one tool that opens the others. `auto` takes `small` where the window has at most " +
          "8,192 tokens, or where a server on this machine or a private network reads fewer than " +
          "200 tokens a second. It chooses once for each model, and stores that.",
        { example: "small" },
      ),
    }).prefault({}),
  "Tools that agents may use.",
  { task: "agents" },
);

export const skills = lazySection(
  "skills",
  () =>
    z.strictObject({
      folders: key(
        z.array(text()).default([]),
        "Folders that contain skills, each in a folder of its own with a `SKILL.md`. A relative path counts from the config's folder.",
        { example: ["/srv/skills"] },
      ),
      hosts: key(
        z.record(
          z.string().refine(isOrigin, ORIGIN),
          z.strictObject({
            headers: key(
              z.record(text(), secret()).default({}),
              "Headers of each request to the host, such as a token in `authorization`. No tool sees " +
                "them. A value is written like an `apiKey`.",
              { example: { authorization: { file: "home_assistant_authorization" } } },
            ),
          }),
        ).default({}),
        "Hosts that tools of skills may ask on your own network, or with headers: scheme, name and " +
          "port. A tool must declare the host, too. Other hosts are asked at public addresses only, " +
          "without headers of the config.",
        { entry: "<host>", example: { "http://homeassistant.local:8123": {} } },
      ),
    }).prefault({}),
  "Skills of the agents.",
  { task: "agents" },
);
