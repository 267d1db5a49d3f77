/**
 * Lets a turn answer in the manner that people have chosen for its conversation (K2).
 *
 * @module
 */

import { type Model, withGenerate } from "../../../core/model.ts";
import type { Manner } from "../../../core/people/chosen.ts";

/** Wraps the model that answers. A turn without a chosen manner gets the model itself. */
export function withManner(model: Model, { think, showsThinking }: Manner): Model {
  if (think === undefined && !showsThinking) return model;
  return withGenerate(
    model,
    (request, signal) =>
      model.generate({
        ...request,
        ...(think !== undefined && { thinking: think }),
        ...(showsThinking && { showsThinking }),
      }, signal),
  );
}
