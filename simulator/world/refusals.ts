/**
 * Discord's errors.
 *
 * Status, code and text are Discord's, because clients decide by them. A refusal is a value here,
 * and becomes a response in one place.
 *
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#json}
 */

import type { FieldProblem } from "./field_problems.ts";
import type { WorldEvent } from "./world.ts";

/** A request that was refused. */
export interface Refused {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly problems?: readonly FieldProblem[];
}

/** Result of a command to the world. */
export type Outcome<Value> =
  | { readonly kind: "done"; readonly value: Value; readonly events: readonly WorldEvent[] }
  | { readonly kind: "refused"; readonly refused: Refused };

/** Every refusal that the simulator has, by a name of ours. */
export const REFUSALS = {
  unauthorized: { status: 401, code: 0, message: "401: Unauthorized" },
  notFound: { status: 404, code: 0, message: "404: Not Found" },
  notReady: { status: 202, code: 110000, message: "Index not yet available. Try again later" },
  unknownOverwrite: { status: 404, code: 10009, message: "Unknown permission overwrite" },
  unknownRole: { status: 404, code: 10011, message: "Unknown Role" },
  unknownBan: { status: 404, code: 10026, message: "Unknown Ban" },
  unknownVoiceState: { status: 404, code: 10065, message: "Unknown Voice State" },
  wrongChannelType: {
    status: 400,
    code: 50024,
    message: "Cannot execute action on this channel type",
  },
  notAPoll: { status: 400, code: 520006, message: "Cannot expire a non-poll message" },
  unknownChannel: { status: 404, code: 10003, message: "Unknown Channel" },
  unknownGuild: { status: 404, code: 10004, message: "Unknown Guild" },
  unknownMember: { status: 404, code: 10007, message: "Unknown Member" },
  unknownMessage: { status: 404, code: 10008, message: "Unknown Message" },
  unknownUser: { status: 404, code: 10013, message: "Unknown User" },
  unknownWebhook: { status: 404, code: 10015, message: "Unknown Webhook" },
  unknownInteraction: { status: 404, code: 10062, message: "Unknown interaction" },
  unknownEmoji: { status: 400, code: 10014, message: "Unknown Emoji" },
  tooManyReactions: {
    status: 400,
    code: 30010,
    message: "Maximum number of reactions reached (20)",
  },
  tooLarge: { status: 413, code: 40005, message: "Request entity too large" },
  alreadyAcknowledged: {
    status: 400,
    code: 40060,
    message: "Interaction has already been acknowledged.",
  },
  missingAccess: { status: 403, code: 50001, message: "Missing Access" },
  notInDms: { status: 403, code: 50003, message: "Cannot execute action on a DM channel" },
  notYourMessage: {
    status: 403,
    code: 50005,
    message: "Cannot edit a message authored by another user",
  },
  emptyMessage: { status: 400, code: 50006, message: "Cannot send an empty message" },
  cannotDm: { status: 403, code: 50007, message: "Cannot send messages to this user" },
  notText: { status: 400, code: 50008, message: "Cannot send messages in a non-text channel" },
  missingPermissions: { status: 403, code: 50013, message: "Missing Permissions" },
  wrongInteractionToken: { status: 401, code: 50027, message: "Invalid Webhook Token" },
  threadArchived: { status: 400, code: 50083, message: "Thread is archived" },
  /** Discord's text for a locked thread, too. */
  threadLocked: { status: 403, code: 50083, message: "Thread is archived" },
  invalidJson: { status: 400, code: 50109, message: "The request body contains invalid JSON." },
  threadExists: {
    status: 400,
    code: 160004,
    message: "A thread has already been created for this message",
  },
  cannotReplyUnread: {
    status: 400,
    code: 160002,
    message: "Cannot reply without permission to read message history",
  },
} as const satisfies Readonly<Record<string, Refused>>;

export type RefusalName = keyof typeof REFUSALS;

export function refuse(name: RefusalName): { readonly kind: "refused"; readonly refused: Refused } {
  return { kind: "refused", refused: REFUSALS[name] };
}

/** Refuses a body, query or path for its content (50035). */
export function refuseForm(
  ...problems: readonly FieldProblem[]
): { readonly kind: "refused"; readonly refused: Refused } {
  return {
    kind: "refused",
    refused: { status: 400, code: 50035, message: "Invalid Form Body", problems },
  };
}

/** The body of the response: Discord nests `errors` along the path of each field. */
export function toErrorBody({ message, code, problems }: Refused): Record<string, unknown> {
  if (!problems) return { message, code };
  const errors: Record<string, unknown> = {};
  for (const problem of problems) {
    let node = errors;
    for (const key of problem.path) node = childOf(node, key);
    const found = Array.isArray(node["_errors"]) ? node["_errors"] : [];
    node["_errors"] = [...found, { code: problem.code, message: problem.message }];
  }
  return { message, code, errors };
}

function childOf(node: Record<string, unknown>, key: string): Record<string, unknown> {
  const child = node[key];
  if (isRecord(child)) return child;
  const created: Record<string, unknown> = {};
  node[key] = created;
  return created;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
