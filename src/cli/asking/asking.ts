/** Asks other processes about their partitions, and answers about those of this one (O16). */

import { schedule } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { createAsks } from "../../store/replica/asks.ts";
import type { Meeting } from "../../store/replica/members.ts";
import type { Remote } from "../../store/replica/remote.ts";
import { type AnswerAsk, createAnswerer } from "./answerer.ts";
import { createAsker } from "./asker.ts";

/**
 * Creates it.
 *
 * @param remote A connection for it alone: an answer must not delay a lease.
 * @param place Names this process.
 */
export function createAsking(
  remote: Pick<Remote, "use" | "close">,
  place: string,
  log: Log,
) {
  const rows = createAsks(remote, place);
  const elapsed = () => performance.now();
  const asker = createAsker({ rows, schedule, elapsed });
  let answer: AnswerAsk | undefined;
  const answerer = createAnswerer({
    rows,
    answer(...asked) {
      if (answer) return answer(...asked);
      throw new Error("The process starts");
    },
    asked: asker.open,
    schedule,
    elapsed,
    log,
  });
  /** Partitions that stop; until their store is closed, a look still names them. */
  const leaving = new Set<number>();
  /** When this process ends, at the latest. */
  let leavesBy: number | undefined;
  return {
    ask: asker.ask,
    /** From now on, this process answers. */
    answerWith: (next: AnswerAsk): void => void (answer = next),
    /** A notice about requests has come. */
    hear(text: string): void {
      asker.hear(text);
      answerer.hear(text);
    },
    /** The process has looked; it runs these partitions. */
    looked(own: readonly number[], { asked }: Pick<Meeting, "asked">): void {
      for (const index of leaving) if (!own.includes(index)) leaving.delete(index);
      if (answer && leavesBy === undefined) {
        answerer.serve(own.filter((one) => !leaving.has(one)), asked);
      }
    },
    /** Takes no new request to a partition. */
    stopTaking(index: number): void {
      leaving.add(index);
      answerer.stopTaking(index);
    },
    /**
     * This process stops: it takes no new request.
     *
     * @param graceMs Milliseconds in which its own requests may still get their answers.
     */
    leave(graceMs: number): void {
      leavesBy ??= elapsed() + graceMs;
      answerer.stopTaking();
    },
    /** Whether this process stops. */
    isLeaving: (): boolean => leavesBy !== undefined,
    /** A partition has stopped: resolves once nothing uses its store. */
    stopped: (index: number): Promise<void> => answerer.end(index),
    /** Ends all, once the time of {@link leave} is over; nothing is asked or answered any more. */
    async close(): Promise<void> {
      await answerer.end();
      const { length } = asker.open();
      const leftMs = Math.max(0, (leavesBy ?? 0) - elapsed());
      if (length > 0) {
        log.info("Waiting for answers of other processes", {
          requests: length,
          atMostSec: Math.ceil(leftMs / 1_000),
        });
      }
      await asker.close(leftMs);
      await remote.close();
    },
  };
}
