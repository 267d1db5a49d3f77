import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { modalAnswer } from "../../../../src/discord/gateway/shard/acknowledge.ts";
import { modalBody } from "../../../../simulator/world/modals.ts";
import { createRequestValidator } from "../../../support/discord/openapi.ts";

const openapi = createRequestValidator();

describe("[T13a] modalAnswer()", () => {
  for (const text of ["Which tide?", "", "x".repeat(100), "two\nlines"]) {
    it(`keeps Discord's limits with the text ${JSON.stringify(text.slice(0, 20))}`, () => {
      const body = JSON.parse(modalAnswer("ask:1", { title: text, label: text }));
      const request = { method: "POST", path: "/interactions/1/token/callback", query: {}, body };
      assert.deepEqual(openapi.problemsOf(request), []);
      assert.deepEqual(modalBody.safeParse(body.data).error?.issues, undefined);
    });
  }
});
