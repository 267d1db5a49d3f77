import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Judged } from "../../../src/core/inbound/inbox.ts";
import { NOTHING_ACCEPTED } from "../../../src/core/inbound/inbox.ts";
import type { KnownFacts } from "../../../src/core/inbound/facts.ts";
import type { ModelPart } from "../../../src/core/model.ts";
import type { Charge } from "../../../src/core/spending/usage.ts";
import { createAskModel, INTENT_PATIENCE_MS } from "../../../src/flows/intent/ask_model.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

const FACTS = { score: 0.5, room: 0, needsReply: 1, asksModel: true as const };
const message = guildMessage({
  text: "<@5> and what of the second one?",
  names: { "@5": "" },
});
const waiting: Judged = {
  message,
  verdict: { kind: "undecided", why: "intent-model", rule: "model" },
  knownFacts: { intent: FACTS },
};

/** A model that says one text, or nothing until it is aborted. */
function setUp(says: string | undefined, more: { readonly isSpent?: boolean } = {}) {
  const asked: string[] = [];
  const charges: Charge[] = [];
  const timers: { readonly run: () => void; readonly ms: number }[] = [];
  const decided = Promise.withResolvers<KnownFacts | undefined>();
  const stopping = new AbortController();
  const flow = createAskModel({
    accountId: ACCOUNT,
    schedule(run, ms) {
      const timer = { run, ms };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    random: Math.random,
    randomId: () => "abc123abc123",
    stopping: stopping.signal,
    now: () => 0,
    log: recordingLog().log,
    waiting: () => ({}) as never,
    route: () => ({ agentId: "main", sessionKey: "s" }),
    turns: { accepted() {} },
    events: { emit: { accepted() {}, refusedIn() {}, unanswered() {}, undecided() {} } } as never,
    renewed: (_, facts) => facts,
    judge: (_, known) => ({
      verdict: { kind: "accept", why: "intent", rule: "r" },
      knownFacts: known,
    }),
    modelFor: () => ({
      id: "local/small",
      async *generate({ messages }, signal): AsyncGenerator<ModelPart> {
        asked.push(messages.map(({ text }) => text).join());
        if (says === undefined) {
          await new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason))
          );
          return;
        }
        yield { kind: "text", text: says };
        yield { kind: "finish", reason: "stop", usage: { inputTokens: 9, outputTokens: 1 } };
      },
    }),
    spend: {
      check: () => more.isSpent ? Promise.resolve({ kind: "spent" } as never) : undefined,
      record: (charge) => void charges.push(charge),
    },
    store: {
      inbox: {
        decide(judged: Judged) {
          decided.resolve(judged.knownFacts);
          return Promise.resolve(NOTHING_ACCEPTED);
        },
        undecided: () => Promise.resolve([{ ...waiting, why: "intent-model" as const, at: 0 }]),
      } as never,
      messages: {
        recentTalk: () =>
          Promise.resolve([
            {
              kind: "own",
              id: messageId("1"),
              channelId: message.channelId,
              text: "Krill.",
              sentAt: 0,
            },
          ]),
      },
    },
  });
  return { flow, asked, charges, timers, stopping, decided: decided.promise };
}

describe("[I1] createAskModel()", () => {
  for (
    const [says, expected] of [
      ["yes", "yes"],
      ["No.", "no"],
      ["**Yes**, since it follows on my answer.", "yes"],
      ["I cannot tell.", "failed"],
    ] as const
  ) {
    it(`reads ${JSON.stringify(says)} as ${expected}, and counts the request`, async () => {
      const { flow, asked, charges, decided } = setUp(says);
      flow.undecided([waiting], "live");
      assert.deepEqual(await decided, { intent: { ...FACTS, model: expected } });
      assert.match(asked.join(), /you: Krill\.\nada: @you and what of the second one\?/);
      assert.deepEqual(charges.map(({ kind, model }) => [kind, model]), [[
        "intent",
        "local/small",
      ]]);
      await flow.stop();
    });
  }

  it("lets the score decide if the model is late", async () => {
    const { flow, timers, decided } = setUp(undefined);
    flow.undecided([waiting], "live");
    timers.find(({ ms }) => ms === INTENT_PATIENCE_MS)?.run();
    assert.equal((await decided)?.intent?.model, "failed");
    await flow.stop();
  });

  it("[X4] asks nothing if a budget is spent", async () => {
    const { flow, asked, decided } = setUp("yes", { isSpent: true });
    flow.undecided([waiting], "live");
    assert.equal((await decided)?.intent?.model, "failed");
    assert.deepEqual(asked, []);
    await flow.stop();
  });

  it("continues with the messages of the last process", async () => {
    const { flow, decided } = setUp("yes");
    flow.start();
    assert.equal((await decided)?.intent?.model, "yes");
    await flow.stop();
  });
});
