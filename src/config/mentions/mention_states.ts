/**
 * Bounds the automaton of mention patterns (M2).
 *
 * RE2 makes a state of its automaton when a text first needs it, and keeps the state. A known state
 * costs some nanoseconds per character, and a new one up to 50 µs. A pattern such as `a[ab]{12}x`,
 * or `a` and twelve times `[ab]`, has a state for each set of places at which it can begin: a
 * hostile text needs a new one at each character. The pattern's text does not show that. So this
 * module makes all states beforehand, and gives up at a bound.
 */

import type { RE2Set } from "re2js";

/** A state, as the library keeps it. */
interface State {
  /** Instructions that may be next. */
  readonly nfaStates: readonly number[];
  /** Conditions such as word boundaries in its upper bits. */
  readonly flag: number;
}

/** The part of the library's automaton that this module uses. */
interface Automaton {
  readonly startStates: ReadonlyMap<number, State>;
  readonly prog: {
    getInst(pc: number): { readonly runes?: readonly number[] | null };
  };
  searchClass(rune: number): number;
  /** All instructions behind some, if these conditions hold. */
  closure(pcs: readonly number[], conditions: number): { readonly pcs: readonly number[] };
  /** Finds or makes the next state; `null` if its memory is full. */
  step(state: State, runeClass: number, rune: number, anchor: number): State | null;
}

/**
 * Maximum work to make the states of a list without counts, in visited instructions. The list of a hundred
 * patterns with `.*` in the tests needs two thirds of it.
 */
export const MAX_WORK = 2_500_000;

/**
 * The same for counted patterns. Each of them searches a message by itself, and states that are not
 * in the processor's cache make that slow: 25 times `a[ab]{8}x` took 6 ms under Bun.
 */
export const MAX_WORK_OF_COUNTED = 400_000;

/** Upper bits of a state's flag: the conditions that it waits for. */
const CONDITIONS_SHIFT = 16;
const ALL_CONDITIONS = 255;
/** Runes that decide such conditions: line ends, and the bounds of word characters. */
const CONDITION_BOUNDS = [10, 11, 48, 58, 65, 91, 95, 96, 97, 123];
/** Instructions that a step costs beside those of its state. */
const STEP_COST = 10;

/**
 * Builds all states of a set's lazy DFA (subset construction).
 *
 * @param maxWork Work at which it gives up.
 * @returns The work; `undefined` if there is more than allowed.
 */
export function determinize(set: RE2Set, maxWork: number): number | undefined {
  set.match(""); // compiles the set, and makes the first state
  const automaton: Automaton = set.dfa;
  const seen = new Set(automaton.startStates.values());
  let work = 0;
  for (const state of seen) { // grows meanwhile
    const classes = new Map<number, number>();
    for (const rune of boundsOf(state, automaton)) classes.set(automaton.searchClass(rune), rune);
    for (const [runeClass, rune] of classes) {
      work += state.nfaStates.length + STEP_COST;
      if (work > maxWork) return undefined;
      const next = automaton.step(state, runeClass, rune, 0);
      if (next === null) return undefined;
      seen.add(next);
    }
  }
  return work;
}

/** The runes at which another set of the state's instructions matches. */
function boundsOf({ nfaStates, flag }: State, automaton: Automaton): ReadonlySet<number> {
  const { prog } = automaton;
  const isFree = flag >>> CONDITIONS_SHIFT === 0;
  const bounds = new Set(isFree ? [0] : [0, ...CONDITION_BOUNDS]);
  bounds.add(10).add(11); // `.` matches no line end
  for (const pc of isFree ? nfaStates : automaton.closure(nfaStates, ALL_CONDITIONS).pcs) {
    const runes = prog.getInst(pc).runes ?? [];
    for (const [index, rune] of runes.entries()) {
      bounds.add(index % 2 === 0 ? rune : rune + 1);
      if (runes.length === 1) bounds.add(rune + 1);
    }
  }
  return bounds;
}
