/**
 * Keeps the beginning and the end of a command's output.
 *
 * @module
 */

/** Output of a command. */
export interface KeptOutput {
  /** Adds a part; returns whether the command may write more. */
  add(part: Uint8Array): boolean;
  /** The output, with a note in place of its middle. */
  text(): string;
}

/**
 * Creates an empty output.
 *
 * @param keep Bytes of the beginning, and as many of the end.
 * @param max Bytes after which the command may write no more.
 */
export function createOutput(keep: number, max: number): KeptOutput {
  const head: Uint8Array[] = [];
  let headBytes = 0;
  let tail = new Uint8Array(0);
  let bytes = 0;
  return {
    add(part) {
      bytes += part.length;
      const toHead = part.subarray(0, Math.max(0, keep - headBytes));
      if (toHead.length > 0) {
        head.push(Uint8Array.from(toHead));
        headBytes += toHead.length;
      }
      const rest = part.subarray(toHead.length);
      if (rest.length > 0) {
        const joined = new Uint8Array(tail.length + rest.length);
        joined.set(tail);
        joined.set(rest, tail.length);
        tail = joined.slice(Math.max(0, joined.length - keep));
      }
      return bytes <= max;
    },
    text() {
      const decode = (data: Uint8Array) => new TextDecoder().decode(data);
      const start = decode(Buffer.concat(head));
      const left = bytes - headBytes - tail.length;
      const end = decode(tail);
      return left > 0 ? `${start}\n[… ${left} bytes left out …]\n${end}` : start + end;
    },
  };
}
