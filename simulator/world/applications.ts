/** Applications of the developer portal. */

import type { ApplicationId, Snowflake, UserId } from "../../src/core/discord/ids.ts";

/** An application with a bot: the owner of a token. */
export interface Application {
  readonly id: ApplicationId;
  readonly userId: UserId;
  readonly token: string;
  /** Its creator at the developer portal. */
  readonly ownerId: UserId;
  /** Owns it instead of {@link Application.ownerId}. */
  readonly team?: Team;
  /** Privileged intents that the portal has switched on. */
  readonly privilegedIntents: number;
  /** Its global commands as registered; every guild and direct channel has them. */
  commands: readonly ApplicationCommand[];
  /** Its commands of single guilds. */
  readonly guildCommands: Map<string, readonly ApplicationCommand[]>;
}

/** A slash command, or one in the menu of a message, in Discord's JSON. */
export interface ApplicationCommand {
  readonly id: Snowflake<"command">;
  readonly type: 1 | 3;
  readonly name: string;
  readonly description: string;
  readonly options: readonly Readonly<Record<string, unknown>>[];
}

/** Several people who own an application together. */
export interface Team {
  readonly id: Snowflake<"team">;
  readonly name: string;
  readonly ownerId: UserId;
  readonly members: readonly TeamMember[];
}

export interface TeamMember {
  readonly userId: UserId;
  /** Whether they have accepted the invitation. */
  readonly hasAccepted: boolean;
  readonly role: "admin" | "developer" | "read_only";
}
