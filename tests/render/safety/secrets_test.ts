import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { createSecretFilter, createSecretTail } from "../../../src/render/safety/secrets.ts";

const SECRET = "MTQwMDAw.Gabc12.x-YZ_secretpart";

describe("[SEC-R10] createSecretFilter()", () => {
  const filter = createSecretFilter([SECRET, "hunter2"]);
  for (
    const text of [
      SECRET,
      SECRET.toUpperCase(),
      [...SECRET].join(" "),
      `**${SECRET.slice(0, 8)}**${SECRET.slice(8)}`,
      Buffer.from(SECRET).toString("base64"),
      Buffer.from(SECRET).toString("hex"),
      "hunter2",
    ]
  ) {
    it(`removes ${text}`, () => {
      const { text: clean, found } = filter(`it is ${text} here`);
      assert.equal(found, 1);
      assert.match(clean, /^it is \**\[redacted\]=* here$/);
    });
  }
  it("leaves other texts", () => {
    const text = "hunter23 and MTQwMDAw";
    assert.deepEqual(filter(text), { text, found: 0 });
    assert.deepEqual(createSecretFilter(["", "abc"])("abc"), { text: "abc", found: 0 });
  });
});

describe("[R8] createSecretTail()", () => {
  const tail = createSecretTail([SECRET]);
  it("holds back the beginning of a secret", () => {
    assert.equal(tail("it is MTQwMD"), 6);
    assert.equal(tail("it is MTQ"), 9);
    assert.equal(tail("it is fine"), 10);
  });
});
