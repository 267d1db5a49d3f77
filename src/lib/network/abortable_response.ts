/**
 * Lets an abort reach the body of a response that a library reads.
 *
 * @see {@link readPieces} about the reason.
 *
 * @module
 */

import { type BodyReader, cancelReader } from "./read_body.ts";

/**
 * Returns the response with a body that fails once the signal aborts.
 *
 * The signal may outlive many responses. So the body watches it only during a read.
 */
export function abortableResponse(response: Response, signal: AbortSignal): Response {
  const { body, status, statusText, headers } = response;
  if (!body) return response;
  let reader: BodyReader | undefined;

  const watched = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const its = reader ??= body.getReader();
      const abort = () => cancelReader(its, signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      try {
        signal.throwIfAborted();
        const { done, value } = await its.read();
        signal.throwIfAborted(); // a cancelled reader reports the end of the body
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        abort();
        throw error;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    async cancel(reason) {
      await (reader ?? body).cancel(reason);
    },
  }, { highWaterMark: 0 });
  return new Response(watched, { status, statusText, headers });
}
