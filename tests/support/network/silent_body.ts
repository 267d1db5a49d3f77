/** A body as Deno has it once its garbage collector has run: a request's signal does not end it. */

export interface SilentBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whether its reader has closed the connection. */
  isCancelled(): boolean;
}

/** @param beginning The body's text before the silence. */
export function createSilentBody(beginning = ""): SilentBody {
  let isCancelled = false;
  let isSent = beginning === "";
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (isSent) return new Promise(() => {});
      isSent = true;
      controller.enqueue(new TextEncoder().encode(beginning));
    },
    cancel: () => void (isCancelled = true),
  });
  return { stream, isCancelled: () => isCancelled };
}
