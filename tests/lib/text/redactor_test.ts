import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createRedactor, REDACTED, SECRET_MIN } from "../../../src/lib/text/redactor.ts";
import { anyCharacter } from "../../support/any_character.ts";

const secrets = fc.string({ unit: anyCharacter, minLength: SECRET_MIN, maxLength: 24 })
  .filter((secret) => !REDACTED.includes(secret));

describe("[C8] createRedactor()", () => {
  it("removes a secret everywhere in a text", () => {
    const { add, clean } = createRedactor();
    add("hunter2");
    assert.equal(clean("hunter2 and hunter2!"), `${REDACTED} and ${REDACTED}!`);
  });

  it("removes the longer of two secrets with the same beginning", () => {
    const { add, clean } = createRedactor();
    add("hunter2");
    add("hunter2-and-more");
    assert.equal(clean("x hunter2-and-more y hunter2 z"), `x ${REDACTED} y ${REDACTED} z`);
  });

  it("reads a secret as text, not as a pattern", () => {
    const { add, clean } = createRedactor();
    add("a.c*(d");
    assert.equal(clean("abcd a.c*(d"), `abcd ${REDACTED}`);
  });

  it("removes a secret that HTML escapes", () => {
    const { add, clean } = createRedactor();
    add("https://host.test/?a=1&key='<2>\"");
    assert.equal(
      clean("<p>https://host.test/?a=1&amp;key=&#39;&lt;2&gt;&quot;</p>"),
      `<p>${REDACTED}</p>`,
    );
  });

  it("keeps texts that are too short for a secret", () => {
    const { add, clean } = createRedactor();
    for (const short of ["", "a", "abc"]) add(short);
    assert.equal(clean("abc"), "abc");
  });

  it("leaves no secret in any text, in plain, JSON or URL form", () => {
    fc.assert(fc.property(
      fc.array(secrets, { minLength: 1, maxLength: 4 }),
      fc.string({ unit: anyCharacter }),
      (all, around) => {
        const { add, clean } = createRedactor();
        for (const secret of all) add(secret);
        for (const secret of all) {
          const json = JSON.stringify(secret).slice(1, -1);
          const url = encodeURIComponent(secret.toWellFormed());
          for (const form of [secret, json, url]) {
            const text = clean(`${around}|${form}|${around}`);
            assert.ok(!text.replaceAll(REDACTED, "").includes(form), text);
          }
        }
      },
    ));
  });
});
