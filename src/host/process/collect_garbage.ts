/**
 * Asks the runtime to collect garbage now.
 *
 * Bun's collector waits until the heap has doubled, which after a burst may never happen, and the
 * allocator keeps freed pages. Deno has no such call.
 *
 * @module
 */

/** Collects garbage and returns free pages to the system. It blocks the thread for 10 to 30 ms. */
export function collectGarbage(): void {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (isBun(bun)) bun.gc(true);
}

function isBun(value: unknown): value is { gc(waits: boolean): void } {
  return typeof value === "object" && value !== null && "gc" in value &&
    typeof value.gc === "function";
}
