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

/**
 * Creates the answers that follow a page: a line of JSON for each view.
 *
 * @param closed Aborted when the dashboard ends.
 */
export function createLiveAnswers({ version, closed, log }: {
  /** Differs after each change of facts; cheap. */
  readonly version: () => string;
  readonly closed: AbortSignal;
  readonly log: Log;
}): (reader: LiveReader, left: AbortSignal) => Response {
  const encoder = new TextEncoder();
  /** Number of live pages of all readers, which share the CPU. */
  let open = 0;

  /** Renders a page at each change of its facts. */
  async function* viewsOf({ render, isAllowed }: LiveReader, signal: AbortSignal) {
    const endsAt = performance.now() + LIVE.answer;
    let shown = "";
    let text = "";
    while (!signal.aborted && isAllowed() && performance.now() < endsAt) {
      const from = performance.now();
      const now = version();
      const rendered = now === shown ? text : await render();
      shown = now;
      const restMs = (performance.now() - from) * REST * open;
      if (rendered !== text) yield text = rendered;
      const waitMs = Math.min(LIVE.max, Math.max(LIVE.min, restMs));
      await waitFor(Math.min(waitMs, Math.max(0, endsAt - performance.now())), schedule, signal);
    }
  }
  return (reader, left) => {
    if (open >= MAX_OPEN) {
      return new Response("Too many live pages are open; close some, and load this one again", {
        status: 503,
      });
    }
    const views = viewsOf(reader, AbortSignal.any([left, closed]));
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
