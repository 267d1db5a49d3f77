/**
 * Reads and replaces the application's global commands at Discord.
 *
 * @see {@link https://docs.discord.com/developers/interactions/application-commands}
 *
 * @module
 */

import { ApplicationCommandTypes } from "@discordeno/types";
import { z } from "zod";
import type { ApplicationId } from "../../../core/discord/ids.ts";
import type { RegisteredCommands } from "../../../core/discord/registered_command.ts";
import type { RestApi } from "../client/client.ts";
import { expect } from "../exchange/answer.ts";

/** The global commands that Discord has for an application. */
export interface ApplicationCommands {
  /**
   * Reads all commands.
   *
   * @throws {RestError} If Discord does not answer, or refuses.
   */
  list(applicationId: ApplicationId): Promise<RegisteredCommands>;
  /**
   * Replaces all commands. A command whose name stays keeps its id.
   *
   * @throws {RestError} If Discord does not answer, or refuses.
   */
  replace(applicationId: ApplicationId, registered: RegisteredCommands): Promise<void>;
}

/** A function, because building the schema at start-up would cost time. */
const answerSchema = () =>
  z.array(z.object({
    type: z.number().default(ApplicationCommandTypes.ChatInput),
    name: z.string(),
    description: z.string(),
    options: z.array(z.object({
      type: z.number(),
      name: z.string(),
      description: z.string(),
      required: z.boolean().default(false),
    })).default([]),
  }));

const ROUTE = "GET /applications/:id/commands";

/** No person waits for these requests, so others go first. */
const BACKGROUND = { priority: "background" } as const;

/** An Entry Point command with any other fields. */
const entryPointSchema = () => z.looseObject({ type: z.literal(4) });

/** Creates the calls for one client. */
export function createApplicationCommands(api: RestApi): ApplicationCommands {
  const pathOf = (applicationId: ApplicationId) => `/applications/${applicationId}/commands`;
  return {
    async list(applicationId) {
      const answer = await api.request("GET", pathOf(applicationId), BACKGROUND);
      const all = expect(ROUTE, z.array(z.unknown()), answer);
      const schema = entryPointSchema();
      const isEntryPoint = (command: unknown) => schema.safeParse(command).success;
      return {
        commands: expect(ROUTE, answerSchema(), all.filter((command) => !isEntryPoint(command))),
        entryPoint: all.filter(isEntryPoint),
      };
    },
    async replace(applicationId, { commands, entryPoint }) {
      const body = [...commands, ...entryPoint];
      await api.request("PUT", pathOf(applicationId), { ...BACKGROUND, body });
    },
  };
}
