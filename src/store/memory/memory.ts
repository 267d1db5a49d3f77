/**
 * Keeps some of the tables' content in memory, so that the common path of a message reads no row
 * that was just written.
 *
 * The tables can restore all of it. It is forgotten whenever it may differ from them: after undone
 * work, or after a write of another process.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { createNewestSet, type NewestSet } from "../../lib/cache.ts";
import { type ClaimQueue, createClaimQueue } from "./claim_queue.ts";
import { createOpenTurnCounts, type OpenTurnCounts } from "./open_turns.ts";
import { createOutgoing, type Outgoing } from "./send_queues.ts";
import { createSpentToday, type SpentToday } from "./spent_today.ts";
import {
  createQuietChannels,
  createReactedChannels,
  type QuietChannels,
  type ReactedChannels,
} from "./quiet_channels.ts";

/** All of the store's memory. */
export interface Memory {
  /** Messages that wait for a turn. */
  readonly claims: ClaimQueue;
  /** Numbers of open turns. */
  readonly turns: OpenTurnCounts;
  /** Messages that wait to be sent. */
  readonly outgoing: Outgoing;
  /** Channels without new context for their sessions. */
  readonly quiet: QuietChannels;
  /** Channels with reactions that no turn has seen. */
  readonly reacted: ReactedChannels;
  /** Direct channels that are on the disk: their messages need no commit that waits for it. */
  readonly direct: NewestSet<string>;
  /** Today's use of models. */
  readonly spent: SpentToday;
  /** Forgets everything, because the tables may differ. */
  forget(): void;
  /** Estimated bytes of each part, by its name. */
  caches(): Readonly<Record<string, number>>;
}

/** Maximum number of direct channels. A forgotten one costs one commit that waits for the disk. */
const DIRECT_MAX = 8_192;
/** Estimated bytes of one direct channel. */
const DIRECT_BYTES = 120;

/** Creates empty memory. */
export function createMemory(database: DatabaseSync): Memory {
  const claims = createClaimQueue();
  const turns = createOpenTurnCounts();
  const outgoing = createOutgoing(database);
  const quiet = createQuietChannels();
  const spent = createSpentToday();
  const reacted = createReactedChannels();
  const direct = createNewestSet<string>(DIRECT_MAX);
  return {
    claims,
    turns,
    outgoing,
    quiet,
    reacted,
    direct,
    spent,
    forget() {
      spent.forget();
      claims.forget();
      turns.forget();
      outgoing.forget();
      quiet.forget();
      reacted.forget();
      direct.clear();
    },
    caches: () => ({
      inbox: claims.bytes(),
      open_turns: turns.bytes(),
      outbox: outgoing.queues.bytes(),
      quiet_channels: quiet.bytes(),
      spent_today: spent.bytes(),
      reacted_channels: reacted.bytes(),
      direct_channels: direct.size * DIRECT_BYTES,
    }),
  };
}
