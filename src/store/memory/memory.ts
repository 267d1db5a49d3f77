/**
 * Keeps some of the tables' content in memory, so that the common path of a message reads no row
 * that was just written.
 *
 * The tables can restore all of it. It is forgotten whenever it may differ from them: after undone
 * work.
 */

import type { DatabaseSync } from "node:sqlite";
import { createNewestSet } from "../../lib/cache.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import { createForgotten } from "./forgotten.ts";
import { applyTurn, createOpenTurns, type TurnEvent } from "./open_turns.ts";
import { prepareReadTurns } from "./read_turns.ts";
import { createOutgoing } from "./send_queues.ts";
import { createSpentToday } from "./spent_today.ts";
import { createQuietChannels, createReactedChannels } from "./quiet_channels.ts";
import { createToldPeople } from "./told_people.ts";

/** Maximum number of direct channels. A forgotten one costs one commit that waits for the disk. */
const DIRECT_MAX = 8_192;
/** Estimated bytes of one direct channel. */
const DIRECT_BYTES = 120;

/** Creates empty memory. */
export function createMemory(database: DatabaseSync) {
  const turns = createOpenTurns();
  const apply = (event: TurnEvent): void => applyTurn(turns, event);
  const outgoing = createOutgoing(database);
  const quiet = createQuietChannels();
  const spent = createSpentToday();
  const reacted = createReactedChannels();
  const direct = createNewestSet<string>(DIRECT_MAX);
  const told = createToldPeople();
  return {
    /** The open turns; only `apply` changes them. */
    turns,
    /** Changes the open turns. */
    apply,
    /** Reads the open turns that memory lacks. The tables must be up to date. */
    readTurns: prepareReadTurns(database, turns, apply),
    /** Notes messages that are accepted now. */
    accepted(judged: readonly Judged[]): void {
      for (const { message, route } of judged) {
        if (route) apply({ kind: "accepted", message, route });
      }
    },
    /** People who were forgotten while turns ran. */
    forgotten: createForgotten(turns.running),
    /** Messages that wait to be sent. */
    outgoing,
    /** Channels without new context for their sessions. */
    quiet,
    /** Channels with reactions that no turn has seen. */
    reacted,
    /** Direct channels that are on the disk: their messages need no commit that waits for it. */
    direct,
    spent,
    /** People who know that a message gets no answer. */
    told,
    /** Forgets everything, because the tables may differ. */
    forget(): void {
      spent.forget();
      apply({ kind: "undone" });
      outgoing.forget();
      quiet.forget();
      reacted.forget();
      direct.clear();
      told.forget();
    },
    /** Estimated bytes of each part, by its name. */
    caches: (): Readonly<Record<string, number>> => ({
      inbox: turns.backlog.bytes(),
      open_turns: turns.counts.bytes(),
      outbox: outgoing.queues.bytes(),
      quiet_channels: quiet.bytes(),
      spent_today: spent.bytes(),
      reacted_channels: reacted.bytes(),
      direct_channels: direct.size * DIRECT_BYTES,
      told_people: told.bytes(),
    }),
  };
}

/** All of the store's memory. */
export type Memory = ReturnType<typeof createMemory>;
