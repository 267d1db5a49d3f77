/**
 * Drafts of a whole account leave nothing behind: once all is delivered, the channel has what it would
 * have with `streaming: "off"`. This holds for any answer in any pieces, for a kill anywhere, and for
 * any results of edits.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { type Model, ModelError } from "../../../src/core/model.ts";
import { type RestApi } from "../../../src/discord/rest/client/client.ts";
import {
  jsonOf,
  RestError,
  type RestErrorKind,
} from "../../../src/discord/rest/exchange/exchange.ts";
import { queuesOf } from "../../../src/flows/deliver/deliver.ts";
import { wakeTurns } from "../../../src/account/per_account.ts";
import { type Given, type TestAccount, testAccount } from "../../support/bot/test_account.ts";
import { ADA } from "../../support/discord/payloads.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { cases } from "../../support/long_form.ts";
import { mortals } from "../../support/mortal.ts";

/** 49 characters: two fit into a message. */
const SENTENCE = "The quick brown fox jumps over that lazy old dog. ";
const WHOLE = SENTENCE.trim();
const SECRET = "open sesame now";
const QUOTING = { replyToMode: "first" };

/** A message as people see it. */
interface Seen {
  readonly content: string;
  readonly quote?: string;
  readonly files: readonly string[];
}

/** What becomes of a draft's edit: a request of spare capacity. */
type Fault = "no room" | "lost" | "done, and not answered" | "limited" | "forbidden" | "none";

/** A model whose answer grows as the test says; `undefined` in place of a piece: it ends. */
function growing(fails: boolean) {
  let pieces: (string | undefined)[] = [];
  let wake = Promise.withResolvers<void>();
  const model: Model = {
    id: "test/model",
    async *generate() {
      const own = pieces;
      for (let at = 0;; at++) {
        while (at >= own.length) await wake.promise;
        const text = own[at];
        if (text === undefined) break;
        yield { kind: "text", text };
      }
      if (fails) throw new ModelError("down", { kind: "not_an_answer", modelId: "test/model" });
      yield { kind: "finish", reason: "stop" };
    },
  };
  const add = (piece: string | undefined) => {
    pieces.push(piece);
    wake.resolve();
    wake = Promise.withResolvers();
  };
  return { model, add, next: () => void (pieces = []) };
}

type Step = Awaited<ReturnType<ReturnType<typeof mortals>["next"]>>["step"];

/** A channel of Discord, and the processes of a bot, each of which may die at a step. */
function world(discord: object = {}, given: Given = {}) {
  const lives = mortals();
  const posted = new Map<string, Seen & { readonly nonce: string }>();
  const asked: string[] = [];
  const editedAt: number[] = [];
  const state = { edit: "none" as Fault, held: Promise.resolve(), refuses: false };
  let scene: TestAccount | undefined;
  let answer = growing(false);

  const fail = (kind: RestErrorKind, more: object = {}) =>
    new RestError("failed", { kind, route: "PATCH /", ...more });
  function change(id: string, seen: Partial<Seen>): object {
    const standing = posted.get(id);
    if (!standing) throw fail("not_found", { status: 404, code: 10008 });
    posted.set(id, { ...standing, ...seen });
    return { id };
  }
  async function edit(id: string, content: string): Promise<object> {
    editedAt.push(scene?.clock.now() ?? 0);
    await state.held;
    if (state.edit === "no room") throw fail("unsent");
    if (state.edit === "lost") throw fail("unavailable");
    if (state.edit === "forbidden") throw fail("forbidden", { status: 403, code: 50013 });
    if (state.edit === "limited") throw fail("rate_limited", { retryAfterMs: 5_000 });
    const done = change(id, { content });
    if (state.edit === "none") return done;
    throw fail("unavailable");
  }
  const api = (step: Step): RestApi => ({
    request: (method, path, { body = {}, priority } = {}) =>
      step(async () => {
        if (!/\/messages/.test(path) || method === "GET") return method === "GET" ? [] : {};
        const { content, nonce, message_reference: quote, attachments = [] } = JSON.parse(
          typeof body === "string" ? body : jsonOf(body),
        );
        const id = path.split("/").at(-1) ?? "";
        const files = attachments.map(({ filename }: { filename: string }) => filename);
        asked.push(`${method} ${content ?? ""}`.trim());
        if (method === "DELETE") return posted.delete(id);
        assert.ok(content.length <= 100, content);
        if (method === "PATCH") {
          return priority === "spare" ? await edit(id, content) : change(id, { content, files });
        }
        if (state.refuses && content.endsWith("…")) throw fail("rejected", { code: 50035 });
        const known = [...posted].find(([, one]) => one.nonce === nonce);
        if (known) return { id: known[0] };
        const next = String(1_500_000_000_000_000_000n + BigInt(asked.length));
        posted.set(next, { content, nonce, files, ...(quote && { quote: quote.message_id }) });
        return { id: next };
      }),
  });
  /** The next process goes on with the stored state, and the model begins anew. */
  async function start(fails = false) {
    const { before, step } = await lives.next();
    answer = growing(fails);
    const clock = new FakeClock(scene?.clock.now());
    const dm = { policy: "open", allowFrom: ["*"] };
    const own = { dm, streaming: "edit", textChunkLimit: 100, ...discord };
    scene = await testAccount({ ...given, before, clock, discord: own, api: api(step), ...answer });
    Object.assign(scene.account.bot.logging, { secrets: () => [SECRET] });
    return scene;
  }
  const now = () => scene ?? assert.fail();
  return {
    ...{ posted, asked, editedAt, state, start },
    ...{ steps: lives.steps, diesIn: lives.diesIn },
    scene: now,
    /** A question, whose answer begins; or the same one again, as by a RESUME. */
    async ask(isAgain = false): Promise<void> {
      if (!isAgain) answer.next();
      await now().dm("well?");
    },
    async grow(...pieces: readonly (string | undefined)[]): Promise<void> {
      pieces.forEach(answer.add);
      await now().quiet();
    },
    pass: (ms: number) => now().pass(ms, 100),
    /** The answer ends, and all is delivered. */
    async finish(): Promise<void> {
      answer.add(undefined);
      await now().pass(8_000, 400);
    },
    /** Another process takes the turn up again. */
    async restart(fails = false): Promise<void> {
      const { account, quiet } = await start(fails);
      wakeTurns(account);
      queuesOf(account).wake();
      await quiet();
    },
    seen: (): readonly Seen[] => [...posted.values()].map(({ nonce: _, ...shown }) => shown),
    contents: () => [...posted.values()].map(({ content }) => content),
  };
}

async function asking(discord: object = {}, given: Given = {}, fails = false) {
  const turn = world(discord, given);
  await turn.start(fails);
  await turn.ask();
  return turn;
}

/** What the channel has without drafts. */
async function without(text: string, discord: object = {}, given: Given = {}, fails = false) {
  const turn = await asking({ ...discord, streaming: "off" }, given, fails);
  await turn.grow(text);
  await turn.finish();
  return turn.seen();
}

/** Requests keep at least 1.2 s between them. */
function assertPace(times: readonly number[]): void {
  assert.ok(times.length > 5);
  for (const [at, time] of times.slice(1).entries()) assert.ok(time - (times[at] ?? 0) >= 1_200);
}

describe("[R8] drafts", () => {
  it("are none of an answer that is complete within a second", async () => {
    const turn = await asking();
    await turn.grow(SENTENCE);
    await turn.pass(900);
    await turn.finish();
    assert.deepEqual(turn.asked, [`POST ${WHOLE}`]);
    assert.equal(turn.editedAt.length, 0);
    const short = await asking();
    await short.grow("Wait a moment. ");
    await short.pass(3_000);
    assert.deepEqual(short.asked, []);
  });

  it("come after a second, with new text every 1.2 s", async () => {
    const turn = await asking();
    await turn.grow(SENTENCE);
    await turn.pass(1_000);
    assert.deepEqual(turn.contents(), [`${WHOLE} …`]);
    await turn.grow("And ");
    await turn.pass(1_100);
    assert.deepEqual(turn.contents(), [`${WHOLE} …`]);
    await turn.pass(100);
    assert.deepEqual(turn.contents(), [`${SENTENCE}And …`]);
    await turn.finish();
    assert.deepEqual(turn.contents(), [`${SENTENCE}And`]);
  });

  it("go on in a second one, and close unfinished code with its mark", async () => {
    const code = "Run this, it cleans all of it up:\n```sh\nrm -r build\n";
    for (
      const [first, next, shown] of [
        [SENTENCE.repeat(2), SENTENCE, /^The [^…]* …$/],
        [code, "ls\n```\n", /\n```\n…$/],
      ] as const
    ) {
      const turn = await asking();
      await turn.grow(first);
      await turn.pass(1_000);
      if (first === code) assert.match(turn.contents().at(-1) ?? "", shown);
      await turn.grow(next);
      await turn.pass(3_700);
      if (first !== code) assert.match(turn.contents()[1] ?? "", shown);
      await turn.finish();
      assert.deepEqual(turn.seen(), await without(first + next));
    }
  });

  it("keep their pace, and wait as long as Discord asks", async () => {
    const turn = await asking();
    await turn.grow(SENTENCE);
    await turn.pass(1_000);
    turn.state.edit = "limited";
    await turn.grow("And ");
    await turn.pass(1_200);
    turn.state.edit = "none";
    await turn.pass(4_900);
    assert.equal(turn.editedAt.length, 1);
    await turn.pass(100);
    assert.deepEqual(turn.contents(), [`${SENTENCE}And …`]);
    for (let at = 0; at < 30; at++) {
      await turn.grow("a ");
      await turn.pass(400);
    }
    assertPace(turn.editedAt.slice(1));
  });

  it("of two turns in a channel share its pace", async () => {
    const turn = await asking();
    await turn.scene().dm("and?", { author: { ...ADA, id: "1390000000000000005" } });
    await turn.grow(SENTENCE);
    for (const shown of [1, 2]) {
      await turn.pass(1_100);
      assert.equal(turn.posted.size, shown);
    }
    for (let at = 0; at < 30; at++) {
      await turn.grow("a ");
      await turn.pass(400);
    }
    assertPace(turn.editedAt);
  });

  it("stop growing after a refusal, or once a person has deleted one", async () => {
    for (const isDeleted of [false, true]) {
      const turn = await asking();
      await turn.grow(SENTENCE);
      await turn.pass(1_000);
      if (isDeleted) turn.posted.clear();
      else turn.state.edit = "forbidden";
      await turn.grow(SENTENCE, SENTENCE);
      await turn.pass(60_000);
      assert.equal(turn.editedAt.length, 1);
      await turn.finish();
      const all = await without(SENTENCE.repeat(3));
      assert.deepEqual(turn.seen(), isDeleted ? all.slice(1) : all);
    }
  });

  it("go with a turn that fails or declines", async () => {
    for (const [fails, piece] of [[true, ""], [false, "NO_REPLY"]] as const) {
      const turn = await asking({}, {}, fails);
      await turn.grow(SENTENCE.repeat(3));
      await turn.pass(5_000);
      assert.equal(turn.contents().length, 2);
      await turn.grow(piece);
      await turn.finish();
      if (fails) assert.match(turn.contents().join(), /^Sorry/);
    }
  });

  it("[R6] stop growing once the answer is too long, and end as a file", async () => {
    const given = { beside: { messages: { maxChunks: 2 } } };
    const turn = await asking({}, given);
    await turn.grow(SENTENCE.repeat(3));
    await turn.pass(5_000);
    const before = turn.contents();
    await turn.grow(SENTENCE.repeat(20));
    await turn.pass(60_000);
    assert.deepEqual(turn.contents(), before);
    await turn.finish();
    assert.deepEqual(turn.seen(), await without(SENTENCE.repeat(23), {}, given));
    assert.deepEqual(turn.seen()[0]?.files, ["answer.md"]);
  });

  it("[R3] become a reply by a tag at the end, and never show an unfinished one", async () => {
    const turn = await asking(QUOTING);
    await turn.grow(SENTENCE);
    for (const piece of ["Yes. [[", "reply", "_to_", "current", "]] "]) {
      await turn.grow(piece);
      await turn.pass(1_200);
      assert.doesNotMatch(turn.contents().join(), /\[\[/);
    }
    await turn.finish();
    assert.deepEqual(turn.seen(), await without(`${SENTENCE}Yes. [[reply_to_current]] `, QUOTING));
    assert.ok(turn.seen()[0]?.quote);
  });

  it("[R10] never show the beginning of a secret", async () => {
    const turn = await asking();
    await turn.grow(`${SENTENCE}It is `);
    await turn.pass(1_000);
    for (const word of SECRET.split(" ")) {
      await turn.grow(`${word} `);
      await turn.pass(2_400);
      assert.doesNotMatch(turn.contents().join(), /open|sesame/);
    }
    assert.match(turn.contents().join(" "), /It is \[redacted\]/);
  });

  it("[R10] show no thinking of a model that has thought aloud before", async () => {
    const turn = await asking();
    await turn.grow(SENTENCE, SENTENCE);
    await turn.pass(3_000);
    assert.equal(turn.contents().length, 1, "a new process does not know it");
    await turn.grow(`\n</think>\n${SENTENCE}`);
    await turn.finish();
    const { length } = turn.asked;
    await turn.ask();
    await turn.grow(`I think, ${SENTENCE}`);
    await turn.pass(3_000);
    assert.equal(turn.asked.length, length);
  });

  it("end only once no request is under way, so that the final text comes last", async () => {
    const turn = await asking();
    await turn.grow(SENTENCE);
    await turn.pass(1_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    turn.state.held = promise;
    await turn.grow("And ");
    await turn.pass(1_200);
    await turn.grow("so.");
    await turn.finish();
    assert.deepEqual(turn.contents(), [`${WHOLE} …`]);
    resolve();
    await turn.pass(3_000);
    assert.deepEqual(turn.seen(), await without(`${SENTENCE}And so.`));
  });

  it("go on as the same ones after a crash, whose text may be posted only then", async () => {
    const other = "A different answer, for models are like that. ";
    for (const isPosted of [true, false]) {
      const turn = await asking();
      await turn.grow(`${SENTENCE}Then `);
      if (isPosted) await turn.pass(1_000);
      else {
        turn.diesIn(2); // the row is there, and is not delivered
        await turn.pass(1_000);
        assert.deepEqual(turn.contents(), []);
      }
      await turn.restart();
      await turn.grow(other);
      await turn.pass(3_400);
      assert.deepEqual(turn.contents(), [`${other.trim()} …`]);
      await turn.finish();
      assert.deepEqual(turn.seen(), await without(other));
    }
  });
});

/** One piece of an answer, and what happens before the next. */
interface Piece {
  readonly text: string;
  readonly ms: number;
  readonly edit: Fault;
}

/** A process: the model's answer in it, and the step at which it dies. */
interface Life {
  readonly pieces: readonly Piece[];
  readonly end: "reply" | "failure" | "declined";
  readonly dies?: number;
}

const words = fc.lorem({ maxCount: 12 }).map((text) => `${text} `);
const marks = fc.constantFrom(
  ..."\n```ts\nlet a = 1;\n~\n```\n~\n\n~[[reply_to_current]]~| a | b |\n|---|---|\n~日本語、~👩‍👩‍👧 ~</think>\n~"
    .split("~"),
  `${SECRET} `,
  `<@${ADA.id}> `,
);
const piece: fc.Arbitrary<Piece> = fc.record({
  text: fc.oneof({ weight: 6, arbitrary: words }, { weight: 3, arbitrary: marks }),
  ms: fc.constantFrom(0, 700, 1_200, 5_000),
  edit: fc.constantFrom("none", "none", "no room", "lost", "done, and not answered", "limited"),
});
const life: fc.Arbitrary<Life> = fc.record({
  pieces: fc.array(piece, { maxLength: 12 }),
  end: fc.constantFrom("reply", "reply", "failure", "declined"),
});

/** Plays the lives of one turn, the last of which does not die. */
async function play(lives: readonly Life[], refuses = false): Promise<number> {
  const turn = world(QUOTING);
  const isOver = () => {
    const [row] = turn.scene().rows("SELECT state FROM inbox");
    return row !== undefined && !["waiting", "running"].includes(String(row["state"]));
  };
  turn.state.refuses = refuses;
  let ended = lives[0] ?? assert.fail();
  for (const [at, life] of [...lives, { ...lives.at(-1) ?? ended, dies: Infinity }].entries()) {
    const fails = life.end === "failure";
    if (at === 0) await turn.start(fails);
    else await turn.restart(fails);
    if (at > 0 && isOver()) continue;
    ended = life;
    turn.diesIn(life.dies ?? Infinity);
    await turn.ask(at > 0);
    for (const { text, ms, edit } of life.pieces) {
      turn.state.edit = edit;
      await turn.grow(text);
      await turn.scene().pass(ms, 700);
    }
    turn.state.edit = "none";
    if (life.end === "declined") await turn.grow("\nNO_REPLY");
    await turn.finish();
  }
  await turn.scene().pass(60_000, 5_000);
  const text = ended.pieces.map((one) => one.text).join("");
  const declines = ended.end === "declined" ? "\nNO_REPLY" : "";
  const expected = await without(text + declines, QUOTING, {}, ended.end === "failure");
  assert.deepEqual(turn.seen(), expected);
  return turn.steps();
}

describe("[R8] an answer with drafts", () => {
  it("ends as without drafts, in every order of events (law)", () =>
    fc.assert(
      fc.asyncProperty(life, fc.boolean(), async (one, refuses) => void await play([one], refuses)),
      { numRuns: cases(60, 3_000) },
    ));

  it("ends so over any number of processes, each of which dies anywhere (law)", () => {
    const dying = fc.tuple(life, fc.integer({ min: 1, max: 30 })).map(
      ([one, dies]) => ({ ...one, dies }),
    );
    const lives = fc.tuple(fc.array(dying, { minLength: 1, maxLength: 3 }), life);
    return fc.assert(
      fc.asyncProperty(lives, async ([early, last]) => void await play([...early, last])),
      { numRuns: cases(60, 3_000) },
    );
  });

  it("survives a crash at each step, also if the next answer is shorter or none", async () => {
    const steady = (text: string): Piece => ({ text, ms: 1_400, edit: "none" });
    const long: Life = { pieces: Array.from("abcdef", (a) => steady(a + SENTENCE)), end: "reply" };
    const short: Life = { pieces: [steady(SENTENCE), steady("Or so. ")], end: "reply" };
    const steps = await play([long]);
    assert.ok(steps > 30, `${steps} steps`);
    for (let dies = 1; dies <= steps; dies++) {
      const end = (["reply", "failure", "declined"] as const)[dies % 3] ?? "reply";
      await play([{ ...long, dies }, { ...short, dies: 1 + dies % 9 }, { ...short, end }]);
    }
  });
});
