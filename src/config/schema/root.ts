/**
 * The one schema of the config: every key, its default and what is said of it.
 *
 * Checking, the JSON Schema, the example file and the README's table are all made from it, so
 * that none of them can say something else. What it gives are settings as written, with defaults
 * filled in; `config.ts` makes of them what the program reads.
 *
 * @module
 */

import { z } from "zod";
import { key } from "./key.ts";
import { agents, bindings, models, router, session, tools } from "./agents.ts";
import { groupPolicy } from "./access.ts";
import { account, discord } from "./discord.ts";
import { messages } from "./messages.ts";
import {
  budgets,
  commands,
  exec,
  http,
  log,
  mcp,
  preflight,
  shutdown,
  skills,
  store,
} from "./service.ts";

/** Whether a `channels.discord` is written counts (P6), so it has no default of its own. */
export const discordSection = key(discord.optional(), "The bot on Discord.");

/** The config file. */
export const configSchema = z.strictObject({
  $schema: key(z.string().optional(), "Where an editor finds the JSON Schema of this file.", {
    example: "./barnacle.schema.json",
  }),
  channels: key(
    z.strictObject({
      defaults: key(
        z.strictObject({
          groupPolicy: key(
            groupPolicy().optional(),
            "Which guilds, where there is no `channels.discord` at all.",
            { unset: '"open", with a warning', example: "allowlist" },
          ),
        }).prefault({}),
        "For channels without a section.",
      ),
      discord: discordSection,
    }).prefault({}),
    "Where people talk to the agent.",
  ),
  agents: key(agents.prefault({}), "The agent that answers."),
  models: key(models.prefault({}), "Models, and where they are."),
  messages: key(messages.prefault({}), "How messages are read and written."),
  session: key(session.prefault({}), "Which messages share a memory."),
  http: key(http.prefault({}), "Health and metrics over HTTP.", { takesEffect: "restart" }),
  log: key(log.prefault({}), "What is logged."),
  shutdown: key(shutdown.prefault({}), "How Barnacle ends."),
  preflight: key(preflight.prefault({}), "What is looked at before Barnacle connects.", {
    takesEffect: "reconnect",
  }),
  store: key(store.prefault({}), "The store.", { takesEffect: "restart" }),
  bindings,
  router,
  commands: key(commands.prefault({}), "Commands in Discord."),
  tools,
  exec,
  skills,
  mcp,
  budgets,
});

/** The file as checked, with defaults filled in. */
export type Settings = z.output<typeof configSchema>;

/** `channels.discord` as checked; of its accounts, all that holds for each. */
export type DiscordSettings = z.output<typeof discord>;

/** What holds for one account: its own keys, and those above that it inherits (C6). */
export type AccountSettings = z.output<typeof account>;

/** The account of a config that has no `channels.discord`. */
export function accountDefaults(): AccountSettings {
  return account.parse({}, { jitless: true });
}
