/**
 * The one route of the simulated REST API that asks for no bot's token.
 *
 * @module
 */

import { parseCallback } from "./interaction_body.ts";
import { answerInteraction } from "../acts/interactions.ts";
import type { UploadedFile } from "./message_body.ts";
import { answerProblems, answerRefused } from "./answers.ts";
import type { World, WorldEvent } from "../world/world.ts";

export interface InteractionRouteDeps {
  readonly world: World;
  readonly needsAllowedMentions: boolean;
  publish(events: readonly WorldEvent[]): void;
}

const CALLBACK = /^\/interactions\/(\d{1,20})\/([^/]+)\/callback$/;

/** Whether a path is an interaction's: whoever knows its token may answer it. */
export function isCallback(path: string): boolean {
  return CALLBACK.test(path);
}

/** Answers a callback: 204, since nobody here asks for what came of it. */
export function answerCallback(
  { world, needsAllowedMentions, publish }: InteractionRouteDeps,
  { path, body, files, now }: {
    readonly path: string;
    readonly body: unknown;
    readonly files: readonly UploadedFile[];
    /** Unix time in milliseconds. */
    readonly now: number;
  },
): Response {
  const [, id = "", token = ""] = CALLBACK.exec(path) ?? [];
  const parsed = parseCallback(body, files, needsAllowedMentions);
  if (parsed.kind === "wrong") return answerProblems(parsed.problems);
  const outcome = answerInteraction(world, { id, token }, parsed.value, now);
  if (outcome.kind === "refused") return answerRefused(outcome.refused);
  publish(outcome.events);
  return new Response(null, { status: 204 });
}
