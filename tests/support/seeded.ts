/** Random numbers that are the same in each run, so that a failure can be reproduced. */

export interface Seeded {
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** A whole number from 0 up to, but not including, `count`. */
  upTo(count: number): number;
  /** A whole number within both bounds. */
  between(least: number, most: number): number;
  pick<Item>(from: readonly Item[]): Item;
}

/** Mulberry32. */
export function seeded(seed: number): Seeded {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  const upTo = (count: number) => Math.floor(random() * count);
  return {
    random,
    upTo,
    between: (least, most) => least + upTo(most - least + 1),
    pick(from) {
      const item = from[upTo(from.length)];
      if (item === undefined) throw new RangeError("Cannot pick from nothing");
      return item;
    },
  };
}
