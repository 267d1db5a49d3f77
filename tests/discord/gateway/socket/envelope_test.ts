import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parsePayload, scanEnvelope } from "../../../../src/discord/gateway/socket/frame.ts";
import { sameData } from "../../../support/same_data.ts";

const MESSAGE = { op: 0, t: "MESSAGE_CREATE", s: 42 };

describe("[G1] scanEnvelope()", () => {
  const read: readonly [string, unknown][] = [
    ['{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{}}', MESSAGE],
    ['{"op":0,"s":42,"t":"MESSAGE_CREATE","d":{"t":"READY"}}', MESSAGE],
    [' { "op" : 0 , "t" : "MESSAGE_CREATE" , "s" : 42 , "d" : 1}', MESSAGE],
    ['{"t":null,"s":null,"op":11,"d":null}', { op: 11 }],
    ['{"t":"X","s":1,"op":0,"d":{"content":"\\"t\\":\\"READY\\",\\"s\\":9"}}', {
      op: 0,
      t: "X",
      s: 1,
    }],
  ];
  for (const [text, envelope] of read) {
    it(`reads ${text}`, () => sameData(scanEnvelope(text), envelope));
  }

  const left: readonly string[] = [
    "",
    "null",
    "[]",
    '"t"',
    '{"d":{"t":"READY","s":1,"op":0},"t":"X","s":2,"op":0}',
    '{"t":"X","s":1,"d":{},"op":0}',
    '{"t":"A\\u0042","s":1,"op":0,"d":{}}',
    '{"t":"X","s":-1,"op":0,"d":{}}',
    '{"t":"X","s":1,"op":0}',
    '{"t":"X","s":1,"op":0,"x":{"t":"READY"},"d":{}}',
    '{"t":"X","s":1.5,"op":0,"d":{}}',
  ];
  for (const text of left) {
    it(`leaves to the parser: ${text}`, () => assert.equal(scanEnvelope(text), undefined));
  }

  it("agrees with the parser for any message text and any order of fields", () => {
    const field = fc.constantFrom("t", "s", "op", "d");
    fc.assert(fc.property(
      fc.shuffledSubarray(["t", "s", "op", "d"], { minLength: 4 }),
      fc.constantFrom("READY", "TYPING_START"),
      fc.nat(),
      fc.oneof(fc.json(), fc.string().map((text) => JSON.stringify(text)), field),
      (order, t, s, inner) => {
        const fields: Record<string, unknown> = { t, s, op: 0, d: { content: inner, t: "OTHER" } };
        const text = JSON.stringify(Object.fromEntries(order.map((key) => [key, fields[key]])));
        const scanned = scanEnvelope(text);
        if (scanned) assert.deepEqual(scanned, { t, s, op: 0 });
        assert.deepEqual(parsePayload(text), fields);
      },
    ));
  });
});

describe("[G1] parsePayload()", () => {
  for (const text of ["", "{", "null", "[]", "1", '{"op":"0"}', '{"op":1.5}', "{}"]) {
    it(`rejects ${text || "nothing"}`, () => assert.equal(parsePayload(text), undefined));
  }
});
