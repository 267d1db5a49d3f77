/**
 * What the store keeps in memory beside its tables, so that the common way of a
 * message reads nothing that was just written.
 *
 * All of it can be had from the tables again, and is forgotten whenever it may
 * differ from them: work was undone, or another process has written.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { type ClaimQueue, createClaimQueue } from "./claim_queue.ts";
import { createOutgoing, type Outgoing } from "./outgoing.ts";
import { createQuietChannels, type QuietChannels } from "./quiet_channels.ts";

export interface Memory {
  /** Messages that wait for a turn. */
  readonly claims: ClaimQueue;
  /** Messages that wait to be sent. */
  readonly outgoing: Outgoing;
  readonly quiet: QuietChannels;
  forget(): void;
}

export function createMemory(database: DatabaseSync): Memory {
  const claims = createClaimQueue();
  const outgoing = createOutgoing(database);
  const quiet = createQuietChannels();
  return {
    claims,
    outgoing,
    quiet,
    forget() {
      claims.forget();
      outgoing.forget();
      quiet.forget();
    },
  };
}
