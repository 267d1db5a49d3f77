import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { lettersOf } from "../../../src/render/safety/secret_forms.ts";
import { createSecretTail } from "../../../src/render/safety/secrets.ts";

const SECRET = "MTQwMDAwMDAw.Gx7k2P.s3cr3t-t0ken_0f_th3_b0t";
const tail = createSecretTail([SECRET, "an0ther-secret-9"]);
const heldBack = (text: string) => text.slice(tail(text));

describe("[R8] createSecretTail()", () => {
  const cases: readonly [what: string, text: string, held: string][] = [
    ["words", "The weather is fine", ""],
    ["a beginning of three letters", "My name is MTQ", ""],
    ["a beginning of four", "It is MTQw", "MTQw"],
    ["the beginning of another one", "It is an0ther-se", "an0ther-se"],
    ["a beginning with dashes between", "It is M-T-Q-w-M", "M-T-Q-w-M"],
    ["a beginning over lines", "It is MTQ\nwMD", "MTQ\nwMD"],
    ["what began as one", "It is MTQwMD, or not", ""],
    ["a beginning backwards", `It is ${[...SECRET].reverse().join("").slice(0, 9)}`, "t0b_3ht_f"],
    ["escapes", "It is %4d%54%51%77", "%4d%54%51%77"],
    ["nothing", "", ""],
  ];
  for (const [what, text, held] of cases) {
    it(`${what}: ${JSON.stringify(text)}`, () => assert.equal(heldBack(text), held));
  }

  it("finds nothing without secrets", () => {
    assert.equal(createSecretTail([])("MTQwMD"), 6);
  });

  const spellings: readonly [name: string, spell: (text: string) => string][] = [
    ["plain", (text) => text],
    ["upper case", (text) => text.toUpperCase()],
    ["hex", (text) => Buffer.from(text).toString("hex")],
    ["spaced hex", (text) => Buffer.from(text).toString("hex").replace(/../g, "$& ")],
    ["backwards", (text) => [...text].reverse().join("")],
    ["spaced", (text) => [...text].join(" ")],
    ["percent", (text) => text.replace(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`)],
  ];
  for (const [name, spell] of spellings) {
    it(`[R10] shows at most three letters of a growing secret: ${name}`, () => {
      const whole = spell(SECRET).trimEnd();
      const most = lettersOf(spell("abc")).length;
      fc.assert(
        fc.property(fc.nat(whole.length - 1), fc.lorem(), (count, before) => {
          const text = `${before} ${whole.slice(0, count)}`;
          const shown = text.slice(0, tail(text));
          assert.ok(lettersOf(shown.slice(before.length)).length <= most, shown);
        }),
      );
    });
  }

  it("[R10] also in base64, after any text in the same block", () => {
    fc.assert(
      fc.property(fc.nat(2), fc.nat(40), (before, count) => {
        const whole = Buffer.from("x".repeat(before) + SECRET).toString("base64");
        const shown = whole.slice(0, tail(whole.slice(0, count)));
        assert.ok(shown.length <= 4 + 3, shown);
      }),
    );
  });
});
