import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeTokenSource } from "../../../src/flows/preflight/token_source.ts";

describe("[SEC-R38] judgeTokenSource()", () => {
  it("hints once at LoadCredential if a service has tokens in its environment", () => {
    const [row, ...more] = judgeTokenSource({ variables: ["A_TOKEN", "B_TOKEN"], isService: true });
    assert.deepEqual(more, []);
    assert.equal(row?.status, "pass", "a hint is no problem");
    assert.match(row?.why ?? "", /^the environment has A_TOKEN and B_TOKEN;/);
    assert.match(row?.fix ?? "", /LoadCredential/);
  });

  it("says nothing without a service, or without such a token", () => {
    assert.deepEqual(judgeTokenSource({ variables: ["A"], isService: false }), []);
    assert.deepEqual(judgeTokenSource({ variables: [], isService: true }), []);
  });
});
