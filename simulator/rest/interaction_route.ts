/**
 * The routes of the simulated REST API without a bot token: an interaction's own token is enough.
 */

import { parseCallback } from "./interaction_body.ts";
import { answerInteraction } from "../actions/interactions.ts";
import {
  acknowledged,
  changeFollowUp,
  completeInteraction,
  followUp,
  type InteractionWebhook,
  updateComponentMessage,
  withdrawAnswer,
} from "../actions/later_answers.ts";
import { parseCreate, parseEdit, type UploadedFile } from "./message_body.ts";
import { toMessage } from "../payloads/payloads.ts";
import { type Outcome, REFUSALS } from "../world/refusals.ts";
import { answerProblems, answerRefused } from "./answers.ts";
import type { Message, World, WorldEvent } from "../world/world.ts";

export interface InteractionRouteDeps {
  readonly world: World;
  publish(events: readonly WorldEvent[]): void;
}

const CALLBACK = /^\/interactions\/(\d{1,20})\/([^/]+)\/callback$/;

const WEBHOOK = /^\/webhooks\/(\d{1,20})\/([^/]+)(?:\/messages\/(@original|\d{1,20}))?$/;

/** Whether a request belongs to an interaction: its token alone permits an answer. */
export function isInteractionCall(method: string, path: string): boolean {
  if (method === "POST" && CALLBACK.test(path)) return true;
  const [whole, , , message] = WEBHOOK.exec(path) ?? [];
  if (whole === undefined) return false;
  if (method === "DELETE") return message === "@original";
  return method === (message === undefined ? "POST" : "PATCH");
}

interface InteractionCall {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly files: readonly UploadedFile[];
  /** Unix time in milliseconds. */
  readonly now: number;
}

/** Answers a callback or a deletion with 204, or a later answer with its message. */
export function answerInteractionCall(deps: InteractionRouteDeps, call: InteractionCall): Response {
  if (CALLBACK.test(call.path)) return answerCallback(deps, call);
  return call.method === "DELETE" ? answerDeletion(deps, call) : answerLater(deps, call);
}

function answerDeletion({ world }: InteractionRouteDeps, { path }: InteractionCall): Response {
  const [, applicationId = "", token = ""] = WEBHOOK.exec(path) ?? [];
  const outcome = withdrawAnswer(world, { applicationId, token });
  if (outcome.kind === "refused") return answerRefused(outcome.refused);
  return new Response(null, { status: 204 });
}

function answerLater(deps: InteractionRouteDeps, call: InteractionCall): Response {
  const { world, publish } = deps;
  const [, applicationId = "", token = "", messageId] = WEBHOOK.exec(call.path) ?? [];
  const outcome = laterAnswer(deps, { applicationId, token }, messageId, call);
  if (outcome instanceof Response) return outcome;
  if (outcome.kind === "refused") return answerRefused(outcome.refused);
  publish(outcome.events);
  const { userId } = [...world.applications.values()].find(({ id }) => id === applicationId) ?? {};
  return userId
    ? Response.json(toMessage(world, outcome.value, userId))
    : answerRefused(REFUSALS.unknownWebhook);
}

/** @returns A response if the body is wrong. */
function laterAnswer(
  { world }: InteractionRouteDeps,
  webhook: InteractionWebhook,
  messageId: string | undefined,
  { body, files, now }: InteractionCall,
): Outcome<Message> | Response {
  if (messageId === "@original" && acknowledged(world, webhook)?.interaction.defersUpdate) {
    const edit = parseEdit(body, files);
    if (edit.kind === "wrong") return answerProblems(edit.problems);
    return updateComponentMessage(world, webhook, edit.value, now);
  }
  const draft = parseCreate(body, files);
  if (draft.kind === "wrong") return answerProblems(draft.problems);
  if (messageId === undefined) return followUp(world, webhook, draft.value, now);
  return messageId === "@original"
    ? completeInteraction(world, webhook, draft.value, now)
    : changeFollowUp(world, webhook, messageId, draft.value);
}

function answerCallback(
  { world, publish }: InteractionRouteDeps,
  { path, body, files, now }: InteractionCall,
): Response {
  const [, id = "", token = ""] = CALLBACK.exec(path) ?? [];
  const parsed = parseCallback(body, files);
  if (parsed.kind === "wrong") return answerProblems(parsed.problems);
  const outcome = answerInteraction(world, { id, token }, parsed.value, now);
  if (outcome.kind === "refused") return answerRefused(outcome.refused);
  publish(outcome.events);
  return new Response(null, { status: 204 });
}
