import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { messageId } from "../../support/discord/builders.ts";
import type { Entry } from "../../../src/core/inbound/transcript.ts";
import type { ToolCall } from "../../../src/core/model.ts";
import type { Step } from "../../../src/core/step.ts";
import { createTurnLinks, withCitedLinks } from "../../../src/flows/turn/turn_links.ts";

const link = (name: string) => `https://${name}.example/?k=1`;
const at = 1;
const id = messageId("5");
const call = (text: string): ToolCall => ({
  id: "c1",
  name: "read",
  arguments: JSON.stringify({ text }),
});

/** The links of a turn whose messages are these texts. */
function turnLinks(
  { entries = [], steps = [], texts = [] }: {
    readonly entries?: readonly Entry[];
    readonly steps?: readonly Step[];
    readonly texts?: readonly string[];
  },
) {
  return createTurnLinks({ texts: { all: () => texts }, steps }, () => entries);
}

describe("[R9] createTurnLinks()", () => {
  it("knows the addresses of people and tools in the session, but not the model's", () => {
    const { isKnown } = turnLinks({
      entries: [
        { role: "user", text: `see ${link("person")}`, messageId: id, at },
        { role: "assistant", text: link("model"), calls: [call(link("echo"))], messageId: id, at },
        {
          role: "tool",
          text: `${link("tool")} ${link("echo")}`,
          call: call(link("echo")),
          messageId: id,
          at,
        },
      ],
      texts: [link("now")],
    });
    for (const name of ["person", "tool", "now"]) assert.equal(isKnown(link(name)), true, name);
    for (const name of ["model", "echo", "none"]) assert.equal(isKnown(link(name)), false, name);
  });

  it("does not count an address that a call spells with escapes, also if it is folded", async () => {
    const echo = link("echo");
    const escaped = `{"text":"${echo.replace("=", "\\u003D").replace("//", "\\u002f\\u002f")}"}`;
    const spelled = { ...call(""), arguments: escaped };
    assert.equal(JSON.parse(escaped).text, echo);
    const links = turnLinks({});
    links.add(spelled, echo);
    assert.equal(links.isKnown(echo), false);

    const later = turnLinks({});
    const entries = [{ role: "tool", text: echo, call: spelled, messageId: id, at }] as const;
    await later.recall(echo, "key", { recall: () => Promise.resolve({ matches: 1, entries }) });
    assert.equal(later.isKnown(echo), false);
  });

  it("knows results of stored steps, of new calls, and messages that join later", () => {
    const texts = [link("first")];
    const links = turnLinks({
      steps: [
        { kind: "answer", text: "", calls: [call(link("asked"))], at },
        { kind: "result", callId: "c1", end: "done", text: link("stored") + link("asked"), at },
      ],
      texts,
    });
    assert.equal(links.isKnown(link("stored")), true);
    assert.equal(links.isKnown(link("asked")), false);
    assert.equal(links.isKnown(link("new")), false);
    links.add(call(link("given")), `${link("new")} ${link("given")}`);
    texts.push(link("joined"));
    assert.equal(links.isKnown(link("new")), true);
    assert.equal(links.isKnown(link("joined")), true);
    assert.equal(links.isKnown(link("given")), false);
  });

  it("reads folded entries only for addresses that it needs", async () => {
    const links = turnLinks({ texts: [link("now")] });
    const asked: (readonly string[])[] = [];
    const answer = `${link("old")} ${link("now")} https://bare.example/ ` +
      "https://www.youtube.com/watch?v=1 " + link("mine");
    await links.recall(answer, "key", {
      recall(_key, { words }) {
        asked.push(words);
        const [word = ""] = words;
        const role = word.includes("old") ? "user" : "assistant";
        return Promise.resolve({
          matches: 1,
          entries: [{ role, text: `x ${word}`, messageId: id, at }],
        });
      },
    });
    assert.deepEqual(asked, [[link("old")], [link("mine")]]);
    assert.equal(links.isKnown(link("old")), true);
    assert.equal(links.isKnown(link("mine")), false);
  });
});

describe("[R9] withCitedLinks()", () => {
  const steps: readonly Step[] = [
    { kind: "answer", text: "", calls: [call("x")], at },
    { kind: "result", callId: "c1", end: "done", text: `${"a ".repeat(99)}${link("b")}`, at },
  ];
  const short = [{ role: "tool" as const, call: call("x"), text: "[cleared]" }];

  it("adds the links of the answer to a result that has lost them", () => {
    const [entry] = withCitedLinks(short, steps, `See ${link("b")}, ${link("c")}.`, () => true);
    assert.equal(entry?.text, `[cleared]\n[links in the answer]\n${link("b")}`);
  });

  it("adds nothing that the turn does not know, or that the result still has", () => {
    assert.deepEqual(withCitedLinks(short, steps, link("b"), () => false), short);
    const whole = [{ ...short[0]!, text: `x ${link("b")} y` }];
    assert.deepEqual(withCitedLinks(whole, steps, link("b"), () => true), whole);
  });

  it("adds at most 20 links of 4,000 characters", () => {
    const many = Array.from({ length: 99 }, (_, n) => `https://b.example/?${n}=${"x".repeat(300)}`);
    const result: Step = {
      kind: "result",
      callId: "c1",
      end: "done",
      text: many.join(" "),
      at,
    };
    const [entry] = withCitedLinks(short, [steps[0]!, result], many.join(" "), () => true);
    const added = entry?.text.match(/https:/g)?.length ?? 0;
    assert.ok(added > 5 && added <= 20, String(added));
    assert.ok((entry?.text.length ?? 0) < 4_200);
  });
});
