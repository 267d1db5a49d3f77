import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { expect, RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";

const schema = z.object({ id: z.string(), inner: z.object({ n: z.number() }) });

describe("[D5] expect()", () => {
  it("returns the schema's result", () => {
    const body = { id: "1", inner: { n: 2 } };
    assert.deepEqual(expect("GET /x", schema, { ...body, more: true }), body);
  });

  const bad: readonly [body: unknown, fields: string][] = [
    [undefined, "all of it"],
    [[], "all of it"],
    [{ id: 1, inner: { n: "secret words" } }, "id, inner.n"],
  ];
  for (const [body, fields] of bad) {
    it(`names the wrong fields: ${fields}`, () => {
      assert.throws(() => expect("GET /x", schema, body), (error) => {
        assert.ok(error instanceof RestError);
        assert.equal(error.kind, "unavailable");
        assert.equal(
          error.message,
          `GET /x was answered in a form that is not Discord's (${fields})`,
        );
        return true;
      });
    });
  }
});
