/**
 * Reads a value at most once.
 *
 * @module
 */

/** Wraps a read: the first call reads, and all calls get its result, a failure too. */
export function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let known: Promise<Value> | undefined;
  return () => known ??= read();
}
