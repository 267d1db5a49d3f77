/**
 * Finds the agent and the session for a message.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { TextCommand } from "../../core/inbound/commands.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import { threadIdOf } from "../../core/inbound/threads.ts";
import { routeOf } from "../rules/turn_rules.ts";

/** The dependencies of routes. */
export interface RouteOptions {
  /** The current config; a reload replaces it (C9). */
  readonly config: () => Config;
  /** The user whose direct messages are the main session under `auto`. */
  readonly sessionOwner: () => UserId | undefined;
  /** Whether the answer to a message opens a thread. */
  readonly opensFor: (message: InboundMessage) => boolean;
  /** Reads a message as a text command. */
  readonly commandOf: (message: InboundMessage) => TextCommand | undefined;
}

/**
 * Creates the function.
 *
 * A command that changes its conversation waits for the turns of it. Any other command has a session
 * beside it, which keeps nothing, so a slow turn does not delay it.
 */
export function createRoute(
  { config, sessionOwner, opensFor, commandOf }: RouteOptions,
): (message: InboundMessage) => Route {
  return (message) => {
    const command = commandOf(message);
    const thread = !command && opensFor(message) ? threadIdOf(message.id) : undefined;
    const route = routeOf(message, config(), sessionOwner(), thread);
    const isBeside = command && command.kind.needs !== "session";
    return isBeside ? { ...route, sessionKey: `${route.sessionKey}:commands` } : route;
  };
}
