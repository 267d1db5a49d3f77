import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { notice, NOTICES } from "../../src/render/notices.ts";

describe("[R13] notice()", () => {
  it("[R11] of a failure is one line that names the id, and where it leads", () => {
    const text = notice("failure", { id: "f7k2" }, {});
    assert.match(text, /Error ID for my operator: `f7k2`/);
    assert.ok(!text.includes("\n"));
  });

  it("says it in the operator's words", () => {
    const texts = { failure: "Ging nicht: {id}. Nochmal: {id}." };
    assert.equal(notice("failure", { id: "$&" }, texts), "Ging nicht: $&. Nochmal: $&.");
  });

  it("fills in each word once: what it is filled with is no sentence", () => {
    const words = { file: "{size}", size: "9 MB", limit: "8 MB" };
    assert.equal(notice("fileTooLarge", words, { fileTooLarge: "{file} {size}" }), "{size} 9 MB");
  });

  it("leaves braces alone that it does not know", () => {
    assert.equal(notice("failure", { id: "1" }, { failure: "{x} {id}" }), "{x} 1");
  });

  for (const [key, { text, placeholders }] of Object.entries(NOTICES)) {
    it(`${key} is one line, and fills in what is said of it`, () => {
      const inText = new Set(Array.from(text.matchAll(/\{(\w+)\}/g), ([, word]) => word));
      for (const word of inText) assert.ok(word !== undefined && word in placeholders, word);
      assert.ok(!text.includes("\n"));
      assert.ok(text.length < 200);
    });
  }
});
