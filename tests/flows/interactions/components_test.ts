import { bareAccount } from "../../support/account.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApplicationId } from "../../../src/core/discord/ids.ts";
import type { ButtonPress, ComponentUse } from "../../../src/core/inbound/interactions.ts";
import type { Frozen } from "../../../src/core/outbound/outbound.ts";
import type { DecidingOutcome, StoredQuestion } from "../../../src/core/people/question.ts";
import type { Form } from "../../../src/core/people/form.ts";
import type { PairingOutcome } from "../../../src/core/inbound/pairing.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { createComponents } from "../../../src/flows/interactions/components.ts";
import { createRefusals } from "../../../src/flows/interactions/refusals.ts";
import type { Pairing } from "../../../src/store/pairing/pairing.ts";
import { COMPONENTS } from "../../../src/interactions/registry.ts";
import {
  ACCOUNT,
  channelId,
  messageId,
  pairingRequest,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const OWNER = userId("555");
const PRESS: ButtonPress = {
  kind: "button",
  accountId: ACCOUNT,
  id: "1400000000000000900",
  token: "s3cret",
  applicationId: "99" as ApplicationId,
  customId: "pairing:yes",
  messageId: messageId("1400000000000000800"),
  channelId: channelId("1400000000000000700"),
  place: { kind: "dm" },
  sender: sender({ id: OWNER, username: "grace" }),
};
const ALLOWED: Verdict = { kind: "accept", why: "owner", rule: "commands.ownerAllowFrom" };
const DENIED: Verdict = {
  kind: "ignore",
  why: "not-owner",
  rule: "commands.ownerAllowFrom",
  keepAsContext: false,
};
const REPLY = messageId("1400000000000000901");
const request = pairingRequest();

interface World {
  readonly verdict?: Verdict;
  readonly outcome?: PairingOutcome | Promise<PairingOutcome>;
  readonly isDeaf?: boolean;
  /** Discord takes each answer after this. */
  readonly slow?: Promise<void>;
  readonly decides?: DecidingOutcome;
}

const DEAD = "reply: This button is old and no longer works. Ask me again if you still need it.";
const FORM: Form = { title: "Which trip?", label: "Port" };
const QUESTION: StoredQuestion = {
  id: 1,
  accountId: ACCOUNT,
  code: "ABCDEFGH",
  messageId: messageId("1400000000000000801"),
  channelId: channelId("1400000000000000700"),
  question: {
    kind: "ask",
    tool: "ask",
    text: "Which trip?",
    facts: [],
    choices: [],
    asked: "anyone",
    where: "channel",
    timeoutMs: 1,
  },
  state: "answered",
  createdAt: 0,
  expiresAt: 1,
};

function setUp(
  {
    verdict = ALLOWED,
    outcome = { kind: "approved", request },
    isDeaf,
    slow = Promise.resolve(),
    decides = { kind: "unknown" },
  }: World = {},
) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const said: string[] = [];
  const asked: { readonly button: string; readonly decidedBy: string }[] = [];
  const told: Frozen[] = [];
  const woken: string[] = [];
  const answer = (how: string) => (_: ComponentUse, content: string) => {
    said.push(`${how}: ${content}`);
    return isDeaf ? Promise.reject(new Error("10062")) : slow;
  };
  const needed: string[] = [];
  const refusals = createRefusals({ now: clock.now });
  const pairing: Partial<Pairing> = {
    async decide({ by, decidedBy, notify }) {
      asked.push({ button: "button" in by ? by.button : assert.fail("no code"), decidedBy });
      const decided = await outcome;
      if (decided.kind === "approved") told.push(...notify);
      return decided;
    },
  };
  const context = interactionContext({
    questions: {
      decide: () => Promise.resolve(decides),
      open: () => Promise.resolve([]),
    },
    store: { pairing },
    undoTurn: () =>
      Promise.resolve([{
        kind: "undone",
        id: 1,
        what: "channel #x",
        does: "deletes the channel again",
      }]),
    turns: { stop: () => Promise.resolve(0), mayStopAll: () => Promise.resolve(false) },
    account: bareAccount({}, { channels: (channels = []) => void woken.push(...channels) }),
    now: clock.now,
    log,
  });
  const pressed = createComponents({
    components: COMPONENTS,
    authorize(_, needs) {
      needed.push(needs);
      return verdict;
    },
    interactions: {
      update: answer("update"),
      reply: (use, text) => answer("reply")(use, text).then(() => REPLY),
      change: (use, id, text) => answer(`change ${id}`)(use, text),
      complete: answer("deferred"),
    },
    refusals,
    context,
  });
  return { needed, pressed, clock, lines, said, asked, told, woken };
}

describe("[P3] createComponents()", () => {
  it("approves a stranger by an owner's press, tells them, and names the owner", async () => {
    const { pressed, clock, lines, said, asked, told, woken } = setUp();
    await pressed(PRESS);
    assert.deepEqual(asked, [{ button: "pairing:yes", decidedBy: OWNER }]);
    assert.deepEqual(said, [
      "update: `ada` (123456789012345678) may write to me now. <@555> approved it.",
    ]);
    assert.deepEqual(told.map(({ message: { content } }) => content), [
      "You're approved. You can write to me now.",
    ]);
    assert.deepEqual(woken, [request.channelId]);
    assert.equal(lines[0]?.fields.outcome, "approved");
    assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
    assert.equal(clock.pending, 0);
  });

  it("[T13a] leaves a form to the gateway's thread, and gives a modal its answer", async () => {
    const { pressed, said } = setUp({ decides: { kind: "form", form: FORM, question: QUESTION } });
    await pressed({ ...PRESS, customId: "ask:1" });
    assert.deepEqual(said, []);
    const done = setUp({ decides: { kind: "decided", question: QUESTION } });
    const { messageId: _, ...modal } = PRESS;
    const text = "Hamburg";
    await done.pressed({ ...PRESS, kind: "modal", customId: "ask:1", text });
    assert.deepEqual(done.said, ["deferred: Thanks, I have your answer."]);
    await done.pressed({ ...modal, kind: "modal", customId: "ask:1", text });
    assert.match(done.said[1] ?? "", /^deferred: /, "no component has opened this modal");
    assert.doesNotMatch(done.said[1] ?? "", /Thanks/);
  });

  const outcomes: readonly [outcome: PairingOutcome, said: RegExp][] = [
    [{ kind: "denied", request }, /^update: `ada` .* may not write to me\. <@555> denied it\.$/],
    [{ kind: "already", request }, /^update: `ada` .* already decided/],
    [{ kind: "expired", request }, /^update: `ada` .* has expired/],
    [{ kind: "unknown", wrongInRow: 0 }, /^reply: This button is old/],
    [{ kind: "closed", until: 1 }, /^reply: This button is old/],
  ];
  for (const [outcome, expected] of outcomes) {
    it(`answers a request that is ${outcome.kind}, and writes to no stranger`, async () => {
      const { pressed, said, told, woken } = setUp({ outcome });
      await pressed(PRESS);
      assert.equal(said.length, 1);
      assert.match(said[0]!, expected);
      assert.deepEqual([told, woken], [[], []]);
    });
  }

  it("[P16] sends no request to the store for a person who is no owner", async () => {
    const { pressed, said, asked, lines } = setUp({ verdict: DENIED });
    await pressed(PRESS);
    assert.deepEqual(said, ["reply: You are not authorized to do that."]);
    assert.deepEqual(asked, []);
    assert.deepEqual([lines[0]?.level, lines[0]?.fields.why], ["warn", "not-owner"]);
  });

  it("[X4a] tells a person one refusal a minute, with one line of the log", async () => {
    const { pressed, clock, said, lines } = setUp({ verdict: DENIED });
    for (let n = 0; n < 1_000; n++) await pressed({ ...PRESS, customId: `gone:${n}` });
    assert.deepEqual(said, [DEAD]);
    clock.advance(60_000);
    assert.deepEqual(lines.map(({ fields }) => fields.why), ["not-owner"]);
    await pressed(PRESS);
    assert.equal(said.length, 2, "a minute is over");
  });

  it("[X4a] refuses each form in words, a few a second, with one line of the log", async () => {
    const { pressed, said, lines } = setUp({ verdict: DENIED });
    for (let n = 0; n < 1_000; n++) {
      await pressed({ ...PRESS, kind: "modal", text: "" });
    }
    assert.deepEqual(said, Array<string>(5).fill(DEAD.replace("reply", "deferred")));
    assert.equal(lines.length, 1);
  });

  it("[X4a] tells once that a question is for another person", async () => {
    const { pressed, said, lines } = setUp({ decides: { kind: "not_asked", question: QUESTION } });
    for (let n = 0; n < 100; n++) await pressed({ ...PRESS, customId: "ask:1" });
    assert.equal(said.length, 1);
    assert.deepEqual(lines.map(({ fields }) => fields.code), ["ABCDEFGH"]);
  });

  for (const customId of ["", "approval:1", "pairing", "PAIRING:yes"]) {
    it(`refuses the unknown button ${JSON.stringify(customId)}`, async () => {
      const { needed, pressed, said, asked } = setUp();
      await pressed({ ...PRESS, customId });
      assert.deepEqual(said, [DEAD]);
      assert.deepEqual(asked, []);
      assert.deepEqual(needed, ["everyone"]);
    });
  }

  const UNDO = { ...PRESS, customId: "undo:1400000000000000800" };

  it("[T3] replaces a reply by the result of long work", async () => {
    const { pressed, said } = setUp();
    await pressed(UNDO);
    assert.deepEqual(said, [
      "reply: Taking that back …",
      `change ${REPLY}: Undone: channel #x. This deletes the channel again.`,
    ]);
  });

  it("[T3] begins long work before Discord takes an answer", async () => {
    const slow = Promise.withResolvers<void>();
    const { pressed, lines } = setUp({ slow: slow.promise });
    const done = pressed(UNDO);
    await settle();
    assert.match(lines[0]?.event ?? "", /has pressed Undo/);
    slow.resolve();
    await done;
  });

  it("[K5] answers if the store fails, and logs it", async () => {
    const { pressed, said, lines } = setUp({ outcome: Promise.reject(new Error("disk full")) });
    await pressed(PRESS);
    assert.match(said[0]!, /^reply: I can't tell whether that worked/);
    assert.equal(lines[0]?.level, "error");
  });
});
