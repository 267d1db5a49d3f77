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
import { createNewestSet, type NewestSet } from "../../lib/newest_set.ts";
import { type ClaimQueue, createClaimQueue } from "./claim_queue.ts";
import { createOutgoing, type Outgoing } from "./outgoing.ts";
import { createQuietChannels, type QuietChannels } from "./quiet_channels.ts";

export interface Memory {
  /** Messages that wait for a turn. */
  readonly claims: ClaimQueue;
  /** Messages that wait to be sent. */
  readonly outgoing: Outgoing;
  readonly quiet: QuietChannels;
  /** Direct channels that are on the disk: their messages need no commit that waits for it. */
  readonly direct: NewestSet<string>;
  forget(): void;
  /** Estimated bytes, by name. */
  caches(): Readonly<Record<string, number>>;
}

/** Direct channels, at most. A forgotten one costs one commit that waits for the disk. */
const DIRECT_MAX = 8_192;
/** Bytes of one, about. */
const DIRECT_BYTES = 120;

export function createMemory(database: DatabaseSync): Memory {
  const claims = createClaimQueue();
  const outgoing = createOutgoing(database);
  const quiet = createQuietChannels();
  const direct = createNewestSet<string>(DIRECT_MAX);
  return {
    claims,
    outgoing,
    quiet,
    direct,
    forget() {
      claims.forget();
      outgoing.forget();
      quiet.forget();
      direct.clear();
    },
    caches: () => ({
      inbox: claims.bytes(),
      outbox: outgoing.queues.bytes(),
      quiet_channels: quiet.bytes(),
      direct_channels: direct.size * DIRECT_BYTES,
    }),
  };
}
