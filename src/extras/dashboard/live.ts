/**
 * Renders a page again while it is open, as often as its facts change and as the CPU allows.
 *
 * A change of the store or of the bot's state is a short text to compare. After each look and each
 * rendering, a page waits 150 times as long as that took. So open pages cost less than 1 % of a core,
 * however busy the bot or slow the machine is.
 */

import { schedule, waitFor } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";

/** The bounds of live updates, in milliseconds. */
const LIVE = {
  /** Between two updates, so at most four a second. */
  min: 250,
  /** Between two updates of a page that takes long to render. */
  max: 30_000,
  /** An answer ends before the server would break its connection; the page then asks again. */
  answer: 45_000,
};

/**
 * Live pages at the same time. Each holds a connection, and health checks need some, too: a supervisor
 * that gets no answer would restart the bot.
 */
const MAX_OPEN = 16;

/** Milliseconds of waiting for each millisecond of work; the rest of a percent is for the connection. */
const REST = 150;

/** A reader of a page. */
interface LiveReader {
  /** Renders the page. */
  readonly render: () => Promise<string>;
  /** Whether the reader's session lasts. */
  readonly isAllowed: () => boolean;
}

interface LivePorts extends LiveReader {
  /** Differs after each change of facts; cheap. */
  readonly version: () => string;
  /** Number of live pages of all readers, which share the CPU. */
  readonly open: () => number;
  readonly elapsed: () => number;
  readonly wait: (ms: number) => Promise<void>;
  /** Aborted once the reader or the bot leaves. */
  readonly signal: AbortSignal;
}

/**
 * Renders a page at each change of its facts.
 *
 * @param begun The version that the reader has.
 */
export async function* liveViews(
  { render, version, open, elapsed, wait, isAllowed, signal }: LivePorts,
): AsyncGenerator<string> {
  const endsAt = elapsed() + LIVE.answer;
  let shown = "";
  let text = "";
  while (!signal.aborted && isAllowed() && elapsed() < endsAt) {
    const from = elapsed();
    const now = version();
    const rendered = now === shown ? text : await render();
    shown = now;
    const restMs = Math.min(LIVE.max, Math.max(LIVE.min, (elapsed() - from) * REST * open()));
    if (rendered !== text) yield text = rendered;
    await wait(Math.min(restMs, Math.max(0, endsAt - elapsed())));
  }
}

/**
 * Creates the answers that follow a page: a line of JSON for each view.
 *
 * @param closed Aborted when the dashboard ends.
 */
export function createLiveAnswers({ version, closed, log }: {
  readonly version: () => string;
  readonly closed: AbortSignal;
  readonly log: Log;
}): (reader: LiveReader, left: AbortSignal) => Response {
  const encoder = new TextEncoder();
  let open = 0;
  return (reader, left) => {
    if (open >= MAX_OPEN) {
      return new Response("Too many live pages are open; close some, and load this one again", {
        status: 503,
      });
    }
    const signal = AbortSignal.any([left, closed]);
    const views = liveViews({
      ...reader,
      version,
      open: () => open,
      elapsed: () => performance.now(),
      wait: (ms) => waitFor(ms, schedule, signal),
      signal,
    });
    let isOpen = true;
    open += 1;
    const end = () => {
      if (isOpen) open -= 1;
      isOpen = false;
    };
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await views.next();
          if (!done) return controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
        } catch (error) {
          log.error("A live page of the dashboard failed", { error });
        }
        end();
        controller.close();
      },
      async cancel() {
        end();
        await views.return(undefined);
      },
    }, { highWaterMark: 0 });
    return new Response(stream, {
      headers: { "Content-Type": "application/x-ndjson; charset=utf-8" },
    });
  };
}
