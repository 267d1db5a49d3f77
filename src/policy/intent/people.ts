/**
 * Remembers people of one channel for the intent filter, in a fixed number of bytes each (I1).
 *
 * Names, texts and words are not kept: only numbers of messages, and hashes of words of the bot's
 * last answer to the person.
 */

import type { UserId } from "../../core/discord/ids.ts";

/** Beyond this number, the person with the oldest last message makes room. */
const MAX_PEOPLE = 200;
/** Content words of an answer that are kept; those after them are not compared. */
const MAX_ANSWER_WORDS = 25;
/** Number of a person's newest messages that are remembered as addressing the bot or not. */
const HISTORY_LENGTH = 5;
/** Memory grows by this many people at a time. */
const GROWTH = 8;

/** A person without messages has these values. */
const NEVER = -1;

/** The layout of a person's numbers. */
const LAST_MESSAGE = 0;
const LAST_ANSWER = 1;
const LAST_ADDRESSED_BY_OTHERS = 2;
/** Bits: of the last messages, which addressed the bot. The newest is the lowest. */
const TO_BOT = 3;
const HISTORY_COUNT = 4;
const LAST_WAS_TO_OTHERS = 5;
const ANSWER_WORD_COUNT = 6;
const ANSWER_WORDS = 7;
const STRIDE = ANSWER_WORDS + MAX_ANSWER_WORDS;

/** A person's state. Numbers of messages count from the tracker's start; -1 is never. */
export interface TrackedPerson {
  /** The person's own last message. */
  readonly lastMessage: number;
  /** The bot's last answer to the person. */
  readonly lastAnswer: number;
  /** Unix time in milliseconds of that answer. */
  readonly lastAnswerAt: number;
  /** The last message of another person to this one. */
  readonly lastAddressedByOthers: number;
  readonly lastWasToBot: boolean;
  readonly lastWasToOthers: boolean;
  /** Part of the last messages that addressed the bot, from 0 to 1. */
  readonly shareToBot: number;
}

const UNKNOWN: TrackedPerson = {
  lastMessage: NEVER,
  lastAnswer: NEVER,
  lastAnswerAt: 0,
  lastAddressedByOthers: NEVER,
  lastWasToBot: false,
  lastWasToOthers: false,
  shareToBot: 0,
};

/** Gives each person a place in two arrays, and makes room for new people. */
function createPlaces() {
  /** In the order in which the people were last heard of. */
  const places = new Map<UserId, number>();
  const state = { numbers: new Int32Array(0), answeredAt: new Float64Array(0) };

  function grow(people: number): void {
    const before = { ...state };
    state.numbers = new Int32Array(people * STRIDE);
    state.numbers.set(before.numbers);
    state.answeredAt = new Float64Array(people);
    state.answeredAt.set(before.answeredAt);
  }

  /** Takes the place of the person with the oldest last message, or a new one. */
  function takePlace(): number {
    const [oldest] = places;
    if (places.size < MAX_PEOPLE || oldest === undefined) {
      if (places.size === state.answeredAt.length) {
        grow(Math.min(places.size + GROWTH, MAX_PEOPLE));
      }
      return places.size;
    }
    places.delete(oldest[0]);
    return oldest[1];
  }

  return {
    places,
    state,
    /** The first index of a person's numbers. Makes room for a new person. */
    touch(person: UserId): number {
      const known = places.get(person);
      if (known !== undefined) places.delete(person);
      const place = known ?? takePlace();
      places.set(person, place);
      const base = place * STRIDE;
      if (known === undefined) {
        state.numbers.fill(0, base, base + STRIDE);
        state.numbers.fill(NEVER, base, base + LAST_ADDRESSED_BY_OTHERS + 1);
      }
      return base;
    },
  };
}

export function createTrackedPeople() {
  const { places, state, touch } = createPlaces();

  function read(base: number, field: number): number {
    return state.numbers[base + field] ?? NEVER;
  }

  return {
    wrote(person: UserId, message: number, to: { bot: boolean; others: boolean }): void {
      const base = touch(person);
      state.numbers[base + LAST_MESSAGE] = message;
      const history = (read(base, TO_BOT) << 1) | (to.bot ? 1 : 0);
      state.numbers[base + TO_BOT] = history & ((1 << HISTORY_LENGTH) - 1);
      state.numbers[base + HISTORY_COUNT] = Math.min(read(base, HISTORY_COUNT) + 1, HISTORY_LENGTH);
      state.numbers[base + LAST_WAS_TO_OTHERS] = to.others ? 1 : 0;
    },
    answered(person: UserId, message: number, at: number, content: ReadonlySet<number>): void {
      const base = touch(person);
      state.numbers[base + LAST_ANSWER] = message;
      state.answeredAt[base / STRIDE] = at;
      let count = 0;
      for (const word of content) {
        if (count === MAX_ANSWER_WORDS) break;
        state.numbers[base + ANSWER_WORDS + count++] = word;
      }
      state.numbers[base + ANSWER_WORD_COUNT] = count;
    },
    addressed(person: UserId, message: number): void {
      const base = touch(person);
      state.numbers[base + LAST_ADDRESSED_BY_OTHERS] = message;
    },
    of(person: UserId): TrackedPerson {
      const place = places.get(person);
      if (place === undefined) return UNKNOWN;
      const base = place * STRIDE;
      const history = read(base, TO_BOT);
      const count = read(base, HISTORY_COUNT);
      return {
        lastMessage: read(base, LAST_MESSAGE),
        lastAnswer: read(base, LAST_ANSWER),
        lastAnswerAt: state.answeredAt[place] ?? 0,
        lastAddressedByOthers: read(base, LAST_ADDRESSED_BY_OTHERS),
        lastWasToBot: (history & 1) === 1,
        lastWasToOthers: read(base, LAST_WAS_TO_OTHERS) === 1,
        shareToBot: count === 0 ? 0 : bitsIn(history) / count,
      };
    },
    /** How many words of a message the bot's last answer to the person has, from 0 to 1. */
    sharedWithAnswer(person: UserId, content: ReadonlySet<number>): number {
      const place = places.get(person);
      if (place === undefined) return 0;
      const base = place * STRIDE;
      const count = read(base, ANSWER_WORD_COUNT);
      let shared = 0;
      for (let at = 0; at < count; at++) if (content.has(read(base, ANSWER_WORDS + at))) shared++;
      return cosine(shared, count, content.size);
    },
  };
}

/** How alike two sets of words are, from 0 to 1. */
export function likeness(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let shared = 0;
  for (const word of a) if (b.has(word)) shared++;
  return cosine(shared, a.size, b.size);
}

/** The cosine of the angle between two sets. */
function cosine(shared: number, sizeA: number, sizeB: number): number {
  return shared === 0 ? 0 : shared / Math.sqrt(sizeA * sizeB);
}

function bitsIn(history: number): number {
  let count = 0;
  for (let rest = history; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}
