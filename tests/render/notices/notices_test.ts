import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Notice, notice, NOTICES } from "../../../src/render/notices/notices.ts";

describe("[R13] notice()", () => {
  it("[R11] names the error id of a failure on one line, and its reader", () => {
    const text = notice("failure", { id: "f7k2" }, {});
    assert.match(text, /Error ID for my operator: `f7k2`/);
    assert.ok(!text.includes("\n"));
  });

  it("uses the operator's own text", () => {
    const texts = { failure: "Ging nicht: {id}. Nochmal: {id}." };
    assert.equal(notice("failure", { id: "$&" }, texts), "Ging nicht: $&. Nochmal: $&.");
  });

  it("replaces each placeholder once: values are no templates", () => {
    const words = { file: "{size}", size: "9 MB", limit: "8 MB" };
    assert.equal(notice("fileTooLarge", words, { fileTooLarge: "{file} {size}" }), "{size} 9 MB");
  });

  it("leaves unknown placeholders unchanged", () => {
    assert.equal(notice("failure", { id: "1" }, { failure: "{x} {id}" }), "{x} 1");
  });

  it("[R12a] does not repeat the reason why files are left out", () => {
    const reason = "cannot attach files in #ops: Attach Files is denied for the role Krill";
    const text = notice("noFiles", { channel: "<#1>", reason }, {});
    assert.equal(text.match(/attach files/g)?.length, 1, text);
  });

  for (const [key, notice] of Object.entries<Notice>(NOTICES)) {
    const { text, placeholders = {}, example } = notice;
    it(`${key} is one line, and declares all placeholders of its text and its example`, () => {
      for (const [, word = ""] of `${text} ${example}`.matchAll(/\{(\w+)\}/g)) {
        assert.ok(word in placeholders, word);
      }
      assert.ok(!text.includes("\n"));
      assert.ok(text.length < 200);
    });
  }
});
