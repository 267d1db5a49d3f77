/**
 * Makes ids as Discord does: time in the upper 42 bits, always rising.
 *
 * History, `after=` and the bot's watermarks rely on the order of ids. So they rise even if the
 * clock stops or runs backwards.
 *
 * @see {@link https://docs.discord.com/developers/reference#snowflakes}
 */

import { parseSnowflake, type Snowflake } from "../../src/core/discord/ids.ts";

/** Unix time in milliseconds of the first second of 2015: Discord's epoch. */
const DISCORD_EPOCH_MS = 1_420_070_400_000;

/** The last given id; one per world. */
export interface IdCounter {
  last: bigint;
}

/**
 * Makes the next id.
 *
 * @param now Unix time in milliseconds.
 * @throws {RangeError} If 42 bits cannot count `now` from 2015.
 */
export function nextId<Kind extends string>(counter: IdCounter, now: number): Snowflake<Kind> {
  const fromClock = BigInt(Math.floor(now) - DISCORD_EPOCH_MS) << 22n;
  counter.last = fromClock > counter.last ? fromClock : counter.last + 1n;
  return toSnowflake(String(counter.last));
}

/**
 * Parses digits that must be an id.
 *
 * @throws {RangeError} If they are none.
 */
export function toSnowflake<Kind extends string>(digits: string): Snowflake<Kind> {
  const id = parseSnowflake<Kind>(digits);
  if (!id) {
    throw new RangeError(`Cannot use ${digits} as an id: it takes an unsigned 64-bit integer`);
  }
  return id;
}
