import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { reasonText } from "../../src/render/reasons.ts";

describe("[P1] reasonText()", () => {
  it("has a sentence for a reason", () => {
    assert.match(reasonText("no-mention"), /^It does not mention the bot.*\.$/);
  });

  it("has a sentence for the reasons of pairing, PluralKit and loops", () => {
    for (const why of ["pairing", "pluralkit", "pk-original", "loop-guard", "pairing-full"]) {
      assert.match(reasonText(why), /^[A-Z].*[^.]\.$/);
      assert.doesNotMatch(reasonText(why), /^Unknown reason/);
    }
  });

  it("has a sentence for every reason", () => {
    const root = join(import.meta.dirname!, "..", "..");
    const source = readFileSync(join(root, "src", "core", "inbound", "verdict.ts"), "utf8");
    const reasons = Array.from(
      source.matchAll(/(?:\||=) "([a-z]+(?:-[a-z]+)*)"/g),
      ([, why]) => why!,
    );
    assert.ok(reasons.length > 30, "they are read from the source");
    for (const why of reasons) assert.doesNotMatch(reasonText(why), /^Unknown reason/, why);
  });

  it("reports an unknown reason as unknown", () => {
    for (const why of ["by-decree", "", "constructor", "__proto__"]) {
      assert.match(reasonText(why), /another version/);
    }
  });
});
