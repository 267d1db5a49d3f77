/**
 * Opens threads for tools.
 *
 * @module
 */

import type { InboundMessage } from "../../inbound/inbound.ts";

/** What tools can do with threads. */
export interface ThreadsPort {
  /**
   * Opens a thread on a message, for the rest of the answer to it (S3). A second call finds the
   * same thread.
   *
   * @param title At most 100 characters.
   * @throws {Error} If the sender may not open one there, if the place takes none, or if Discord
   * does not answer or refuses; as a rejection.
   */
  open(on: InboundMessage, title: string): Promise<void>;
}
