import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AskedCall } from "../../../src/core/people/question.ts";
import type { Step } from "../../../src/core/step.ts";
import { createTurnPeople } from "../../../src/flows/questions/turn_people.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import type { Questions } from "../../../src/store/questions/questions.ts";

const KNOWN = "https://seen.example/page?id=42";

function peopleOf(stored: AskedCall[]) {
  return createTurnPeople({
    questions: {
      park: ({ asked }: Parameters<Questions["park"]>[0]) => {
        stored.push(...asked);
        return Promise.resolve();
      },
      decisionOf: () => Promise.resolve(undefined),
    } as unknown as Pick<Questions, "park" | "decisionOf">,
    draw: (bytes) => new Uint8Array(bytes),
    now: () => 0,
    events: { emit: { waitsForPeople: () => {} } },
    currency: () => "EUR",
    cleanText: ({ names = {} }: { readonly names?: Readonly<Record<string, string>> }, text) =>
      `${names["@5"] ?? "cleaned"} ${text}`,
  });
}

/** Parks a turn whose model has used tokens, with questions of these kinds. */
async function park(...kinds: readonly AskedCall["question"]["kind"][]) {
  const stored: AskedCall[] = [];
  const people = peopleOf(stored);
  const usage = { inputTokens: 10, outputTokens: 2, micros: 50_000 };
  const steps = [{ kind: "answer", calls: [], usage }] as unknown as readonly Step[];
  const asked = kinds.map((kind): AskedCall => ({
    callKey: kind,
    question: {
      kind,
      tool: "exec",
      text: KNOWN,
      facts: [{ name: "a", value: "fact" }],
      choices: [{ key: "1", label: "label" }],
      asked: "anyone",
      where: "channel",
      timeoutMs: 1,
    },
  }));
  await people.park({
    claim: { message: guildMessage({ names: { "@5": "named" } }) } as Parameters<
      typeof people.park
    >[0]["claim"],
    taken: { steps, unsaved: [] } as unknown as Parameters<typeof people.park>[0]["taken"],
    charges: [],
    asked,
  });
  return stored.map(({ question }) => question);
}

describe("[A1] createTurnPeople()", () => {
  it("[L5] shows the cost with its currency, except with a question of the model", async () => {
    const [approval, ask] = await park("approval", "ask");
    assert.deepEqual(approval?.facts[1], {
      name: "Cost so far",
      value: "10 + 2 tokens · 0.050 EUR",
    });
    assert.equal(ask?.facts.length, 1);
  });

});
