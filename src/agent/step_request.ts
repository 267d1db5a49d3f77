/**
 * Composes the request of a step: the steps so far, within the room that the history leaves.
 *
 * @module
 */

import type { ModelRequest } from "../core/model.ts";
import { withoutTools } from "../core/plain_request.ts";
import type { Step } from "../core/step.ts";
import { mergedUsers } from "../core/turn/merged_users.ts";
import {
  charsOf,
  conversationOf,
  type ShowImages,
  type ShowJoined,
  stepsWithin,
} from "./next_step.ts";
import type { Toolbox } from "./toolbox.ts";

/** The request of a step, before the steps are added to it. */
export interface RequestRoom {
  /** The request without the steps: less history, the more room the steps need. */
  readonly request: ModelRequest;
  /** UTF-16 units that the steps may take in it. */
  readonly stepChars: number;
}

/**
 * Gives the request of the next step.
 *
 * @param stepChars UTF-16 units of all steps so far, results shortened; 0 before the first.
 */
export type RequestFor = (stepChars: number) => RequestRoom;

/** The request of the next step. The last one may call nothing, so that it answers. */
export function withSteps(
  requestFor: RequestFor,
  steps: readonly Step[],
  isLast: boolean,
  { toolbox: { definitions: tools }, showJoined, showImages }: {
    readonly toolbox: Pick<Toolbox, "definitions">;
    readonly showJoined?: ShowJoined;
    readonly showImages?: ShowImages;
  },
): ModelRequest {
  const whole = conversationOf(steps, Infinity, showJoined);
  const { request, stepChars } = requestFor(charsOf(whole));
  const messages = [...request.messages, ...stepsWithin(steps, stepChars, showJoined, showImages)];
  const all = { ...request, messages };
  return tools.length === 0
    ? merged(withoutTools(all)) // the calls of other turns, too: their senders may have had tools
    : { ...merged(all), tools, ...(isLast && { mayCall: false }) };
}

function merged(request: ModelRequest): ModelRequest {
  return { ...request, messages: mergedUsers(request.messages) };
}
