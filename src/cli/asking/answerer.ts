/** Answers the requests of other processes to the partitions of this one (O16). */

import type { StartTimer } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { AskRows, TakenAsk } from "../../store/replica/asks.ts";
import { ASK_NOTICE, GONE_NOTICE } from "../../store/replica/listen.ts";

/** Maximum number of requests that are answered at once; others wait in their rows. */
const MOST = 50;
/** Maximum UTF-16 units of an answer. */
const MOST_UNITS = 8 * 2 ** 20;
/** UTF-16 units of one row. */
const ROW_UNITS = 256 * 2 ** 10;
/** Milliseconds between two checks whether the asking processes still live. */
const CHECK_MS = 5_000;
/** Milliseconds until an answer must have ended once the accounts of its partition have stopped. */
const LAST_MS = 2_000;

/**
 * Answers a request to a partition, part by part; throws before the first part if it refuses. The signal
 * aborts once nothing waits for it.
 */
export type AnswerAsk = (
  partition: number,
  question: string,
  signal: AbortSignal,
) => AsyncIterable<string>;

/** A request that is being answered. */
interface RunningAsk {
  readonly gone: AbortController;
  readonly partition: number;
  readonly ended: Promise<void>;
}

/** The text of the next row. A character of two units in two rows would be two wrong ones. */
function beginningOf(text: string): string {
  const end = /[\uD800-\uDBFF]/.test(text.charAt(ROW_UNITS - 1)) ? ROW_UNITS - 1 : ROW_UNITS;
  return text.slice(0, end);
}

/** Creates it. The function is long because its inner functions share the running requests. */
export function createAnswerer(
  { rows, answer, asked, schedule, elapsed, log }: {
    readonly rows: Pick<AskRows, "take" | "giveBack" | "write" | "waiting">;
    readonly answer: AnswerAsk;
    /** The requests that this process waits for. */
    readonly asked: () => readonly string[];
    readonly schedule: StartTimer;
    /** Milliseconds of a clock that never goes back. */
    readonly elapsed: () => number;
    readonly log: Log;
  },
) {
  const running = new Map<string, RunningAsk>();
  let partitions: readonly number[] = [];
  let taking: Promise<void> | undefined;
  let isAsked = false;
  let checkedAt = -Infinity;

  /** Writes parts as they come; those that come while one is written share a row. */
  async function reply({ id, partition, question }: TakenAsk, gone: AbortSignal): Promise<void> {
    let number = 0;
    let unsent = "";
    let written = 0;
    let writing: Promise<void> | undefined;
    let problem: unknown;
    const flush = async (): Promise<void> => {
      while (unsent !== "" && !gone.aborted) {
        const text = beginningOf(unsent);
        unsent = unsent.slice(text.length);
        if (!await rows.write(id, { number: number++, text, kind: "more" })) end(id);
      }
    };
    /** Writes in the background; what comes while the last row ends begins again. */
    const begin = (): void => {
      writing ??= flush().catch((error: unknown) => void (problem = error)).finally(() => {
        writing = undefined;
        if (unsent !== "" && problem === undefined && !gone.aborted) begin();
      });
    };
    const idle = async (): Promise<void> => {
      while (writing !== undefined) await writing;
    };
    try {
      for await (const text of answer(partition, question, gone)) {
        if (gone.aborted) return;
        if (problem !== undefined) throw problem;
        written += text.length;
        if (written > MOST_UNITS) throw new Error("The answer is too large for another process");
        unsent += text;
        begin();
      }
      await idle();
      if (problem !== undefined) throw problem;
      if (!gone.aborted) await rows.write(id, { number, text: "", kind: "last" });
    } catch (error) {
      if (gone.aborted) return;
      await idle();
      const text = error instanceof Error ? error.message : String(error);
      log.debug("Cannot answer another process", { partition, error });
      const kind = written === 0 ? "refused" : "failed";
      await rows.write(id, { number, text, kind }).catch(() => {}); // it finds out by itself
    }
  }

  /** Nothing waits for the answer any more. */
  function end(id: string): void {
    running.get(id)?.gone.abort();
  }

  async function take(): Promise<void> {
    while (isAsked && partitions.length > 0 && running.size < MOST) {
      isAsked = false;
      const taken = await rows.take(partitions, MOST - running.size);
      const isServed = ({ partition }: TakenAsk) => partitions.includes(partition);
      for (const ask of taken.filter(isServed)) {
        const gone = new AbortController();
        const ended = reply(ask, gone.signal).finally(() => {
          running.delete(ask.id);
          look();
        });
        running.set(ask.id, { gone, partition: ask.partition, ended });
      }
      const late = taken.filter((one) => !isServed(one)); // the partition stops since that statement
      if (late.length > 0) await rows.giveBack(late.map(({ id }) => id));
    }
  }

  /** Takes waiting requests, in the background. */
  function look(): void {
    isAsked = true;
    taking ??= take().catch((error: unknown) => {
      log.debug("Cannot read the requests of other processes", { error });
    }).finally(() => taking = undefined);
  }

  async function check(): Promise<void> {
    if (elapsed() - checkedAt < CHECK_MS) return;
    checkedAt = elapsed();
    const ids = [...running.keys()];
    const waiting = await rows.waiting(ids, asked());
    for (const id of ids) if (!waiting.has(id)) end(id);
  }

  return {
    /** The partitions that this process runs; some may have waiting requests. */
    serve(own: readonly number[], asked: readonly number[]): void {
      partitions = own;
      if (asked.some((index) => own.includes(index))) look();
      void check().catch(() => {}); // the next look checks again
    },
    /** A notice about requests has come. */
    hear(text: string): void {
      if (text === ASK_NOTICE) look();
      else if (text.startsWith(GONE_NOTICE)) end(text.slice(GONE_NOTICE.length));
    },
    /** Takes no new request: to a partition, or to all. */
    stopTaking(index?: number): void {
      partitions = index === undefined ? [] : partitions.filter((one) => one !== index);
    },
    /**
     * Resolves once no request to a partition, or to any, runs. Their work has ended, but not all of
     * their answers are written.
     */
    async end(index?: number): Promise<void> {
      await taking;
      const all = [...running].filter(([, one]) => index === undefined || one.partition === index);
      const cancel = schedule(() => {
        for (const [id] of all) end(id);
      }, LAST_MS);
      await Promise.all(all.map(([, { ended }]) => ended));
      cancel();
    },
  };
}
