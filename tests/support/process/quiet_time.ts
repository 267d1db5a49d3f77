/**
 * Measures time as a machine would that does nothing else, for the bounds of an issue on a busy one.
 *
 * The same computation runs in short slices. The fastest slice had the processor to itself, so the
 * others tell how much of the time other programs have.
 */

const SLICES = 40;
const ROUNDS = 60_000;
/** Below this, the machine counts as quiet, and the time is that of the clock. */
const NOISE = 1.5;

/** The milliseconds since `startedAt` of `performance.now()`, less those of other programs now. */
export function quietMsSince(startedAt: number): number {
  const wallMs = performance.now() - startedAt;
  const slices = Array.from({ length: SLICES }, () => sliceMs());
  const slowness = slices.reduce((sum, ms) => sum + ms) / (SLICES * Math.min(...slices));
  return slowness < NOISE ? wallMs : wallMs / slowness;
}

function sliceMs(): number {
  const at = performance.now();
  let value = 1;
  for (let round = 0; round < ROUNDS; round++) value = value * 48_271 % 2_147_483_647;
  return performance.now() - at + (value === 0 ? 1 : 0);
}
