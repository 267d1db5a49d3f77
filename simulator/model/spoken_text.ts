/**
 * Sound that carries its text: each byte is a chord of three tones, for its halves and its place.
 *
 * Whether words arrive whole can so be tested without a speech model. It survives Opus, noise, other
 * rates and lost frames. A listener needs no start: it finds the chords wherever they begin. Like
 * speech, it has louder and softer syllables, and gaps between words.
 */

/** Samples a second of all sound in tests. */
export const RATE = 24_000;
/** About the pace of speech: 13 characters a second, with the gaps. */
export const SYMBOL_MS = 60;

const LOW = tones(16, 450, 70);
const HIGH = tones(16, 1_700, 90);
const PLACE = tones(4, 3_350, 140);
const AMPLITUDE = 5_000;
/** Loudness of a chord, by its place. */
const STRESS = [1, 0.6, 0.35, 0.8];
const WORD_GAP_MS = 100;
const SPACE = 0x20;
const RAMP_MS = 3;
const WINDOW_MS = 20;
const STEP_MS = 5;
/** Windows that agree until a chord counts: a lost frame leaves at least so many. */
const AGREEING = 3;
/** Of a window's energy, the share that its three tones must have. */
const MIN_SHARE = 0.5;
const MIN_ENERGY = 200 ** 2;

/** Speaks a text. */
export function speakText(text: string): Int16Array {
  const bytes = new TextEncoder().encode(text);
  const length = samples(SYMBOL_MS);
  const gaps = bytes.filter((byte) => byte === SPACE).length;
  const pcm = new Int16Array(bytes.length * length + gaps * samples(WORD_GAP_MS));
  let begin = 0;
  for (const [place, byte] of bytes.entries()) {
    const chord = [LOW[byte >> 4], HIGH[byte & 15], PLACE[place % 4]];
    const amplitude = AMPLITUDE * (STRESS[place % 4] ?? 1);
    for (let at = 0; at < length; at++) {
      const edge = Math.min(1, at / samples(RAMP_MS), (length - at) / samples(RAMP_MS));
      const sum = chord.reduce<number>(
        (total, tone) => total + Math.sin(2 * Math.PI * (tone ?? 0) * at / RATE),
        0,
      );
      pcm[begin + at] = Math.round(amplitude * edge * sum);
    }
    begin += length + (byte === SPACE ? samples(WORD_GAP_MS) : 0);
  }
  return pcm;
}

/** Reads the text of a sound; each lost byte is a `~`, and sound without chords is no text. */
export function readSound(pcm: Int16Array): string {
  const bytes: number[] = [];
  let last: { readonly key: number; count: number } | undefined;
  let place = -1;
  let lastAt = 0;
  for (let at = 0; at + samples(WINDOW_MS) <= pcm.length; at += samples(STEP_MS)) {
    const key = chordOf(pcm.subarray(at, at + samples(WINDOW_MS)));
    if (last?.key !== key) last = key === undefined ? undefined : { key, count: 0 };
    if (!last) continue;
    last.count += 1;
    if (last.count !== AGREEING) continue;
    const [byte, next] = [last.key >> 2, last.key & 3];
    if (next === place && bytes.at(-1) === byte) continue; // the same chord, after a hole
    const isNew = next === 0 && at - lastAt > samples(WORD_GAP_MS + SYMBOL_MS);
    const lost = place < 0 || isNew ? 0 : (next - place + 3) % 4;
    bytes.push(...new Array<number>(lost).fill("~".charCodeAt(0)), byte);
    place = next;
    lastAt = at;
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function chordOf(window: Int16Array): number | undefined {
  const energy = window.reduce((sum, sample) => sum + sample * sample, 0) / window.length;
  if (energy < MIN_ENERGY) return undefined;
  const found = [LOW, HIGH, PLACE].map((group) => strongest(window, group));
  const share = found.reduce((sum, { power }) => sum + power, 0) / energy;
  const [low, high, place] = found;
  if (!low || !high || !place || share < MIN_SHARE) return undefined;
  const least = Math.min(...found.map(({ power }) => power));
  return least * 20 < energy ? undefined : (low.index * 16 + high.index) * 4 + place.index;
}

/** The strongest tone of a group, by Goertzel's algorithm; its power is in units of the energy. */
function strongest(window: Int16Array, group: readonly number[]) {
  let best = { index: 0, power: 0 };
  for (const [index, tone] of group.entries()) {
    const factor = 2 * Math.cos(2 * Math.PI * tone / RATE);
    let [one, two] = [0, 0];
    for (const sample of window) [one, two] = [sample + factor * one - two, one];
    const power = 2 * (one * one + two * two - factor * one * two) / window.length ** 2;
    if (power > best.power) best = { index, power };
  }
  return best;
}

function tones(count: number, first: number, step: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index * step);
}

function samples(ms: number): number {
  return ms * RATE / 1_000;
}
