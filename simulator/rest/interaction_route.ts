/**
 * The routes of the simulated REST API without a bot token: an interaction's own token is enough.
 *
 * @module
 */

import { parseCallback } from "./interaction_body.ts";
import { answerInteraction, completeInteraction } from "../actions/interactions.ts";
import { parseCreate, type UploadedFile } from "./message_body.ts";
import { toMessage } from "../payloads/payloads.ts";
import { REFUSALS } from "../world/refusals.ts";
import { answerProblems, answerRefused } from "./answers.ts";
import type { World, WorldEvent } from "../world/world.ts";

export interface InteractionRouteDeps {
  readonly world: World;
  readonly needsAllowedMentions: boolean;
  publish(events: readonly WorldEvent[]): void;
}

const CALLBACK = /^\/interactions\/(\d{1,20})\/([^/]+)\/callback$/;

const ORIGINAL = /^\/webhooks\/(\d{1,20})\/([^/]+)\/messages\/@original$/;

/** Whether a request belongs to an interaction: its token alone permits an answer. */
export function isInteractionCall(method: string, path: string): boolean {
  return method === "POST" ? CALLBACK.test(path) : method === "PATCH" && ORIGINAL.test(path);
}

interface InteractionCall {
  readonly path: string;
  readonly body: unknown;
  readonly files: readonly UploadedFile[];
  /** Unix time in milliseconds. */
  readonly now: number;
}

/** Answers a callback with 204, or the edit of a deferred answer with its message. */
export function answerInteractionCall(deps: InteractionRouteDeps, call: InteractionCall): Response {
  return CALLBACK.test(call.path) ? answerCallback(deps, call) : answerEdit(deps, call);
}

function answerEdit(
  { world, needsAllowedMentions, publish }: InteractionRouteDeps,
  { path, body, files, now }: InteractionCall,
): Response {
  const [, applicationId = "", token = ""] = ORIGINAL.exec(path) ?? [];
  const parsed = parseCreate(body, files, needsAllowedMentions);
  if (parsed.kind === "wrong") return answerProblems(parsed.problems);
  const outcome = completeInteraction(world, { applicationId, token }, parsed.value, now);
  if (outcome.kind === "refused") return answerRefused(outcome.refused);
  publish(outcome.events);
  const { userId } = [...world.applications.values()].find(({ id }) => id === applicationId) ?? {};
  return userId
    ? Response.json(toMessage(world, outcome.value, userId))
    : answerRefused(REFUSALS.unknownWebhook);
}

function answerCallback(
  { world, needsAllowedMentions, publish }: InteractionRouteDeps,
  { path, body, files, now }: InteractionCall,
): Response {
  const [, id = "", token = ""] = CALLBACK.exec(path) ?? [];
  const parsed = parseCallback(body, files, needsAllowedMentions);
  if (parsed.kind === "wrong") return answerProblems(parsed.problems);
  const outcome = answerInteraction(world, { id, token }, parsed.value, now);
  if (outcome.kind === "refused") return answerRefused(outcome.refused);
  publish(outcome.events);
  return new Response(null, { status: 204 });
}
