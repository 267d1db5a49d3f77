import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AnswerKey, nonceOf } from "../../../src/core/outbound/outbound.ts";
import { messageId } from "../../support/discord/builders.ts";

const answer: AnswerKey = {
  cause: messageId("1400000000000000001"),
  revision: 0,
  agentId: "main",
  kind: "reply",
};

describe("[D2] nonceOf()", () => {
  // printf '<row>' | openssl dgst -sha256 -binary | base64, as base64url. Discord's time of the reply's
  // cause is printf '%x' $(( ((1400000000000000001 >> 22) + 1420070400000) / 1000 ))
  const known: readonly [hashed: string, answer: AnswerKey, index: number, nonce: string][] = [
    ["b1|1400000000000000001|0|main|reply|0", answer, 0, "6889b99aJt7MmHhKGLX9POfNO"],
    [
      "b1|1400000000000000001|2|main|failure|1",
      { ...answer, revision: 2, kind: "failure" },
      1,
      "j6eg5gCZbhuihbHTzV9Gbg2Qk",
    ],
    [
      "b1|1400000000000000001|0||challenge|0",
      { cause: answer.cause, revision: 0, kind: "challenge" },
      0,
      "fVJQHfaGMLXdrjMpPwOr-76Rr",
    ],
  ];
  for (const [hashed, given, index, nonce] of known) {
    it(`hashes ${hashed}`, () => {
      assert.equal(nonceOf(given, index), nonce);
    });
  }

  const others: readonly [what: string, other: AnswerKey, index: number][] = [
    ["message", { ...answer, cause: messageId("1400000000000000008") }, 0],
    ["revision", { ...answer, revision: 1 }, 0],
    ["agent", { ...answer, agentId: "research" }, 0],
    ["kind", { ...answer, kind: "failure" }, 0],
    ["index", answer, 1],
  ];
  for (const [what, other, index] of others) {
    it(`differs by ${what}`, () => {
      assert.notEqual(nonceOf(other, index), nonceOf(answer, 0));
    });
  }

  it("sorts replies by the time of the messages that they answer", () => {
    const ids = ["1", "175928847299117063", "1400000000000000001", "1400000004200000000"];
    const nonces = ids.map((id) => nonceOf({ ...answer, cause: messageId(id) }, 0));
    assert.deepEqual(nonces.toSorted(), nonces);
    assert.deepEqual(nonces.map(({ length }) => length), ids.map(() => 25));
  });
});
