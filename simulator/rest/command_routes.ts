/**
 * The routes of the simulated REST API for an application's global commands.
 *
 * @see {@link https://docs.discord.com/developers/interactions/application-commands}
 *
 * @module
 */

import type { Hono } from "hono";
import { z } from "zod";
import { answerMalformed, answerRefused } from "./answers.ts";
import type { Asked, Env } from "./call.ts";
import { REFUSALS } from "../world/refusals.ts";
import { nextId } from "../world/snowflake.ts";
import type { Application, ApplicationCommand, World } from "../world/world.ts";

const NAME = /^[-_\p{Ll}\p{Lo}\p{N}]{1,32}$/u;

const COMMANDS_BODY = z.array(z.strictObject({
  type: z.literal(1).default(1),
  name: z.string().regex(NAME),
  description: z.string().min(1).max(100),
  options: z.array(z.strictObject({
    type: z.int().min(1).max(11),
    name: z.string().regex(NAME),
    description: z.string().min(1).max(100),
    required: z.boolean().optional(),
  })).max(25).default([]),
})).max(100);

export function addCommandRoutes(app: Hono<Env>, world: World): void {
  const own = (c: Asked): Application | undefined => {
    const { application } = c.env.call.account;
    return c.req.param("application") === application.id ? application : undefined;
  };
  const toBody = (application: Application) =>
    application.commands.map((command) => ({
      ...command,
      application_id: application.id,
      version: command.id,
      default_member_permissions: null,
      nsfw: false,
    }));

  app.get("/applications/:application/commands", (c) => {
    const application = own(c);
    return application ? c.json(toBody(application)) : answerRefused(REFUSALS.missingAccess);
  });
  app.put("/applications/:application/commands", (c) => {
    const application = own(c);
    if (!application) return answerRefused(REFUSALS.missingAccess);
    const parsed = COMMANDS_BODY.safeParse(c.env.call.body);
    if (!parsed.success) return answerMalformed(parsed.error);
    const idOf = (name: string) =>
      application.commands.find((command) => command.name === name)?.id ??
        nextId<"command">(world.ids, c.env.call.now);
    application.commands = parsed.data.map((command): ApplicationCommand => ({
      ...command,
      id: idOf(command.name),
    }));
    return c.json(toBody(application));
  });
}
