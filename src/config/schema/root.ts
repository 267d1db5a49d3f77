/**
 * Defines the schema of the config: every key with its type, default and document.
 *
 * Validation, the JSON Schema, `config.example.jsonc` and `docs/configuration.md` all come from it,
 * so they agree. Its output is the program's config (`config.ts`), with defaults and final types.
 */

import { z } from "zod";
import { FEATURE_KEYS } from "../../features/features.ts";
import { key } from "./parts/key.ts";
import { agents, bindings, router, session, skills, tools } from "./agents.ts";
import { groupPolicy } from "./access.ts";
import { audio, models } from "./models.ts";
import { type account, discord, store } from "./discord.ts";
import { messages } from "./messages.ts";
import { budgets, commands, http, log, preflight, search, shutdown } from "./service.ts";

/** Has no default, because its absence counts (P6). */
export const discordSection = key(discord.optional(), "The bot on Discord.");

export const configSchema = z.strictObject({
  $schema: key(z.string().optional(), "Path or address of this file's JSON Schema, for editors.", {
    example: "./barnacle.schema.json",
    task: "operating",
  }),
  channels: key(
    z.strictObject({
      defaults: key(
        z.strictObject({
          groupPolicy: key(
            groupPolicy().optional(),
            "Guilds that the bot answers in if the config has no `channels.discord`; values as of " +
              "`channels.discord.groupPolicy`.",
            { unset: '`"open"`, with a warning', example: "allowlist" },
          ),
        }).prefault({}),
        "Defaults for channels without a section.",
        { task: "access" },
      ),
      discord: discordSection,
    }).prefault({}),
    "Chat platforms.",
  ),
  agents: key(agents.prefault({}), "The agent that answers.", { task: "agents" }),
  audio,
  models,
  messages: key(messages.prefault({}), "How to read and write messages.", { task: "replies" }),
  session,
  http,
  log,
  shutdown,
  preflight,
  store,
  bindings,
  router,
  commands,
  tools,
  skills,
  search,
  budgets,
  ...FEATURE_KEYS,
});

export type Settings = z.output<typeof configSchema>;

/** A valid `channels.discord`; each of its accounts has all inherited keys. */
export type DiscordSettings = z.output<typeof discord>;

/** The settings of one account: its own keys, and the keys that it inherits (C6). */
export type AccountSettings = z.output<typeof account>;
