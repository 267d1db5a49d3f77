/**
 * The shape of a function that asks one model once; each wire format makes its own.
 *
 * @module
 */

import type { ModelPart, ModelRequest } from "../core/model.ts";
import type { WireTimeouts } from "./wire.ts";

export interface AskDeps {
  readonly fetch: typeof globalThis.fetch;
  readonly timeouts: WireTimeouts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/**
 * Asks once and streams the answer's words. Leaves out tool calls, because a turn offers no tool
 * yet, and the thinking that a server keeps apart; `render/safety/visible.ts` takes out the rest.
 *
 * @throws {ModelError} As the port of `core/model.ts` says, or the signal's reason.
 */
export type Ask = (
  request: ModelRequest,
  signal: AbortSignal,
) => AsyncGenerator<ModelPart, void>;
