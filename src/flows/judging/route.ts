/** Finds the agent and the session for a message. */

import type { ChannelId, UserId } from "../../core/discord/ids.ts";
import type { TextCommand } from "../../core/inbound/text_commands.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import { threadIdOf } from "../../core/inbound/threads.ts";
import {
  besideKeyOf,
  type Conversation,
  scopeFor,
  sessionKeyOf,
} from "../../session/session_key.ts";

/** The parts of the config that decide about sessions. */
export interface RouteRules {
  /** Which direct messages share a session. */
  readonly session: { readonly dmScope: Parameters<typeof scopeFor>[0] };
}

/**
 * Creates the function.
 *
 * A command that changes its conversation waits for the turns of it. Any other command has a session
 * beside it, which keeps nothing, so a slow turn does not delay it.
 */
export function createRoute(
  { config, agentFor, sessionOwner, opensFor, commandOf }: {
    readonly config: () => RouteRules;
    /** Chooses the agent that answers (N2). */
    readonly agentFor: (message: InboundMessage) => string;
    /** The user whose direct messages are the main session under `auto`. */
    readonly sessionOwner: () => UserId | undefined;
    readonly opensFor: (message: InboundMessage) => boolean;
    readonly commandOf: (message: InboundMessage) => TextCommand | undefined;
  },
): (message: InboundMessage) => Route {
  return (message) => {
    const { triggered } = message;
    if (triggered) return conversationRoute(message, triggered.agentId, config(), undefined);
    const command = commandOf(message);
    const thread = !command && opensFor(message) ? threadIdOf(message.id) : undefined;
    const route = conversationRoute(message, agentFor(message), config(), sessionOwner(), thread);
    const isBeside = command && command.kind.needs !== "session";
    return isBeside ? { ...route, sessionKey: besideKeyOf(route.sessionKey) } : route;
  };
}

/**
 * Decides in which session an agent answers a message.
 *
 * @param owner The user whose direct messages are the main session under `auto` (S1).
 * @param thread The thread that the answer opens: its session has the conversation (S7).
 */
export function conversationRoute(
  message: Conversation,
  agentId: string,
  { session }: RouteRules,
  owner: UserId | undefined,
  thread?: ChannelId,
): Route {
  const scope = scopeFor(session.dmScope, message.sender.id === owner);
  const place = thread === undefined ? message : { ...message, channelId: thread };
  return { agentId, sessionKey: sessionKeyOf(place, agentId, scope) };
}
