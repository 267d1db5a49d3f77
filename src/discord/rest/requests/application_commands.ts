/**
 * Reads and replaces the application's commands at Discord.
 *
 * @see {@link https://docs.discord.com/developers/interactions/application-commands}
 *
 * @see {@link https://docs.discord.com/developers/interactions/application-commands#application-command-object}
 */

import { ApplicationCommandTypes } from "@discordeno/types";
import { z } from "zod";
import type { ApplicationId, GuildId } from "../../../core/discord/ids.ts";
import {
  bits,
  listed,
  listOf,
  listOrEmpty,
  optional,
  textOr,
} from "../../../core/discord/lenient.ts";
import type { RestApi } from "../client/client.ts";
import { expect } from "../exchange/exchange.ts";

/** A command with the field names of Discord's API. */
export interface RegisteredCommand {
  /** Discord's `ApplicationCommandTypes`. */
  readonly type: number;
  /** 1 to 32 characters, without `/`; that of a slash command is in lower case. */
  readonly name: string;
  /** 1 to 100 characters; empty for commands in menus. */
  readonly description: string;
  /**
   * The permissions that a member of a guild needs to see it, as a decimal bit set; absent: none.
   * Admins of a guild can change them there.
   */
  readonly default_member_permissions?: string;
  readonly options: readonly RegisteredOption[];
}

/** An option or a subcommand. Fields that are absent here are absent at Discord, too. */
export interface RegisteredOption {
  /** Discord's `ApplicationCommandOptionTypes`. */
  readonly type: number;
  /** Lower case, 1 to 32 characters. */
  readonly name: string;
  /** 1 to 100 characters. */
  readonly description: string;
  /** Absent for subcommands. */
  readonly required?: boolean;
  /** Set if the bot suggests values. */
  readonly autocomplete?: true;
  /** The only values. */
  readonly choices?: readonly { readonly name: string; readonly value: string }[];
  /** Options of a subcommand. */
  readonly options?: readonly RegisteredOption[];
}

interface RegisteredCommands {
  /** All but the Entry Point. */
  readonly commands: readonly RegisteredCommand[];
  /** Launches the application's Activity, in Discord's JSON: Discord refuses a list without it. */
  readonly entryPoint: readonly unknown[];
}

/** A function, as the other schema: building them at start-up would cost time. */
function optionSchema(): z.ZodType<RegisteredOption> {
  const schema: z.ZodType<RegisteredOption> = z.object({
    type: z.number(),
    name: z.string(),
    description: textOr(""),
    required: optional(z.boolean()),
    autocomplete: optional(z.boolean()),
    choices: listOf(z.object({ name: z.string(), value: z.coerce.string() })),
    options: z.lazy(() => listOf(schema)),
  }).transform(({ type, name, description, required, autocomplete, choices, options }) => ({
    type,
    name,
    description,
    ...(required && { required }),
    ...(autocomplete && { autocomplete }),
    ...(choices && choices.length > 0 && { choices }),
    ...(options && options.length > 0 && { options }),
  }));
  return schema;
}

const answerSchema = () =>
  listed(
    z.object({
      type: z.number().default(ApplicationCommandTypes.ChatInput),
      name: z.string(),
      description: textOr(""),
      default_member_permissions: optional(bits),
      options: listOrEmpty(optionSchema()),
    }).transform(({ default_member_permissions, ...command }) => ({
      ...command,
      ...(default_member_permissions && { default_member_permissions }),
    })),
  );

const ROUTE = "GET /applications/:id/commands";

/** No person waits for these requests, so others go first. */
const BACKGROUND = { priority: "background" } as const;

const entryPointSchema = () => z.looseObject({ type: z.literal(4) });

function pathOf(applicationId: ApplicationId, guildId: GuildId | undefined): string {
  return `/applications/${applicationId}${
    guildId === undefined ? "" : `/guilds/${guildId}`
  }/commands`;
}

/**
 * Reads all commands.
 *
 * @param guildId Of one guild; absent: those that are everywhere.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export async function listCommands(
  api: RestApi,
  applicationId: ApplicationId,
  guildId?: GuildId,
): Promise<RegisteredCommands> {
  const answer = await api.request("GET", pathOf(applicationId, guildId), BACKGROUND);
  const all = expect(ROUTE, z.array(z.unknown()), answer);
  const schema = entryPointSchema();
  const isEntryPoint = (command: unknown) => schema.safeParse(command).success;
  return {
    commands: expect(ROUTE, answerSchema(), all.filter((one) => !isEntryPoint(one))),
    entryPoint: all.filter(isEntryPoint),
  };
}

/**
 * Replaces all commands. A command whose name stays keeps its id.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export async function replaceCommands(
  api: RestApi,
  applicationId: ApplicationId,
  guildId: GuildId | undefined,
  { commands, entryPoint }: RegisteredCommands,
): Promise<void> {
  const body = [...commands.map(toBody), ...entryPoint];
  await api.request("PUT", pathOf(applicationId, guildId), { ...BACKGROUND, body });
}

/** A command in a menu has no description and no options. Discord takes a bit set as a number. */
function toBody(
  { description, options, default_member_permissions: permissions, ...command }: RegisteredCommand,
): object {
  const body = {
    ...command,
    ...(permissions && { default_member_permissions: Number(permissions) }),
  };
  return command.type === ApplicationCommandTypes.ChatInput
    ? { ...body, description, options }
    : body;
}
