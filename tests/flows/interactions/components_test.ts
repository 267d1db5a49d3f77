import assert from "node:assert/strict";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { describe, it } from "node:test";
import { type Given, runBeside } from "../../support/bot/test_account.ts";
import type { DecidingOutcome } from "../../../src/core/people/question.ts";
import { approvals } from "../../../src/flows/inbound/challenge.ts";
import { ADA, commandAccount, GRACE } from "../../support/bot/commands.ts";

const DEAD = "This button is old and no longer works. Ask me again if you still need it.";
const WRITES = { discord: { dm: { policy: "pairing" } } };

/** An owner has the buttons of Ada's pairing request. */
async function asked(given: Given = {}) {
  const bot = await commandAccount({ ...WRITES, ...given });
  let drawn = 0;
  Object.assign(bot.account, { draw: (count: number) => new Uint8Array(count).fill(++drawn) });
  approvals.start(bot.account);
  await bot.dm("hello");
  const [row] = bot.rows("SELECT approve_button AS yes, deny_button AS no FROM pairing_request");
  const paired = () => bot.rows("SELECT username FROM paired").map(({ username }) => username);
  return { ...bot, yes: String(row?.["yes"]), no: String(row?.["no"]), paired };
}

describe("[P3] the buttons of a pairing request", () => {
  it("let a stranger in by an owner's press, tell them, and name the owner", async () => {
    const { press, yes, posted, paired, lines } = await asked();
    const [text = ""] = await press(yes);
    assert.match(text, /^`ada` .* may write to me now\. <@900000000000000001> approved it\.$/);
    assert.equal(posted().at(-1), "You're approved. You can write to me now.");
    assert.deepEqual(paired(), ["ada"]);
    assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
    assert.match((await press(yes)).join(), /already decided/);
  });

  it("deny without a word to the stranger, and end with the request", async () => {
    const { press, no, yes, posted, paired, pass } = await asked();
    const before = posted();
    assert.match((await press(no)).join(), /may not write to me\. <@9\d+> denied it\.$/);
    assert.deepEqual([posted(), paired()], [before, []]);
    await pass(3_700_000);
    assert.match((await press(yes)).join(), /already decided|has expired|is old/);
  });

  it("[P16] do nothing for a person who is no owner", async () => {
    const { press, yes, paired, lines } = await asked({
      discord: { dm: { policy: "pairing", allowFrom: [ADA.id] } },
    });
    const button = yes === "undefined" ? "pairing:made-up" : yes;
    assert.deepEqual(await press(button, { as: ADA }), ["You are not authorized to do that."]);
    assert.deepEqual(paired(), []);
    const line = lines.find(({ event }) => event.startsWith("Refused a button"));
    assert.deepEqual([line?.level, line?.fields.why], ["warn", "not-owner"]);
  });

  it("[K5] answer if the store fails, and log it", async () => {
    const { press, yes, store, lines } = await asked();
    Object.assign(store.pairing, { decide: () => Promise.reject(new Error("disk full")) });
    assert.match((await press(yes)).join(), /^I can't tell whether that worked/);
    assert.equal(lines.at(-1)?.level, "error");
  });
});

describe("[X4a] [P16] uses without effect", () => {
  it("tell a person one refusal a minute, with one line of the log", async () => {
    const { press, lines, pass } = await commandAccount();
    const refused = () => lines.filter(({ event }) => event.startsWith("Refused a button"));
    const told: string[] = [];
    for (let n = 0; n < 50; n++) told.push(...await press(`gone:${n}`, { as: ADA }));
    assert.deepEqual([told, refused().length], [[DEAD], 1]);
    await pass(60_000);
    assert.equal((await press("pairing:1", { as: ADA })).length, 1);
  });

  it("refuse each form in words, a few a second", async () => {
    const { submit, lines } = await commandAccount();
    const told: string[] = [];
    for (let n = 0; n < 20; n++) told.push(await submit("gone:1", "", { as: ADA }));
    assert.deepEqual(told.filter((text) => text !== ""), Array(5).fill(DEAD));
    assert.equal(lines.filter(({ event }) => event.startsWith("Refused a modal")).length, 1);
  });

  for (
    const customId of ["", "approval:1", "pairing", "PAIRING:yes", "pairing:made-up", "undo:all"]
  ) {
    it(`say so of the button ${JSON.stringify(customId)}`, async () => {
      const { press } = await commandAccount();
      assert.deepEqual(await press(customId), [DEAD]);
    });
  }
});

describe("[A1] [T10] the components of questions", () => {
  const question = {
    ...{ id: 1, code: "ABCDEFGH", state: "answered", createdAt: 0, expiresAt: 1 },
    question: { kind: "ask", text: "Which trip?", facts: [], choices: [], asked: "anyone" },
  } as unknown as Extract<DecidingOutcome, { kind: "decided" }>["question"];
  const deciding = async (outcome: DecidingOutcome) => {
    const bot = await commandAccount();
    const asked: unknown[] = [];
    Object.assign(bot.store.questions, {
      decide(deciding: unknown) {
        asked.push(deciding);
        return Promise.resolve(outcome);
      },
    });
    return { ...bot, asked };
  };

  it("[T13a] leave a form to the gateway's thread, and answer the form", async () => {
    const form = { title: "Which trip?", label: "Port" };
    const opening = await deciding({ kind: "form", form, question });
    assert.deepEqual(await opening.press("ask:1"), []);
    const { submit, asked } = await deciding({ kind: "decided", question });
    const message = { id: "1400000000000000077", content: "", author: ADA };
    assert.equal(
      await submit("ask:1", "Hamburg", { fields: { message } }),
      "Thanks, I have your answer.",
    );
    assert.equal((asked as { submitted: string }[])[0]?.submitted, "Hamburg");
    assert.match(await submit("ask:1", "Hamburg"), /is old/, "no component has opened this form");
    assert.equal(asked.length, 1);
  });

  it("take the choice of a menu, and say how a question has ended", async () => {
    const { choose, asked } = await deciding({ kind: "closed", question });
    const { text } = await choose("ask:1", "x");
    assert.match(text, /already decided, has expired/);
    assert.deepEqual((asked as { selected: string[] }[])[0]?.selected, ["x"]);
  });

  it("[X4a] tell once that a question is for another person", async () => {
    const { press, lines } = await deciding({ kind: "not_asked", question });
    const told = [...await press("ask:1"), ...await press("ask:1")];
    assert.deepEqual(told, ["This question is not for you."]);
    assert.equal(lines.filter(({ fields }) => fields.code === "ABCDEFGH").length, 1);
  });

  it("wake the turn, and all bots of the process", async () => {
    const { press, account, store } = await deciding({ kind: "closed", question });
    let claims = 0;
    const told: string[] = [];
    const { claimNext } = store.inbox;
    Object.assign(store.inbox, {
      claimNext(...of: Parameters<typeof claimNext>) {
        claims++;
        return claimNext(...of);
      },
    });
    const changedByCommand = (namespace: string) => void told.push(namespace);
    runBeside(account, toAccountId("b"), { changedByCommand });
    await press("ask:1", { as: GRACE });
    assert.deepEqual([claims > 0, told], [true, ["questions"]]);
  });
});
