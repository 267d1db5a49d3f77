import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formsOf, letterOf, lettersOf } from "../../../src/render/safety/secret_forms.ts";

describe("[SEC-R10] formsOf()", () => {
  it("has the base64 of a secret within any text", () => {
    const bytes = fc.string({ unit: "binary-ascii", maxLength: 9 });
    const secret = fc.stringMatching(/^[A-Za-z0-9._-]{12,40}$/);
    fc.assert(
      fc.property(bytes, secret, bytes, (before, secret, behind) => {
        const written = lettersOf(Buffer.from(before + secret + behind).toString("base64url"));
        assert.ok(formsOf(secret).some((form) => written.includes(form)));
      }),
    );
  });

  it("has no form that is too short to tell from a word", () => {
    assert.deepEqual(formsOf("abc"), []);
    for (const form of formsOf("hunter2")) assert.ok(form.length >= 10, form);
  });
});

describe("letterOf()", () => {
  it("returns the letter that lettersOf() keeps, and 0 for all others", () => {
    for (let unit = 0; unit < 0x300; unit += 1) {
      const kept = lettersOf(String.fromCharCode(unit));
      assert.equal(letterOf(unit), kept === "" ? 0 : kept.charCodeAt(0));
    }
  });
});
