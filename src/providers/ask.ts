/**
 * Defines the function that asks one model once. Each wire format has its own.
 *
 * @module
 */

import type { ModelPart, ModelRequest } from "../core/model.ts";
import type { WireTimeouts } from "./wire.ts";

/** Everything that requests to a model need from outside. */
export interface AskDeps {
  /** Sends a request. */
  readonly fetch: typeof globalThis.fetch;
  /** Maximum silence of the server. */
  readonly timeouts: WireTimeouts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/**
 * Asks once and streams the text of the answer; its tool calls come with the last part. Leaves out
 * thinking that the server sends separately. `render/safety/visible.ts` removes other thinking.
 *
 * @throws {ModelError} As the port of `core/model.ts` says, or the signal's reason.
 */
export type Ask = (
  request: ModelRequest,
  signal: AbortSignal,
) => AsyncGenerator<ModelPart, void>;
