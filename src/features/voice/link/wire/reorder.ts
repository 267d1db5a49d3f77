/**
 * Puts the packets of one person into order, and says which are lost. It passes on packets in order at
 * once, and waits for a missing one only briefly: its reader transcribes and plays nothing.
 */

/** Milliseconds for which packets wait for a missing one. */
const WAIT_MS = 60;
/** Frames that are concealed; a longer gap is silence. */
const MAX_CONCEALED = 5;
/** Distances from the expected number within which a packet belongs to the stream (RFC 3550, A.1). */
const FARTHEST = 3_000;
const OLDEST = 100;

export type Ordered =
  | { readonly kind: "packet"; readonly content: Uint8Array }
  /** A frame is missing; `next` is the packet after it, which may have its sound in low quality. */
  | { readonly kind: "lost"; readonly next?: Uint8Array };

export function createReorder() {
  let expected: number | undefined;
  /** By distance from a number that never wraps: the count of the stream's packets. */
  const held = new Map<number, { readonly content: Uint8Array; readonly at: number }>();
  let jumpsTo: number | undefined;

  function release(out: Ordered[], isDue: boolean): readonly Ordered[] {
    const [first] = [...held.keys()].sort((a, b) => a - b);
    if (isDue && first !== undefined && expected !== undefined) {
      const gap = first - expected;
      const next = held.get(first)?.content;
      for (let lost = 1; lost <= gap && gap <= MAX_CONCEALED; lost++) {
        out.push({ kind: "lost", ...(lost === gap && next && { next }) });
      }
      expected = first;
    }
    for (let at = expected ?? 0;; expected = ++at) {
      const item = held.get(at);
      if (!item) return out;
      out.push({ kind: "packet", content: item.content });
      held.delete(at);
    }
  }

  /** The packet's place in the stream; `undefined` for one that was read, or is of no stream. */
  function placeOf(sequence: number): number | undefined {
    expected ??= sequence;
    const distance = ((sequence - expected) << 16) >> 16;
    if (distance < 0 && distance >= -OLDEST) return undefined;
    if (distance < 0 || distance > FARTHEST) {
      const isJump = jumpsTo === sequence;
      jumpsTo = (sequence + 1) & 0xffff;
      if (!isJump) return undefined;
      held.clear();
      return expected = sequence;
    }
    jumpsTo = undefined;
    return expected + distance;
  }

  return {
    /** Takes an authentic packet. @param at Any clock in milliseconds. */
    push(sequence: number, content: Uint8Array, at: number): readonly Ordered[] {
      const place = placeOf(sequence);
      if (place === undefined || held.has(place)) return [];
      held.set(place, { content, at });
      return release([], false);
    },
    /** Gives up packets that did not come in time. */
    tick(at: number): readonly Ordered[] {
      const isDue = [...held.values()].some((item) => at - item.at >= WAIT_MS);
      return isDue ? release([], true) : [];
    },
  };
}
