import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAcknowledge } from "../../../../src/discord/gateway/shard/acknowledge.ts";
import { createRequestValidator } from "../../../support/discord/openapi.ts";
import { pressData } from "../../../support/discord/payloads.ts";
import { settle } from "../../../support/settle.ts";

const TOKEN = "aW50ZXJhY3Rpb246dGVzdA";
const COMMAND = pressData({ type: 2, data: { id: "1", type: 1, name: "status" } });
const dispatch = (d: unknown) => JSON.stringify({ t: "INTERACTION_CREATE", s: 7, op: 0, d });
const openapi = createRequestValidator();

/** A Discord that answers with a status, or does not answer. */
function setUp(answer: () => Promise<Response> = () => Promise.resolve(new Response(null))) {
  const sent: { readonly url: string; readonly init: RequestInit | undefined }[] = [];
  const outcomes: string[] = [];
  const acknowledge = createAcknowledge(
    { restUrl: "https://discord.test/api/v10", userAgent: "DiscordBot (test)" },
    {
      fetch: (url, init) => {
        sent.push({ url: String(url), init });
        return answer();
      },
      onDone: (outcome) => outcomes.push(outcome),
    },
  );
  return { acknowledge, sent, outcomes };
}

describe("[K5] createAcknowledge()", () => {
  it("defers a command's answer, for the asker alone", async () => {
    const { acknowledge, sent, outcomes } = setUp();
    acknowledge(dispatch(COMMAND));
    await settle();
    const path = `/interactions/1450000000000000001/${TOKEN}/callback`;
    assert.deepEqual(sent.map(({ url }) => url), [`https://discord.test/api/v10${path}`]);
    const { method = "", body } = sent[0]?.init ?? {};
    assert.deepEqual(JSON.parse(String(body)), { type: 5, data: { flags: 64 } });
    const request = { method, path, query: {}, body: JSON.parse(String(body)) };
    assert.deepEqual(openapi.problemsOf(request), []);
    assert.deepEqual(outcomes, ["200"]);
  });

  const others: readonly [what: string, text: string][] = [
    ["a button, which the main thread answers", dispatch(pressData())],
    ["autocompletion", dispatch(pressData({ type: 4 }))],
    ["a command without a token", dispatch({ ...COMMAND, token: 7 })],
    ["a payload that does not fit", dispatch(null)],
    ["text that is no JSON", '{"t":"INTERACTION_CREATE'],
  ];
  for (const [what, text] of others) {
    it(`acknowledges nothing of ${what}`, async () => {
      const { acknowledge, sent, outcomes } = setUp();
      acknowledge(text);
      await settle();
      assert.deepEqual([sent, outcomes], [[], []]);
    });
  }

  it("survives a network that is gone, and tells no token", async () => {
    const { acknowledge, outcomes } = setUp(() =>
      Promise.reject(new TypeError(`cannot reach https://discord.test/${TOKEN}`))
    );
    acknowledge(dispatch(COMMAND));
    await settle();
    assert.deepEqual(outcomes, ["no answer"]);
  });
});
