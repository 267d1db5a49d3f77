import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  afterWrongCode,
  CLOSED_MS,
  closedUntil,
  codeFrom,
  MAX_CODES,
  MAX_PENDING,
  MAX_WRONG_CODES,
  type PairingState,
  readCode,
  settlePairing,
  type WrongCodes,
} from "../../../src/core/inbound/pairing.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const RULE = "channels.discord.dm.policy";
const STRANGER: PairingState = { isPaired: false, pending: 0, given: 0 };

describe("settlePairing()", () => {
  const TABLE: readonly (readonly [what: string, state: Partial<PairingState>, why: string])[] = [
    ["gives a code to a stranger without one", {}, "challenge pairing"],
    ["gives the last free code", { pending: 19, given: 9 }, "challenge pairing"],
    ["accepts a paired user", { isPaired: true }, "accept dm-paired"],
    ["accepts a paired user, even if it is full", {
      isPaired: true,
      last: "approved",
      pending: 20,
      given: 10,
    }, "accept dm-paired"],
    ["says nothing more to a stranger with a code", { last: "pending" }, "ignore pairing-pending"],
    ["recognizes a stranger with a code, even if it is full", {
      last: "pending",
      pending: 20,
      given: 10,
    }, "ignore pairing-pending"],
    ["gives no second code to a denied stranger", { last: "denied" }, "ignore pairing-denied"],
    ["gives no code after a revoked pairing", { last: "approved" }, "ignore pairing-denied"],
    ["gives none while twenty wait", { pending: MAX_PENDING }, "ignore pairing-full"],
    ["gives ten a minute", { given: MAX_CODES }, "ignore pairing-full"],
  ];
  for (const [what, state, expected] of TABLE) {
    it(`[P3] ${what}`, () => {
      const verdict = settlePairing({ ...STRANGER, ...state }, RULE);
      assert.equal(`${verdict.kind} ${verdict.why}`, expected);
      assert.equal(verdict.rule, RULE);
      assert.ok(verdict.kind !== "ignore" || !verdict.keepAsContext, "P10: no words of strangers");
    });
  }
});

describe("codeFrom()", () => {
  it("[P3] makes codes of 8 letters out of 32 that look different", () => {
    assert.equal(codeFrom(new Uint8Array(8)), "AAAAAAAA");
    assert.equal(codeFrom(Uint8Array.of(0, 7, 8, 12, 13, 24, 31, 255)), "AHJNP299");
    assert.throws(() => codeFrom(new Uint8Array(7)), RangeError);
    assert.throws(() => codeFrom(new Uint8Array(9)), RangeError);
  });

  it("[P3] has no bias: each letter stands for 8 of the 256 bytes", () => {
    const counts = new Map<string, number>();
    for (let byte = 0; byte < 256; byte++) {
      const letter = codeFrom(new Uint8Array(8).fill(byte)).charAt(0);
      counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    assert.equal([...counts.keys()].toSorted().join(""), "23456789ABCDEFGHJKLMNPQRSTUVWXYZ");
    assert.deepEqual([...new Set(counts.values())], [8]);
  });

  it("[P3] makes codes that readCode() reads in any spelling", () => {
    const bytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(fc.property(bytes, fc.nat({ max: 8 }), fc.boolean(), (bytes, at, isLower) => {
      const code = codeFrom(bytes);
      const typed = ` ${code.slice(0, at)}- ${code.slice(at)}\n`;
      assert.equal(readCode(isLower ? typed.toLowerCase() : typed), code);
    }));
  });
});

describe("readCode()", () => {
  const TABLE: readonly (readonly [typed: string, code: string | undefined])[] = [
    ["K7XQ2MPR", "K7XQ2MPR"],
    ["k7xq-2mpr", "K7XQ2MPR"],
    ["K7XQ–2MPR", "K7XQ2MPR"],
    [" k7 xq 2m pr ", "K7XQ2MPR"],
    ["K7XQ2MP", undefined],
    ["K7XQ2MPRR", undefined],
    ["", undefined],
    ["K7XQ2MP0", undefined],
    ["K7XQ2MPO", undefined],
    ["K7XQ2MP1", undefined],
    ["K7XQ2MPI", undefined],
    ["K7XQ2MPı", undefined],
    ["K7XQ2MPſ", undefined],
    ["Ｋ7XQ2MPR", undefined],
    ["К7XQ2MPR", undefined], // Cyrillic
    ["K7XQ2MßA", undefined],
    ["K7XQ2\u200bMPR", undefined],
    ["%' OR 1=1", undefined],
  ];
  for (const [typed, code] of TABLE) {
    it(`[P3] reads ${JSON.stringify(typed)} as ${code ?? "no code"}`, () => {
      assert.equal(readCode(typed), code);
    });
  }
});

describe("wrong codes", () => {
  const NONE: WrongCodes = { count: 0 };
  const wrong = (times: number, from = NONE, now = NOW): WrongCodes => {
    let guesses = from;
    for (let time = 0; time < times; time++) guesses = afterWrongCode(guesses, now);
    return guesses;
  };

  it("[P3] [SEC-R13] block approval with the fifth in a row, for a minute", () => {
    assert.equal(closedUntil(wrong(MAX_WRONG_CODES - 1), NOW), undefined);
    const closed = wrong(MAX_WRONG_CODES);
    assert.equal(closed.count, 5);
    assert.equal(closedUntil(closed, NOW), NOW + CLOSED_MS);
    assert.equal(closedUntil(closed, NOW + CLOSED_MS - 1), NOW + CLOSED_MS);
    assert.equal(closedUntil(closed, NOW + CLOSED_MS), undefined);
  });

  it("[SEC-R13] are counted from zero after the minute", () => {
    const again = wrong(1, wrong(MAX_WRONG_CODES), NOW + CLOSED_MS);
    sameData(again, { count: 1 });
    assert.equal(closedUntil(again, NOW + CLOSED_MS), undefined);
    const closed = wrong(MAX_WRONG_CODES - 1, again, NOW + CLOSED_MS);
    assert.equal(closedUntil(closed, NOW + CLOSED_MS), NOW + 2 * CLOSED_MS);
  });

  it("[P3] block for no longer if the clock is set back", () => {
    assert.equal(closedUntil(wrong(MAX_WRONG_CODES), NOW - 1), undefined);
  });
});
