/**
 * The routes of the simulated REST API for an application's commands: global ones, and those of one guild.
 *
 * @see {@link https://docs.discord.com/developers/interactions/application-commands}
 */

import type { Hono } from "hono";
import { z } from "zod";
import { answerMalformed, answerRefused } from "./answers.ts";
import type { Asked, Env } from "./call.ts";
import { REFUSALS } from "../world/refusals.ts";
import { nextId } from "../world/snowflake.ts";
import type { Application, ApplicationCommand, World } from "../world/world.ts";

const NAME = /^[-_\p{Ll}\p{Lo}\p{N}]{1,32}$/u;

const choice = z.strictObject({
  name: z.string().min(1).max(100),
  value: z.string().max(100).or(z.number()),
});

const valueOption = z.strictObject({
  type: z.int().min(3).max(11),
  name: z.string().regex(NAME),
  description: z.string().min(1).max(100),
  required: z.boolean().optional(),
  autocomplete: z.boolean().optional(),
  choices: z.array(choice).max(25).optional(),
}).refine(({ autocomplete, choices }) => !autocomplete || !choices, {
  message: "Choices may not be present if autocomplete is set",
});

const subcommand = z.strictObject({
  type: z.literal(1),
  name: z.string().regex(NAME),
  description: z.string().min(1).max(100),
  options: z.array(valueOption).max(25).optional(),
});

const slash = z.strictObject({
  type: z.literal(1).default(1),
  name: z.string().regex(NAME),
  description: z.string().min(1).max(100),
  default_member_permissions: z.int().nonnegative().transform(String).nullish(),
  options: z.array(subcommand.or(valueOption)).max(25).default([]),
});

/** A command in the menu of a message has a name of its own form, and nothing else. */
const menu = z.strictObject({
  type: z.literal(3),
  name: z.string().min(1).max(32),
}).transform((command) => ({ ...command, description: "", options: [] }));

const COMMANDS_BODY = z.array(menu.or(slash)).max(105)
  .refine((all) => all.filter(({ type }) => type === 1).length <= 100, {
    message: "Maximum number of application commands reached (100)",
  })
  .refine((all) => all.filter(({ type }) => type === 3).length <= 5, {
    message: "Maximum number of message commands reached (5)",
  });

export function addCommandRoutes(app: Hono<Env>, world: World): void {
  const own = (c: Asked): Application | undefined => {
    const { application } = c.env.call.account;
    return c.req.param("application") === application.id ? application : undefined;
  };
  const toBody = (application: Application, commands: readonly ApplicationCommand[]) =>
    commands.map((command) => ({
      default_member_permissions: null,
      ...command,
      application_id: application.id,
      version: command.id,
      nsfw: false,
    }));
  const read = (application: Application, guildId: string | undefined) =>
    guildId === undefined ? application.commands : application.guildCommands.get(guildId) ?? [];

  for (const path of ["/applications/:application/commands", GUILD_PATH] as const) {
    app.get(path, (c) => {
      const application = own(c);
      const guildId: string | undefined = c.req.param("guild");
      return application
        ? c.json(toBody(application, read(application, guildId)))
        : answerRefused(REFUSALS.missingAccess);
    });
    app.put(path, (c) => {
      const application = own(c);
      if (!application) return answerRefused(REFUSALS.missingAccess);
      const guildId: string | undefined = c.req.param("guild");
      const parsed = COMMANDS_BODY.safeParse(c.env.call.body);
      if (!parsed.success) return answerMalformed(parsed.error);
      const known = read(application, guildId);
      const commands = parsed.data.map((command): ApplicationCommand => ({
        ...command,
        id: known.find(({ name, type }) => name === command.name && type === command.type)?.id ??
          nextId<"command">(world.ids, c.env.call.now),
      }));
      if (guildId === undefined) application.commands = commands;
      else application.guildCommands.set(guildId, commands);
      return c.json(toBody(application, commands));
    });
  }
}

const GUILD_PATH = "/applications/:application/guilds/:guild/commands";
