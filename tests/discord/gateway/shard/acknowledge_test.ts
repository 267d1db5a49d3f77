import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { modalBody } from "../../../../simulator/world/modals.ts";
import type { OfferedForm } from "../../../../src/core/people/question.ts";
import {
  createAcknowledge,
  createCallback,
  createForms,
  modalAnswer,
} from "../../../../src/discord/gateway/shard/acknowledge.ts";
import { createRequestValidator } from "../../../support/discord/openapi.ts";
import { ADA, pressData } from "../../../support/discord/payloads.ts";
import { settle } from "../../../support/settle.ts";

const NOW = Date.UTC(2026, 0, 1);
const TOKEN = "aW50ZXJhY3Rpb246dGVzdA";
const COMMAND = pressData({ type: 2, data: { id: "1", type: 1, name: "status" } });
const dispatch = (d: unknown) => JSON.stringify({ t: "INTERACTION_CREATE", s: 7, op: 0, d });
const openapi = createRequestValidator();

/** A fake Discord that answers with a status, or does not answer. */
function setUp(answer: () => Promise<Response> = () => Promise.resolve(new Response(null))) {
  const sent: { readonly url: string; readonly init: RequestInit | undefined }[] = [];
  const outcomes: [outcome: string, isDone: boolean][] = [];
  const callback = createCallback(
    { restUrl: "https://discord.test/api/v10", userAgent: "DiscordBot (test)" },
    (url, init) => {
      sent.push({ url: String(url), init });
      return answer();
    },
    (outcome, isDone) => outcomes.push([outcome, isDone]),
  );
  const forms = createForms(callback, () => NOW);
  return {
    acknowledge: createAcknowledge(callback, forms.pressed, () => true),
    forms,
    sent,
    outcomes,
  };
}

const FORM: OfferedForm = {
  customId: "ask:1",
  channelId: "1700000000000000055",
  asked: [ADA.id],
  expiresAt: NOW + 1,
  form: { title: "Which tide?", label: "Port" },
};
const PRESSED = pressData({ data: { component_type: 2, custom_id: FORM.customId } });

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
    ["autocompletion", dispatch(pressData({ type: 4 }))],
    ["a command without a token", dispatch({ ...COMMAND, token: 7 })],
    ["a payload of an unexpected shape", dispatch(null)],
    ["text that is no JSON", '{"t":"INTERACTION_CREATE'],
  ];
  for (const [what, text] of others) {
    it(`does not acknowledge ${what}, and passes it on`, async () => {
      const { acknowledge, sent, outcomes } = setUp();
      assert.equal(acknowledge(text), true);
      await settle();
      assert.deepEqual([sent, outcomes], [[], []]);
    });
  }

  const acknowledged: readonly [what: string, fields: object, answer: object][] = [
    ["a button", { data: { component_type: 2, custom_id: "ap:1" } }, { type: 6 }],
    ["a menu", { data: { component_type: 3, custom_id: "ap:1" } }, { type: 6 }],
    ["a menu of users", { data: { component_type: 5, custom_id: "ap:1" } }, { type: 6 }],
    ["a form", { type: 5, data: { custom_id: "a", components: [] } }, {
      type: 5,
      data: { flags: 64 },
    }],
  ];
  for (const [what, fields, answer] of acknowledged) {
    it(`acknowledges ${what}, whose message stays as it is`, async () => {
      const { acknowledge, sent } = setUp();
      acknowledge(dispatch(pressData({ ...fields })));
      await settle();
      const path = `/interactions/1450000000000000001/${TOKEN}/callback`;
      assert.deepEqual(sent.map(({ url }) => url), [`https://discord.test/api/v10${path}`]);
      const body = JSON.parse(String(sent[0]?.init?.body));
      assert.deepEqual(body, answer);
      assert.deepEqual(openapi.problemsOf({ method: "POST", path, query: {}, body }), []);
    });
  }

  it("[T13a] opens the form of a pressed button", async () => {
    const { acknowledge, forms, sent } = setUp();
    forms.set([FORM]);
    acknowledge(dispatch(PRESSED));
    await settle();
    const path = `/interactions/1450000000000000001/${TOKEN}/callback`;
    const body = JSON.parse(String(sent[0]?.init?.body));
    assert.deepEqual([body.type, body.data.custom_id, body.data.title], [
      9,
      "ask:1",
      "Which tide?",
    ]);
    assert.deepEqual(openapi.problemsOf({ method: "POST", path, query: {}, body }), []);
    assert.equal(sent.length, 1);
  });

  const closed: readonly [what: string, form: Partial<OfferedForm>][] = [
    ["another person", { asked: ["1400000000000000001"] }],
    ["another channel", { channelId: "1400000000000000001" }],
    ["an expired question", { expiresAt: NOW }],
    ["another button", { customId: "ask:2" }],
  ];
  for (const [what, form] of closed) {
    it(`[SEC-R19] opens no form for ${what}, and the main thread says why later`, async () => {
      const { acknowledge, forms, sent } = setUp();
      forms.set([{ ...FORM, ...form }]);
      acknowledge(dispatch(PRESSED));
      await settle();
      assert.deepEqual(sent.map(({ init }) => JSON.parse(String(init?.body))), [{ type: 6 }]);
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

for (const text of ["Which tide?", "", "x".repeat(100), "two\nlines"]) {
  it(`[T13a] modalAnswer() › keeps Discord's limits with the text ${JSON.stringify(text.slice(0, 20))}`, () => {
    const body = JSON.parse(modalAnswer("ask:1", { title: text, label: text }));
    const request = { method: "POST", path: "/interactions/1/token/callback", query: {}, body };
    assert.deepEqual(openapi.problemsOf(request), []);
    assert.deepEqual(modalBody.safeParse(body.data).error?.issues, undefined);
  });
}
