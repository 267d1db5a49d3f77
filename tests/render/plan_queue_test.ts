import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Frozen, OutboundFile, OutboundMessage } from "../../src/core/outbound/outbound.ts";
import type { QueuePlan, Waiting } from "../../src/core/outbound/queue.ts";
import { createPlanQueue } from "../../src/render/plan_queue.ts";
import { freeze } from "../../src/render/freeze.ts";
import { guildId, messageId, outboundMessage, reply } from "../support/discord/builders.ts";

const OPTIONS: Parameters<typeof createPlanQueue>[0] = {
  rules: { strategy: "queue", maxQueueSize: 3 },
  maxFileBytes: 8_000_000,
};
const { plan } = createPlanQueue(OPTIONS);

/** The answer to a message, in so many parts. */
function answerOf(cause: number, text: string, parts = 1, fields = {}): readonly Frozen[] {
  const size = Math.ceil(text.length / parts);
  const chunks = Array.from({ length: parts }, (_, at) => text.slice(at * size, (at + 1) * size));
  return freeze(reply({ cause: messageId(String(cause)), text, chunks, ...fields }));
}

/** The same as rows that wait, whose ids go on from that of the first. */
function rows(first: number, frozen: readonly Frozen[]): readonly Waiting[] {
  return frozen.map(({ message, files, whole }, index) => ({
    id: first + index,
    message,
    fileCount: files.length,
    ...(whole !== undefined && { whole }),
  }));
}

function folded(made: QueuePlan) {
  assert.ok(made.kind === "fold", JSON.stringify(made));
  return made;
}

const textOf = ({ files }: Frozen) =>
  files.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
const FILE: OutboundFile = { name: "cat.png", bytes: new Uint8Array(3) };
const LINK = "https://discord.com/channels/@me/1400000000000000002";

describe("[D4] createPlanQueue() › a full queue", () => {
  it("loses no part of an answer that an older Barnacle froze without its full text", () => {
    const waiting = rows(1, answerOf(10, "one two three", 3)).map(({ whole: _, ...row }) => row);
    const { into, rows: taken } = folded(plan(waiting, answerOf(12, "four")));
    assert.deepEqual(taken, [1, 2, 3]);
    for (const { message: { content } } of waiting) {
      assert.ok(textOf(into).includes(content.trim()), content);
    }
  });

  it("merges the newest waiting answer with the new one", () => {
    const waiting = [...rows(1, answerOf(10, "one")), ...rows(2, answerOf(11, "two"))];
    const { into, rows: taken, answers } = folded(plan(waiting, answerOf(12, "three")));
    assert.deepEqual([taken, answers], [[2], 2]);
    assert.equal(
      into.message.content,
      "2 of my answers had to wait. You can read all of them in `answers.md`.",
    );
    assert.equal(
      textOf(into),
      `<!-- 2 answers -->\n\n## Answer to ${LINK}/11\n\ntwo\n\n## Answer to ${LINK}/12\n\nthree\n`,
    );
    assert.equal(into.whole, textOf(into));
  });

  it("[D2] replies to the newest answer, and names no other author", () => {
    const { into } = folded(plan(rows(1, answerOf(11, "two")), answerOf(12, "three")));
    assert.deepEqual(into.message.of, {
      cause: "12",
      revision: 0,
      agentId: "main",
      kind: "folded",
      part: 0,
      parts: 1,
    });
    const [own] = answerOf(12, "three");
    assert.notEqual(into.message.nonce, own?.message.nonce);
    assert.deepEqual(into.message.pings, { users: [], roles: [], quotedAuthor: false });
  });

  it("takes all parts of an answer", () => {
    const waiting = [
      ...rows(1, answerOf(10, "one")),
      ...rows(2, answerOf(11, "two and a half", 3)),
    ];
    const { into, rows: taken } = folded(plan(waiting, answerOf(12, "three is long", 2)));
    assert.deepEqual(taken, [2, 3, 4]);
    assert.match(textOf(into), /\n\ntwo and a half\n\n## .*12\n\nthree is long\n$/);
  });

  it("folds a folded answer again: all its answers, and no heading twice", () => {
    const first = folded(plan(rows(1, answerOf(11, "two")), answerOf(12, "three")));
    const second = folded(plan(rows(2, [first.into]), answerOf(13, "four")));
    const third = folded(plan(rows(3, [second.into]), answerOf(14, "five", 2)));
    assert.deepEqual([second.answers, third.answers, third.rows], [3, 4, [3]]);
    assert.deepEqual(
      Array.from(textOf(third.into).matchAll(/\/(\d+)\n\n(\w+)/g), ([, id, text]) => [id, text]),
      [["11", "two"], ["12", "three"], ["13", "four"], ["14", "five"]],
    );
    assert.match(third.into.message.content, /^4 of my answers/);
    assert.equal(textOf(third.into).match(/<!--/g)?.length, 1);
  });

  it("folds an answer that is a file already because of its length", () => {
    const [beginning] = answerOf(11, "the beginning");
    assert.ok(beginning);
    const long: Frozen = { ...beginning, whole: "all of it", files: [FILE] };
    const { into } = folded(plan(rows(1, [long]), answerOf(12, "three")));
    assert.match(textOf(into), /11\n\nall of it\n/);
    assert.ok(!textOf(into).includes("the beginning"));
  });

  it("folds an answer of several parts alone if nothing else can be folded", () => {
    const { into, rows: taken, answers } = folded(plan([], answerOf(12, "three is long", 4)));
    assert.deepEqual([taken, answers], [[], 1]);
    assert.match(textOf(into), /^<!-- 1 answer -->/);
  });

  it("links into the guild", () => {
    const guild = { guildId: guildId("1400000000000000010") };
    const { into } = folded(plan([], answerOf(12, "three is long", 2, guild)));
    assert.equal(into.message.guildId, guild.guildId);
    assert.match(textOf(into), /channels\/1400000000000000010\/1400000000000000002\/12\n/);
  });

  it("folds a message that answers no one, under no heading", () => {
    const notice: OutboundMessage = outboundMessage({ content: "a word of the owner's" });
    const waiting: readonly Waiting[] = [{ id: 1, message: notice, fileCount: 0 }];
    const { into } = folded(plan(waiting, answerOf(12, "three")));
    assert.match(textOf(into), /^<!-- 2 answers -->\n\n---\n\na word of the owner's\n\n## /);
  });

  it("[R12] creates several files if one is too small", () => {
    const small = createPlanQueue({ ...OPTIONS, maxFileBytes: 1_000 });
    const long = "words and words\n".repeat(100);
    const { into } = folded(small.plan(rows(1, answerOf(11, long)), answerOf(12, long)));
    assert.deepEqual(into.files.map(({ name }) => name), [
      "answers-1.md",
      "answers-2.md",
      "answers-3.md",
      "answers-4.md",
    ]);
    assert.ok(into.files.every(({ bytes }) => bytes.length <= 1_000));
    assert.equal(textOf(into), into.whole);
    assert.match(into.message.content, /`answers-1\.md`/);
    const again = folded(small.plan(rows(2, [into]), answerOf(13, "four")));
    assert.equal(again.answers, 3);
  });
});

describe("[D4] createPlanQueue() › messages that it never folds", () => {
  const [, ...tail] = answerOf(11, "two and a half", 3);
  const kept: readonly [name: string, waiting: readonly Waiting[]][] = [
    ["an answer of which a part is sent", rows(1, tail)],
    ["one with a file of its own", rows(1, answerOf(11, "two", 1, { files: [FILE] }))],
    ["several parts with a file", rows(1, answerOf(11, "two", 2, { files: [FILE] }))],
    ["a pairing code", rows(1, answerOf(11, "two", 1, { kind: "challenge" }))],
    ["a draft", rows(1, answerOf(11, "two", 1, { kind: "draft" }))],
  ];
  for (const [name, waiting] of kept) {
    it(`${name}: drops the new answer, with the reason on record`, () => {
      const made = plan(waiting, answerOf(12, "three"));
      assert.ok(made.kind === "drop");
      assert.match(made.reason, /^3 messages of its channel wait already, and none of them/);
    });

    it(`${name}: folds the new answer alone if that saves messages`, () => {
      assert.deepEqual(folded(plan(waiting, answerOf(12, "three is long", 2))).rows, []);
    });
  }

  it("drops a new answer with a file", () => {
    const made = plan(rows(1, answerOf(11, "two")), answerOf(12, "three", 1, { files: [FILE] }));
    assert.ok(made.kind === "drop");
    assert.match(made.reason, /files cannot be folded/);
  });

  it("[R12a] drops a new answer in a place that takes no files", () => {
    const made = createPlanQueue({ ...OPTIONS, takesFiles: () => false })
      .plan(rows(1, answerOf(11, "two")), answerOf(12, "three"));
    assert.ok(made.kind === "drop");
    assert.match(made.reason, /the bot may not attach files there/);
  });

  it("drops an answer that does not fit into files", () => {
    for (const [maxFileBytes, long] of [[0, "three"], [1_000, "x".repeat(11_000)]] as const) {
      const made = createPlanQueue({ ...OPTIONS, maxFileBytes })
        .plan(rows(1, answerOf(11, "two")), answerOf(12, long));
      assert.ok(made.kind === "drop");
      assert.match(made.reason, /do not fit into files/);
    }
  });

  it("drops every new answer if the strategy is drop", () => {
    const rules = { strategy: "drop", maxQueueSize: 3 } as const;
    const dropping = createPlanQueue({ ...OPTIONS, rules });
    assert.equal(dropping.maxQueueSize, 3);
    assert.deepEqual(dropping.plan(rows(1, answerOf(11, "two")), answerOf(12, "three", 2)), {
      kind: "drop",
      reason: "3 messages of its channel wait already",
    });
  });
});

describe("[D4] createPlanQueue() › over time", () => {
  it("loses no word, keeps the order, and keeps the queue's limit", () => {
    const arrivals = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 6 }), (sizes, maxQueueSize) => {
        const queue = createPlanQueue({ ...OPTIONS, rules: { strategy: "queue", maxQueueSize } });
        let waiting: readonly Waiting[] = [];
        let id = 0;
        for (const [index, parts] of sizes.entries()) {
          const incoming = answerOf(100 + index, `<${index}> ${"words ".repeat(parts)}`, parts);
          let added = incoming;
          if (waiting.length + incoming.length > maxQueueSize) {
            const made = folded(queue.plan(waiting, incoming));
            const gone = new Set(made.rows);
            waiting = waiting.filter((row) => !gone.has(row.id));
            added = [made.into];
          }
          waiting = [...waiting, ...rows(id, added)];
          id += added.length;
          assert.ok(waiting.length <= maxQueueSize);
          const all = waiting.filter(({ message: { of } }) => !of || of.part === 0)
            .map(({ message, whole }) => whole ?? message.content).join("\n");
          assert.deepEqual(
            Array.from(all.matchAll(/<(\d+)> /g), ([, at]) => Number(at)),
            Array.from({ length: index + 1 }, (_, at) => at),
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});
