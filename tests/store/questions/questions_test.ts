import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Claim } from "../../../src/core/inbound/inbox.ts";
import { type Deciding, FILL_IN, MENU, type Question } from "../../../src/core/people/question.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  userId,
} from "../../support/discord/builders.ts";
import { accepted, batch, frozen, openTestStore } from "../../support/store/store.ts";
import type { NewControl } from "../../../src/store/questions/questions.ts";
import type { Store } from "../../../src/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const asking = guildMessage({ id: messageId("1400000000000000101") });
const ADA = userId("1400000000000000901");
const BEN = userId("1400000000000000902");
const DM = channelId("1400000000000000801");
const OTHER = channelId("1400000000000000802");
const CARD = messageId("1400000000000000701");
const APPLICATION = "1400000000000000601";
const NONCE = "card-nonce";

const APPROVAL: Question = {
  kind: "approval",
  tool: "exec",
  text: "May I?",
  facts: [],
  exact: '["ls"]',
  choices: [{ key: "once" }, { key: "deny" }],
  asked: [ADA],
  where: "direct",
  binding: "hash",
  timeoutMs: 600_000,
};

async function openClaimed() {
  const test = openTestStore();
  await test.store.inbox.acceptBatch(batch({ judged: [accepted(asking)] }), NOW);
  return { ...test, claim: await claimed(test.store) };
}

async function claimed(store: Store): Promise<Claim> {
  const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
  assert.ok(claim);
  return claim;
}

const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/** A code that ends with the last letter of the key. */
const codeOf = (callKey: string): string => `CDEFGHJ${callKey.slice(-1).toUpperCase()}`;

async function park(store: Store, claim: Claim, question = APPROVAL, callKey = "1:a") {
  const asked = [{ callKey, question, code: codeOf(callKey) }];
  await store.questions.park({ claim, steps: [], charges: [], asked, now: NOW });
}

/** A parked turn with a card that Discord has. */
async function openAsked(
  asked: Question = APPROVAL,
  controls: readonly NewControl[] = [
    { customId: "ap:once", choice: "once" },
    { customId: "ap:deny", choice: "deny" },
  ],
) {
  const test = await openClaimed();
  const { store, database, claim } = test;
  database.prepare("INSERT INTO account (account_id, application_id) VALUES (?, ?)")
    .run(ACCOUNT, APPLICATION);
  await park(store, claim, asked);
  const [question] = await store.questions.withoutCards(ACCOUNT);
  assert.ok(question);
  const card = { frozen: frozen({ nonce: NONCE, channelId: DM }), controls };
  assert.equal(await store.questions.addCards(question.id, [card], NOW), true);
  database.prepare("UPDATE outbox SET state = 'sent', message_id = ? WHERE nonce = ?")
    .run(CARD, NONCE);
  return test;
}

it("[T13a] store.questions.open() › lists no question of a turn with a person's own account", async () => {
  for (const isPersonal of [undefined, true] as const) {
    const { store } = await openAsked({ ...APPROVAL, isPersonal });
    assert.equal((await store.questions.open(NOW)).length, isPersonal ? 0 : 1);
  }
});

function press(fields: Partial<Deciding> = {}, by: object = {}): Deciding {
  return {
    accountId: ACCOUNT,
    by: { customId: "ap:once", messageId: CARD, channelId: DM, applicationId: APPLICATION, ...by },
    userId: ADA,
    now: NOW + 1,
    ...fields,
  };
}

describe("[T10] a turn that waits for a person", () => {
  it("is claimed again once its question is decided, with the decision", async () => {
    const { store, claim } = await openClaimed();
    await park(store, claim);
    assert.equal(await store.inbox.claimNext(ACCOUNT, NOW, []), undefined);
    assert.equal(await store.questions.decisionOf("1:a"), undefined);
    await store.questions.decide({
      by: { code: "cdef ghja" },
      answer: { choice: "once" },
      now: NOW,
    });
    const again = await claimed(store);
    assert.equal(again.message.id, asking.id);
    sameData(await store.questions.decisionOf("1:a"), {
      kind: "answered",
      answer: { choice: "once" },
      about: "approval",
      binding: "hash",
    });
  });

  it("[T3] has one decision for all calls that a question covers", async () => {
    const { store, claim } = await openClaimed();
    await park(store, claim, { ...APPROVAL, kind: "limit", covers: ["1:b", "1:c"] });
    assert.equal(await store.questions.decisionOf("1:c"), undefined);
    await store.questions.decide({
      by: { code: "cdefghja" },
      answer: { choice: "deny" },
      now: NOW,
    });
    for (const callKey of ["1:a", "1:b", "1:c"]) {
      const decision = await store.questions.decisionOf(callKey);
      assert.ok(decision?.kind === "answered" && decision.about === "limit");
      assert.equal(decision.answer.choice, "deny");
    }
    assert.equal(await store.questions.decisionOf("1:d"), undefined);
  });

  it("does not use up attempts by waiting", async () => {
    const { store, claim, rows } = await openClaimed();
    let current = claim;
    for (let at = 0; at < 30; at++) {
      await park(store, current, APPROVAL, `1:${LETTERS[at]}`);
      for (const { code } of await store.questions.open(NOW)) {
        await store.questions.decide({ by: { code }, answer: { choice: "deny" }, now: NOW });
      }
      current = await claimed(store);
    }
    assert.deepEqual(rows("SELECT attempt FROM inbox"), [{ attempt: 2 }]);
  });

  it("leaves its session to other messages", async () => {
    const { store, claim } = await openClaimed();
    await park(store, claim);
    const next = guildMessage({ id: messageId("1400000000000000102") });
    await store.inbox.acceptBatch(batch({ judged: [accepted(next)] }), NOW);
    assert.equal((await claimed(store)).message.id, next.id);
  });

  it("counts neither as waiting nor for its sender's limit", async () => {
    const { store, claim } = await openClaimed();
    await park(store, claim);
    assert.equal((await store.health([])).inbox.waiting, 0);
  });

  it("waits for each of its questions", async () => {
    const { store, claim } = await openClaimed();
    const asked = ["1:a", "1:b"].map((callKey, index) => ({
      callKey,
      question: APPROVAL,
      code: `ABCDEFG${"HJ"[index]}`,
    }));
    await store.questions.park({ claim, steps: [], charges: [], asked, now: NOW });
    await store.questions.decide({
      by: { code: "ABCDEFGH" },
      answer: { choice: "once" },
      now: NOW,
    });
    assert.equal(await store.inbox.claimNext(ACCOUNT, NOW, []), undefined);
    await store.questions.decide({
      by: { code: "ABCDEFGJ" },
      answer: { choice: "deny" },
      now: NOW,
    });
    assert.ok(await store.inbox.claimNext(ACCOUNT, NOW, []));
  });

  it("continues without an answer once its time is over", async () => {
    const { store, claim } = await openClaimed();
    await park(store, claim);
    assert.equal(await store.questions.expire(ACCOUNT, NOW + 599_999), 0);
    assert.equal(await store.questions.expire(ACCOUNT, NOW + 600_000), 1);
    assert.ok(await store.inbox.claimNext(ACCOUNT, NOW, []));
    assert.deepEqual(await store.questions.decisionOf("1:a"), { kind: "expired" });
  });

  it("ends with a stop or a deletion, and its question is withdrawn", async () => {
    for (const how of ["stop", "delete"] as const) {
      const { store, claim, rows } = await openClaimed();
      await park(store, claim);
      const { channelId } = asking;
      if (how === "stop") await store.inbox.stopTurns({ accountId: ACCOUNT, channelId }, NOW);
      else {
        const messageIds = [asking.id];
        const changes = [{ kind: "deleted" as const, channelId, messageIds }];
        await store.inbox.acceptBatch(batch({ changes }), NOW);
      }
      assert.deepEqual(rows("SELECT state FROM question"), [{ state: "withdrawn" }]);
      assert.equal(await store.inbox.claimNext(ACCOUNT, NOW, []), undefined);
    }
  });

  it("continues at once if its message was edited", async () => {
    const { store, claim } = await openClaimed();
    await park(store, claim);
    const message = { ...asking, text: "Rather not.", revision: asking.revision + 1 };
    const verdict = { kind: "accept", why: "mentioned", rule: "rule" } as const;
    const changes = [{ kind: "edited" as const, message, verdict }];
    await store.inbox.acceptBatch(batch({ changes }), NOW);
    assert.equal((await claimed(store)).message.text, "Rather not.");
    assert.deepEqual(await store.questions.decisionOf("1:a"), { kind: "withdrawn" });
  });

  it("cannot be parked once it has ended", async () => {
    const { store, claim, rows } = await openClaimed();
    await store.inbox.stopTurns({ accountId: ACCOUNT, channelId: asking.channelId }, NOW);
    await assert.rejects(park(store, claim), /has ended/);
    assert.deepEqual(rows("SELECT id FROM question"), []);
  });

  it("asks no one if the sender's turns have too many open questions", async () => {
    const { store, claim, rows } = await openClaimed();
    const asked = Array.from({ length: 11 }, (_, index) => ({
      callKey: `1:${index}`,
      question: APPROVAL,
      code: `CODE${index}`,
    }));
    await store.questions.park({ claim, steps: [], charges: [], asked, now: NOW });
    assert.deepEqual(rows("SELECT state, COUNT(*) AS n FROM question GROUP BY state"), [
      { state: "open", n: 10 },
      { state: "withdrawn", n: 1 },
    ]);
  });
});

describe("[A4] a decision", () => {
  it("counts once: later ones learn that it is closed", async () => {
    const { store, rows } = await openAsked();
    assert.equal((await store.questions.decide(press())).kind, "decided");
    assert.equal((await store.questions.decide(press({}, { customId: "ap:deny" }))).kind, "closed");
    assert.equal((await store.questions.decide(press())).kind, "closed");
    assert.deepEqual(rows("SELECT state, answer, decided_by FROM question"), [
      { state: "answered", answer: '{"choice":"once"}', decided_by: ADA },
    ]);
  });

  it("makes its card outdated, until the outbox has the last text", async () => {
    const { store, rows } = await openAsked();
    assert.deepEqual(await store.questions.outdated(ACCOUNT), []);
    await store.questions.decide(press());
    const [card] = await store.questions.outdated(ACCOUNT);
    assert.ok(card);
    const settled = frozen({ nonce: "settled", channelId: DM }, {
      draft: { nonce: card.nonce, becomes: "this" },
    });
    await store.questions.settleCard(card, settled, NOW);
    await store.questions.settleCard(card, settled, NOW);
    assert.deepEqual(await store.questions.outdated(ACCOUNT), []);
    assert.deepEqual(rows("SELECT action FROM outbox WHERE nonce = 'settled'"), [
      { action: "replace" },
    ]);
    assert.equal(await store.questions.hasWork(ACCOUNT), false);
  });

  const forged: readonly [title: string, press: Deciding][] = [
    ["another person", press({ userId: BEN })],
    ["another message", press({}, { messageId: messageId("1400000000000000799") })],
    ["another channel", press({}, { channelId: OTHER })],
    ["another application", press({}, { applicationId: "1400000000000000699" })],
    ["another account", press({ accountId: "other" as typeof ACCOUNT })],
    ["an unknown id", press({}, { customId: "ap:" + "0".repeat(32) })],
    ["the name of another component", press({}, { customId: "ask:once" })],
    ["another place", press({}, { messageId: messageId("1400000000000000799"), channelId: OTHER })],
    ["an empty id", press({}, { customId: "" })],
    ["an id with a wildcard", press({}, { customId: "ap:%" })],
    ["an id with SQL", press({}, { customId: "' OR 1=1 --" })],
    ["the id in other case", press({}, { customId: "AP:ONCE" })],
    ["an id with a space", press({}, { customId: "ap:once " })],
    ["a choice that does not exist", press({ answer: { choice: "always" } })],
    ["an empty choice", press({ answer: { choice: "" } })],
    ["a choice of another kind of question", press({ answer: { choice: "0" } })],
    ["the code of no question", press({ by: { code: "AAAAAAAA" } })],
    ["no code", press({ by: { code: "" } })],
    ["the code by another person", press({ by: { code: "CDEFGHJA" }, userId: BEN })],
    ["the time after its end", press({ now: NOW + 600_000 })],
  ];
  for (const [title, deciding] of forged) {
    it(`[SEC-R19] › forged with ${title}, allows nothing`, async () => {
      const { store, rows } = await openAsked();
      assert.notEqual((await store.questions.decide(deciding)).kind, "decided");
      assert.deepEqual(rows("SELECT answer FROM question"), [{ answer: null }]);
    });
  }
});

const FORM: Question = {
  ...APPROVAL,
  kind: "ask",
  choices: [{ key: FILL_IN }],
  form: { title: "Which trip?", label: "Port" },
};
const SUBMITTED = "Hamburg";

describe("[T13a] store.questions with a form", () => {
  const opened = () => openAsked(FORM, [{ customId: "ask:form", choice: FILL_IN }]);
  const use = (more: Partial<Deciding> = {}) => press(more, { customId: "ask:form" });

  it("opens by a press, which decides nothing, and is decided by the submitted form", async () => {
    const { store } = await opened();
    const pressed = await store.questions.decide(use());
    assert.ok(pressed.kind === "form");
    assert.deepEqual(pressed.form, FORM.form);
    const decided = await store.questions.decide(use({ submitted: SUBMITTED }));
    assert.equal(decided.kind, "decided");
    const decision = await store.questions.decisionOf("1:a");
    assert.ok(decision?.kind === "answered");
    assert.equal(decision.answer.text, "Hamburg");
    assert.equal((await store.questions.decide(use({ submitted: SUBMITTED }))).kind, "closed");
  });

  it("lists the forms that people may open, until they are decided or have expired", async () => {
    const { store } = await opened();
    const [form, ...more] = await store.questions.openForms(ACCOUNT, NOW);
    assert.deepEqual(more, []);
    assert.deepEqual(form, {
      customId: "ask:form",
      channelId: DM,
      asked: [ADA],
      expiresAt: NOW + FORM.timeoutMs,
      form: FORM.form,
    });
    assert.deepEqual(await store.questions.openForms(ACCOUNT, NOW + FORM.timeoutMs), []);
    await store.questions.decide(use({ submitted: SUBMITTED }));
    assert.deepEqual(await store.questions.openForms(ACCOUNT, NOW), []);
  });

  const forged: readonly [what: string, deciding: Deciding, kind: string][] = [
    ["of another person", use({ submitted: SUBMITTED, userId: BEN }), "not_asked"],
    ["without a text", use({ submitted: " " }), "no_choice"],
    ["with too long a text", use({ submitted: "x".repeat(4_001) }), "no_choice"],
    ["from a select menu", use({ selected: [FILL_IN] }), "form"],
    ["as a bare choice", use({ answer: { choice: FILL_IN } }), "form"],
    [
      "of another message",
      press({ submitted: SUBMITTED }, { customId: "ask:form", messageId: asking.id }),
      "unknown",
    ],
    [
      "of another channel",
      press({ submitted: SUBMITTED }, { customId: "ask:form", channelId: OTHER }),
      "unknown",
    ],
    [
      "of another application",
      press({ submitted: SUBMITTED }, { customId: "ask:form", applicationId: "1" }),
      "unknown",
    ],
    [
      "by the code of the question",
      { ...press({ submitted: SUBMITTED }), by: { code: codeOf("1:a") } },
      "no_choice",
    ],
  ];
  for (const [what, deciding, kind] of forged) {
    it(`[SEC-R19] takes no form ${what}`, async () => {
      const { store } = await opened();
      assert.equal((await store.questions.decide(deciding)).kind, kind);
      assert.equal(await store.questions.decisionOf("1:a"), undefined);
    });
  }

  it("[SEC-R19] an approval is decided by no form and by no selection", async () => {
    const { store } = await openAsked();
    for (const given of [{ submitted: SUBMITTED }, { selected: ["once"] }]) {
      assert.equal((await store.questions.decide(press(given))).kind, "no_choice");
    }
  });
});

describe("[T10] store.questions with a menu", () => {
  const many: Question = {
    ...APPROVAL,
    kind: "ask",
    choices: ["0", "1", "2"].map((key) => ({ key, label: `Tide ${key}` })),
    upTo: 2,
  };
  const opened = () => openAsked(many, [{ customId: "ask:menu", choice: MENU }]);
  const select = (selected?: readonly string[]) =>
    press(selected ? { selected } : {}, { customId: "ask:menu" });

  it("is decided by a selection of its options", async () => {
    const { store } = await opened();
    assert.equal((await store.questions.decide(select(["2", "0"]))).kind, "decided");
    const decision = await store.questions.decisionOf("1:a");
    assert.ok(decision?.kind === "answered");
    assert.deepEqual(decision.answer, { choice: "2", several: ["2", "0"] });
  });

  for (const selected of [undefined, [], ["3"], [MENU], ["0", "0"], ["0", "1", "2"]]) {
    it(`[SEC-R19] takes no selection ${JSON.stringify(selected)}`, async () => {
      const { store } = await opened();
      assert.equal((await store.questions.decide(select(selected))).kind, "no_choice");
    });
  }
});
