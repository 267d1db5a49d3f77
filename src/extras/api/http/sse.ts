/** Streams an answer as Server-Sent Events. */

import type { StartTimer } from "../../../lib/clock.ts";

/** Milliseconds between two comments, which keep proxies from ending a silent stream. */
const KEEP_ALIVE_MS = 15_000;

type SendEvent = (data: object | "[DONE]", event?: string) => void;

/**
 * Creates the response.
 *
 * @param run Writes the events; the stream ends with it. Its signal aborts when the client has gone.
 * @param failed Writes the last event if `run` fails: the server would send the error's own words.
 */
export function sseResponse(
  schedule: StartTimer,
  gone: AbortSignal,
  run: (send: SendEvent, gone: AbortSignal) => Promise<void>,
  failed: (error: unknown, send: SendEvent) => void,
): Response {
  const leaving = new AbortController();
  const encoder = new TextEncoder();
  let cancelBeat: (() => void) | undefined;
  const onGone = () => leaving.abort();
  gone.addEventListener("abort", onGone, { once: true });
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const write = (text: string): void => {
        if (leaving.signal.aborted) return;
        try {
          controller.enqueue(encoder.encode(text));
        } catch {
          leaving.abort(); // the client has gone
        }
      };
      const beat = (): void => {
        write(": waiting\n\n");
        cancelBeat = schedule(beat, KEEP_ALIVE_MS);
      };
      cancelBeat = schedule(beat, KEEP_ALIVE_MS);
      const send: SendEvent = (data, event) => {
        const name = event === undefined ? "" : `event: ${event}\n`;
        write(`${name}data: ${data === "[DONE]" ? data : JSON.stringify(data)}\n\n`);
      };
      try {
        await run(send, leaving.signal);
      } catch (error) {
        failed(error, send);
      } finally {
        cancelBeat();
        gone.removeEventListener("abort", onGone);
        try {
          controller.close();
        } catch {
          // it is closed already
        }
      }
    },
    cancel() {
      leaving.abort();
      cancelBeat?.();
    },
  });
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" },
  });
}
