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

/** A fake Discord that answers with a status, or does not answer. */
function setUp(answer: () => Promise<Response> = () => Promise.resolve(new Response(null))) {
  const sent: { readonly url: string; readonly init: RequestInit | undefined }[] = [];
  const outcomes: [outcome: string, isDone: boolean][] = [];
  const acknowledge = createAcknowledge(
    { restUrl: "https://discord.test/api/v10", userAgent: "DiscordBot (test)" },
    {
      fetch: (url, init) => {
        sent.push({ url: String(url), init });
        return answer();
      },
      onDone: (...outcome) => outcomes.push(outcome),
    },
  );
  return { acknowledge, sent, outcomes };
}

describe("[K5] createAcknowledge()", () => {
  it("defers a command's answer, visible only to its user", async () => {
    const { acknowledge, sent, outcomes } = setUp();
    acknowledge(dispatch(COMMAND));
    await settle();
    const path = `/interactions/1450000000000000001/${TOKEN}/callback`;
    assert.deepEqual(sent.map(({ url }) => url), [`https://discord.test/api/v10${path}`]);
    const { method = "", body } = sent[0]?.init ?? {};
    assert.deepEqual(JSON.parse(String(body)), { type: 5, data: { flags: 64 } });
    const request = { method, path, query: {}, body: JSON.parse(String(body)) };
    assert.deepEqual(openapi.problemsOf(request), []);
    assert.deepEqual(outcomes, [["200", true]]);
    assert.equal(sent[0]?.init?.redirect, "manual", "the token goes to no other URL");
  });

  const others: readonly [what: string, text: string][] = [
    ["a button, which the main thread answers", dispatch(pressData())],
    ["autocompletion", dispatch(pressData({ type: 4 }))],
    ["a command without a token", dispatch({ ...COMMAND, token: 7 })],
    ["a payload of an unexpected shape", dispatch(null)],
    ["text that is no JSON", '{"t":"INTERACTION_CREATE'],
  ];
  for (const [what, text] of others) {
    it(`does not acknowledge ${what}`, async () => {
      const { acknowledge, sent, outcomes } = setUp();
      acknowledge(text);
      await settle();
      assert.deepEqual([sent, outcomes], [[], []]);
    });
  }

  const answers: readonly [what: string, statuses: readonly number[], isDone: boolean][] = [
    ["tries again after a server error", [502, 204], true],
    ["gives up after two server errors", [500, 503], false],
    ["does not retry a refusal, because it came too late", [404], false],
    ["accepts 400 as an earlier deferral: a RESUME brought the command again", [400], true],
  ];
  for (const [what, statuses, isDone] of answers) {
    it(what, async () => {
      const left = [...statuses];
      const { acknowledge, sent, outcomes } = setUp(() =>
        Promise.resolve(new Response(null, { status: left.shift() ?? 599 }))
      );
      acknowledge(dispatch(COMMAND));
      await settle();
      assert.deepEqual(outcomes, [[String(statuses.at(-1)), isDone]]);
      assert.equal(sent.length, statuses.length);
    });
  }

  it("survives a broken network, and reports no token", async () => {
    const { acknowledge, sent, outcomes } = setUp(() =>
      Promise.reject(new TypeError(`cannot reach https://discord.test/${TOKEN}`))
    );
    acknowledge(dispatch(COMMAND));
    await settle();
    assert.deepEqual(outcomes, [["no answer", false]]);
    assert.equal(sent.length, 2, "it tries once more");
  });
});
