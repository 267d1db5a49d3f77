/**
 * The application's global commands, as Discord has them.
 *
 * @see {@link https://docs.discord.com/developers/interactions/application-commands}
 *
 * @module
 */

import { ApplicationCommandTypes } from "@discordeno/types";
import { z } from "zod";
import type { ApplicationId } from "../../../core/discord/ids.ts";
import type { RestApi } from "../client/client.ts";
import { expect } from "../exchange/answer.ts";

/** An option of a command, in Discord's words. */
export interface RegisteredOption {
  /** Discord's `ApplicationCommandOptionTypes`: 3 for text, 4 for whole numbers, 5 for yes or no. */
  readonly type: number;
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
}

export interface RegisteredCommand {
  /** Discord's `ApplicationCommandTypes`; 1 for slash commands. */
  readonly type: number;
  readonly name: string;
  readonly description: string;
  readonly options: readonly RegisteredOption[];
}

export interface ApplicationCommands {
  /**
   * Lists all but the Entry Point, which belongs to the application's Activity.
   *
   * @throws {RestError} If Discord does not answer, or refuses.
   */
  list(applicationId: ApplicationId): Promise<readonly RegisteredCommand[]>;
  /**
   * Replaces all of them but the Entry Point; those of a name that stays keep their id.
   *
   * @throws {RestError} If Discord does not answer, or refuses.
   */
  replace(applicationId: ApplicationId, commands: readonly RegisteredCommand[]): Promise<void>;
}

/** Built when it is needed: at a start it would cost time. */
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

/** People wait for none of it: what they wait for goes first. */
const BACKGROUND = { priority: "background" } as const;

/** Discord refuses a list without the command that launches the application's Activity. */
const ENTRY_POINT = z.looseObject({ type: z.literal(4) });

export function createApplicationCommands(api: RestApi): ApplicationCommands {
  const pathOf = (applicationId: ApplicationId) => `/applications/${applicationId}/commands`;

  async function read(applicationId: ApplicationId): Promise<readonly unknown[]> {
    const answer = await api.request("GET", pathOf(applicationId), BACKGROUND);
    return expect(ROUTE, z.array(z.unknown()), answer);
  }

  const isEntryPoint = (command: unknown) => ENTRY_POINT.safeParse(command).success;

  return {
    async list(applicationId) {
      const commands = await read(applicationId);
      return expect(ROUTE, answerSchema(), commands.filter((command) => !isEntryPoint(command)));
    },
    async replace(applicationId, commands) {
      const kept = (await read(applicationId)).filter(isEntryPoint);
      const body = [...commands, ...kept];
      await api.request("PUT", pathOf(applicationId), { ...BACKGROUND, body });
    },
  };
}
