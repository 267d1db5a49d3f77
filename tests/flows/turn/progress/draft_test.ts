import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DraftStream } from "../../../../src/flows/deliver/progress.ts";
import { settle } from "../../../support/settle.ts";
import {
  compose,
  DraftWorld,
  FAILURE,
  MESSAGE,
  SECRET,
  withoutDrafts,
} from "../../support/draft_world.ts";

const SENTENCE = "The quick brown fox jumps over the lazy dog. ";

/** A turn in a new world: the model's answer arrives in pieces, and time passes between them. */
function setUp() {
  const world = new DraftWorld();
  let text = "";
  let stream: DraftStream = world.begin();
  return {
    world,
    get text() {
      return text;
    },
    grow(piece: string): void {
      text += piece;
      stream.grow(text);
    },
    async pass(ms: number): Promise<void> {
      for (let left = ms; left > 0; left -= 100) {
        await this.wait(Math.min(100, left));
        while (world.deliverOne());
      }
    },
    /** Lets time pass while the queue is blocked. */
    async wait(ms: number): Promise<void> {
      world.clock.advance(ms);
      await settle();
    },
    /** Kills the process, and runs the turn again. */
    restart(): void {
      world.restart();
      text = "";
      stream = world.begin();
    },
    end: () => stream.end(),
    async finish(said = compose(text)): Promise<void> {
      await stream.end();
      world.finishTurn(said);
      while (world.deliverOne());
    },
    contents: () => world.seen().map(({ content }) => content),
  };
}

describe("[R8] createDrafts()", () => {
  it("shows no draft of an answer that is complete within a second", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.pass(999);
    await turn.finish();
    assert.deepEqual(turn.world.asked, [`post ${SENTENCE.trim()}`]);
    assert.equal(turn.world.clock.pending, 0);
  });

  it("shows a draft after a second, and new text every 1.2 s", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.pass(1_000);
    assert.deepEqual(turn.contents(), [`${SENTENCE.trim()} …`]);
    turn.grow("And ");
    await turn.pass(1_100);
    assert.deepEqual(turn.contents(), [`${SENTENCE.trim()} …`]);
    await turn.pass(100);
    assert.deepEqual(turn.contents(), [`${SENTENCE}And …`]);
    await turn.finish();
    assert.deepEqual(turn.contents(), [`${SENTENCE}And`]);
  });

  it("continues in a second draft once the first is full", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.pass(1_000);
    turn.grow(SENTENCE);
    await turn.pass(2_400);
    assert.deepEqual(turn.contents(), [SENTENCE.trim(), `${SENTENCE.trim()} …`]);
    assert.deepEqual(turn.world.asked, [
      `post ${SENTENCE.trim()} …`,
      `edit ${SENTENCE.trim()}`,
      `post ${SENTENCE.trim()} …`,
    ]);
    await turn.finish();
    assert.deepEqual(turn.world.seen(), withoutDrafts(compose(turn.text)));
  });

  it("closes unfinished code with its mark", async () => {
    const turn = setUp();
    turn.grow("Run this, it cleans all of it up:\n```sh\nrm -r build\n");
    await turn.pass(1_000);
    assert.match(turn.contents()[0] ?? "", /\n```\n…$/);
    turn.grow("ls\n```\n");
    await turn.finish();
    assert.deepEqual(turn.world.seen(), withoutDrafts(compose(turn.text)));
  });

  it("shares the pace of a channel between two turns", async () => {
    const turn = setUp();
    const other = turn.world.begin(
      (text) =>
        compose(text).map(({ message, files }) => ({
          message: { ...message, of: { ...message.of!, agentId: "other" } },
          files,
        })),
    );
    turn.grow(SENTENCE);
    other.grow(SENTENCE);
    await turn.pass(1_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    turn.world.holdEdit = promise;
    for (let at = 0; at < 30; at += 1) {
      turn.grow("a ");
      other.grow(`${SENTENCE.repeat(2)}${"b ".repeat(at)}`);
      await turn.pass(400);
    }
    assert.equal(turn.world.editedAt.length, 1);
    resolve();
    for (let at = 0; at < 30; at += 1) {
      turn.grow("a ");
      await turn.pass(400);
    }
    const times = turn.world.editedAt;
    assert.ok(times.length > 2);
    for (const [at, time] of times.slice(1).entries()) assert.ok(time - times[at]! >= 1_200);
    await other.end();
    await turn.end();
    assert.equal(turn.world.clock.pending, 0);
  });

  it("waits as long as Discord asks", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.pass(1_000);
    turn.world.nextEdit = "limited";
    turn.grow("And ");
    await turn.pass(1_200);
    turn.world.nextEdit = "none";
    await turn.pass(4_900);
    assert.equal(turn.world.editedAt.length, 1);
    await turn.pass(100);
    assert.deepEqual(turn.contents(), [`${SENTENCE}And …`]);
  });

  it("stops growing after a refusal by Discord, and still ends correctly", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.pass(1_000);
    turn.world.nextEdit = "forbidden";
    turn.grow("And ");
    await turn.pass(60_000);
    assert.equal(turn.world.editedAt.length, 1);
    await turn.finish();
    assert.deepEqual(turn.world.seen(), withoutDrafts(compose(turn.text)));
  });

  it("does not rewrite a deleted draft", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.pass(1_000);
    turn.world.deleteAt(0);
    turn.grow(SENTENCE.repeat(2));
    await turn.pass(60_000);
    assert.equal(turn.world.editedAt.length, 1);
    await turn.finish();
    assert.deepEqual(turn.world.seen(), withoutDrafts(compose(turn.text)).slice(1));
  });

  it("deletes all drafts of a failed turn, and posts its notice", async () => {
    const turn = setUp();
    turn.grow(SENTENCE.repeat(2));
    await turn.pass(5_000);
    assert.equal(turn.contents().length, 2);
    await turn.finish(FAILURE);
    assert.deepEqual(turn.contents(), ["It failed."]);
  });

  it("deletes all drafts of a turn without an answer", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.pass(1_000);
    await turn.finish([]);
    assert.deepEqual(turn.contents(), []);
  });

  it("[R6] stops growing once the answer is too long, and ends as a file", async () => {
    const turn = setUp();
    turn.grow(SENTENCE.repeat(2));
    await turn.pass(5_000);
    const before = turn.contents();
    assert.equal(before.length, 2);
    turn.grow(SENTENCE.repeat(20));
    await turn.pass(60_000);
    assert.deepEqual(turn.contents(), before);
    await turn.finish();
    assert.deepEqual(turn.world.seen(), withoutDrafts(compose(turn.text)));
    assert.deepEqual(turn.world.seen()[0]?.files, ["answer.md"]);
  });

  it("[R3] posts the answer anew if a tag at its end makes it a reply", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.pass(1_000);
    turn.grow("[[reply_to_current]]");
    await turn.finish();
    assert.deepEqual(turn.world.seen(), withoutDrafts(compose(turn.text)));
    assert.equal(turn.world.seen()[0]?.quote, MESSAGE.id);
  });

  it("[R3] never shows an unfinished tag", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    for (const piece of ["Yes. [[", "reply", "_to_", "current", "]] no "]) {
      turn.grow(piece);
      await turn.pass(1_200);
      assert.doesNotMatch(turn.contents().join(), /\[\[/);
    }
  });

  it("[R10] never shows the beginning of a secret", async () => {
    const turn = setUp();
    turn.grow(`${SENTENCE}It is `);
    await turn.pass(1_000);
    for (const word of SECRET.split(" ")) {
      turn.grow(`${word} `);
      await turn.pass(2_400);
      assert.doesNotMatch(turn.contents().join(), /open|sesame/);
    }
    assert.match(turn.contents().join(" "), /It is \[redacted\]/);
  });

  it("[R10] shows no thinking of a model that has thought aloud before", async () => {
    const turn = setUp();
    turn.grow(`hm\n</think>\n${SENTENCE}`);
    await turn.finish([]);
    turn.restart();
    turn.grow(SENTENCE);
    await turn.pass(3_000);
    assert.equal(turn.contents().length, 1, "another process does not know it");

    turn.grow("\n</think>\n");
    await turn.finish([]);
    const next = turn.world.begin();
    const asked = turn.world.asked.length;
    next.grow(`I think, ${SENTENCE}`);
    await turn.pass(3_000);
    assert.equal(turn.world.asked.length, asked);
    await next.end();
  });

  it("ends only once no request is under way, so that the final text comes last", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.pass(1_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    turn.world.holdEdit = promise;
    turn.grow("And ");
    await turn.pass(1_200);
    let hasEnded = false;
    const ended = turn.end().then(() => hasEnded = true);
    await settle();
    assert.equal(hasEnded, false);
    resolve();
    await ended;
    await turn.finish();
    assert.deepEqual(turn.world.seen(), withoutDrafts(compose(turn.text)));
    assert.equal(turn.world.clock.pending, 0);
  });

  it("continues with the same draft after a crash", async () => {
    const turn = setUp();
    turn.grow(`${SENTENCE}Then`);
    await turn.pass(1_000);
    turn.restart();
    turn.grow(`A different answer, for models are like that. ${SENTENCE}`);
    await turn.pass(2_200);
    assert.deepEqual(turn.contents(), ["A different answer, for models are like that."]);
    await turn.finish();
    assert.deepEqual(turn.world.seen(), withoutDrafts(compose(turn.text)));
  });

  it("knows the text of a draft from before the crash that is posted only now", async () => {
    const turn = setUp();
    turn.grow(SENTENCE);
    await turn.wait(1_000); // the row is there, and its queue is blocked
    turn.restart();
    turn.grow("A different answer, for models are like that. ");
    await turn.wait(1_000);
    await turn.pass(1_100);
    assert.deepEqual(turn.contents(), [`${SENTENCE.trim()} …`]);
    await turn.pass(100);
    assert.deepEqual(turn.contents(), ["A different answer, for models are like that. …"]);
  });
});
