/** Joins the chunks of streams, and turns Web streams into iterators and back. */

import { Buffer } from "node:buffer";

/** Joins small chunks: larger writes and messages cost less. */
export async function* gathered(
  chunks: AsyncIterable<Uint8Array>,
  leastBytes: number,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < leastBytes) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

/**
 * A stream that makes a chunk when its reader wants one.
 *
 * @param ahead Chunks to make before the reader wants them.
 */
export function toWebStream(
  content: AsyncIterable<Uint8Array>,
  ahead?: number,
): ReadableStream<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  }, { highWaterMark: ahead });
}

/** The values of a stream. The runtimes differ in the type of the stream's own iterator. */
export async function* valuesOf<T>(
  stream: ReadableStream<T>,
  toError: (error: unknown) => unknown = (error) => error,
): AsyncGenerator<T> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw toError(error);
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // a stream that failed has ended
  }
}
