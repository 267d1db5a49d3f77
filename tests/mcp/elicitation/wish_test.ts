import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FieldAnswer } from "../../../src/core/people/form.ts";
import { contentOf, readWish, type WishedField } from "../../../src/mcp/elicitation/wish.ts";
import { withSchema } from "../../../src/mcp/answer_body.ts";

function fieldsOf(properties: object, required: readonly string[] = []): readonly WishedField[] {
  const wish = readWish({ requestedSchema: { type: "object", properties, required } });
  assert.equal(wish.kind, "form", JSON.stringify(wish));
  return wish.kind === "form" ? wish.fields : [];
}

const refusalOf = (params: Readonly<Record<string, unknown>>): string => {
  const wish = readWish(params);
  assert.ok(wish.kind === "refused", JSON.stringify(wish));
  return wish.why;
};

const text = (text: string): FieldAnswer => ({ kind: "text", text });
const picked = (...picked: readonly number[]): FieldAnswer => ({ kind: "picked", picked });

describe("[T13] readWish()", () => {
  it("reads each kind of field within Discord's limits", () => {
    const fields = fieldsOf({
      port: { type: "string", title: "P".repeat(60), description: "Where to?" },
      sure: { type: "boolean" },
      tide: { type: "string", enum: ["h", "l"], enumNames: ["high", "low"], default: "l" },
      gear: { type: "array", maxItems: 2, items: { anyOf: [{ const: "n", title: "net" }] } },
    }, ["port", "tide"]);
    assert.deepEqual(
      fields.map(({ field: { kind, label, isRequired, options, max } }) => [
        kind,
        label,
        isRequired,
        options,
        max,
      ]),
      [
        ["text", "P".repeat(45), true, [], 1],
        ["checkbox", "sure", false, [], 1],
        ["select", "tide", false, ["high", "low"], 1], // it has a default
        ["select", "gear", false, ["net"], 1],
      ],
    );
    assert.equal(fields[2]?.field.hint, "(default: l)");
  });

  it("reads a form whose server writes half a choice, or objects as texts", () => {
    const odd = { toString: 1, valueOf: 1 };
    const items = { enum: ["net", "pot"] };
    const [gear, tide] = fieldsOf({
      gear: { type: "array", maxItems: 1.5, items },
      tide: { type: "string", title: odd, default: odd },
    });
    assert.equal(gear?.field.max, 1);
    assert.deepEqual(
      [tide?.field.label, tide?.field.hint],
      ["tide", '(default: {"toString":1,"valueOf":1})'],
    );
  });

  const refused: readonly [what: string, params: object, why: RegExp][] = [
    ["a password by its format", form({ a: { type: "string", format: "password" } }), /secret/],
    ["a field that is never read back", form({ a: { type: "string", writeOnly: true } }), /secret/],
    ["a password by its name", form({ dbPassword: { type: "string" } }), /secret/],
    ["a key by its title", form({ a: { type: "string", title: "API key" } }), /secret/],
    ["an object in a form", form({ a: { type: "object" } }), /cannot be shown/],
    ["a list without options", form({ a: { type: "array", items: {} } }), /cannot be shown/],
    ["a form of 26 fields", form(numbered(26)), /more than 25 fields/],
    ["no address", { mode: "url" }, /no web address/],
    ["a script as address", { mode: "url", url: "javascript:alert(1)" }, /no web address/],
    ["a hidden host", { mode: "url", url: "https://bank.example@evil.example/" }, /hide the host/],
    [
      "a very long address",
      { mode: "url", url: `https://a.example/${"x".repeat(1_400)}` },
      /no web/,
    ],
  ];
  for (const [what, params, why] of refused) {
    it(`refuses ${what}`, () => assert.match(refusalOf({ ...params }), why));
  }

  it("does not take a spinning wheel for a PIN", () => {
    assert.equal(
      fieldsOf({ spinner: { type: "string", description: "no pin, please" } }).length,
      1,
    );
  });

  it("shows the host of a page as a browser resolves it", () => {
    const wish = readWish({ mode: "url", url: "https://b\u00e4nk.example:8443/x" });
    assert.deepEqual(wish.kind === "page" && wish.host, "xn--bnk-qla.example:8443");
  });
});

describe("[T13] contentOf()", () => {
  const fields = fieldsOf({
    mail: { type: "string", format: "email" },
    crew: { type: "integer", minimum: 1, maximum: 9, default: 2 },
    tide: { type: "string", enum: ["h", "l"] },
    gear: { type: "array", minItems: 1, items: { enum: ["net", "rod"] } },
    sure: { type: "boolean" },
  });

  it("has the values of the options, defaults for empty fields, and no other empty field", () => {
    const answers = [text(""), text(" "), picked(1), picked(), {
      kind: "checked",
      isChecked: false,
    }];
    const read = contentOf(fields, answers as readonly FieldAnswer[]);
    assert.deepEqual(read, { content: { crew: 2, tide: "l", sure: false }, problems: [] });
  });

  it("names each field that does not fit", () => {
    const { problems, content } = contentOf(fields, [text("nowhere"), text("2.5")]);
    assert.deepEqual(problems, ["- mail: this is no email", "- crew: a whole number, please"]);
    assert.deepEqual(content, {});
    const wrong = [["x", "no number"], ["0", "at least 1"], ["10", "at most 9"]] as const;
    for (const [written, why] of wrong) {
      assert.match(contentOf(fields, [text(""), text(written)]).problems.join(), new RegExp(why));
    }
  });
});

describe("[T13] withSchema()", () => {
  it("changes questions that ask to open a page, and nothing else", () => {
    const page = '{"method":"elicitation/create","params":{"mode": "url","url":"x"}}';
    assert.deepEqual(JSON.parse(withSchema(page)).params.requestedSchema, {});
    for (const other of ['{"mode":"url"}', page.replace("url", "form")]) {
      assert.equal(withSchema(other), other);
    }
  });
});

function form(properties: object) {
  return { requestedSchema: { type: "object", properties } };
}

function numbered(count: number): object {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`f${at}`, { type: "string" }]),
  );
}
