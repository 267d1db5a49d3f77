/**
 * Draws images for tools.
 *
 * @module
 */

import type { InboundMessage } from "../../inbound/inbound.ts";

/** What tools can draw. */
export interface DrawPort {
  /**
   * Draws an image, and keeps it for the reply of the message's turn.
   *
   * @returns Id of the image: digits.
   * @throws {Error} If a budget is spent, or if there is no image, with the reason for the model.
   */
  draw(prompt: string, message: InboundMessage, signal: AbortSignal): Promise<string>;
}
