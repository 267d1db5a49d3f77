/**
 * Reads a body to its end, with a bound: a server decides how much it sends.
 *
 * @module
 */

/**
 * Reads the body.
 *
 * @param body Leaving it early cancels it. `null`: there is none.
 * @param tooLarge Makes the error for a body of more than `maxBytes`.
 */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
  tooLarge: () => Error,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body ?? []) {
    size += piece.length;
    if (size > maxBytes) throw tooLarge();
    pieces.push(piece);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
