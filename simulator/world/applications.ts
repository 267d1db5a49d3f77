/**
 * Applications of the developer portal.
 *
 * @module
 */

import type { ApplicationId, Snowflake, UserId } from "../../src/core/discord/ids.ts";

/** An application with a bot: what a token belongs to. */
export interface Application {
  readonly id: ApplicationId;
  readonly userId: UserId;
  readonly token: string;
  /** Who made it at the developer portal. */
  readonly ownerId: UserId;
  /** Owns it in the place of {@link Application.ownerId}. */
  readonly team?: Team;
  /** Privileged intents that are switched on at the portal. */
  readonly privilegedIntents: number;
  /** Its global commands, as it registered them; every guild and direct channel has them. */
  commands: readonly ApplicationCommand[];
}

/** A slash command, in Discord's JSON. */
export interface ApplicationCommand {
  readonly id: Snowflake<"command">;
  readonly type: 1;
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
  /** Whether they have taken the invitation. */
  readonly hasAccepted: boolean;
  readonly role: "admin" | "developer" | "read_only";
}
