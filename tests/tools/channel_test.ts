import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageId } from "../../src/core/discord/ids.ts";
import type { ShownMessage } from "../../src/core/turn/ports/discord.ts";
import type { EarlierRange, HistoryPort } from "../../src/core/turn/ports/history.ts";
import { readChannelHistory } from "../../src/tools/channel.ts";
import { channelId, guildMessage, messageId } from "../support/discord/builders.ts";
import { toolContext, UNUSED_PORTS } from "../support/model/tools.ts";
import { sameData } from "../support/same_data.ts";

const message = guildMessage();
const FIRST = messageId("1390000000000000001");
const LAST = messageId("1390000000000000002");

const said = (text: string, id = FIRST): ShownMessage => ({
  id,
  from: "ada",
  fromId: "987654321098765001",
  text,
  timestamp: "2026-01-01T00:00:00+00:00",
  timestampMs: Date.UTC(2026, 0, 1),
});

const summary = { text: `Noon. [${FIRST}]`, messages: 2, first: FIRST, last: LAST, missing: 0 };

/** Runs the tool, and returns its result with the ranges that it read. */
async function run(
  written: unknown,
  found: readonly ShownMessage[] = [],
  summarise: HistoryPort["summarise"] = () => Promise.reject(new Error("no summary is due")),
) {
  const ranges: EarlierRange[] = [];
  const noted: MessageId[] = [];
  const history: HistoryPort = {
    read(_call, range) {
      ranges.push(range);
      return Promise.resolve(found);
    },
    summarise,
  };
  const input = readChannelHistory.input.parse(written);
  const result = await readChannelHistory.run(
    input,
    toolContext({
      message,
      ports: { ...UNUSED_PORTS, history },
      noteRead: (ids) => noted.push(...ids),
    }),
  );
  return { result, ranges, noted };
}

/** Three messages, which do not fit into a result together. */
const LONG = [said("a".repeat(3_000)), said("b".repeat(3_000)), said("c".repeat(3_000), LAST)];

describe("[T6] read_channel_history", () => {
  it("reads the newest messages of its channel by default", async () => {
    sameData((await run({})).ranges, [{ limit: 50 }]);
  });

  it("reads another channel, further back, from a time on", async () => {
    const { ranges } = await run({
      channelId: "<#1390000000000000009>",
      limit: 300,
      before: "1390000000000000007",
      since: "2026-01-02T03:00:00Z",
    });
    assert.deepEqual(ranges, [{
      limit: 300,
      channelId: channelId("1390000000000000009"),
      before: messageId("1390000000000000007"),
      sinceMs: Date.UTC(2026, 0, 2, 3),
    }]);
  });

  it("returns one JSON object for each message, oldest first", async () => {
    const { result } = await run({}, [said("hi\n}")]);
    assert.deepEqual(JSON.parse(result), {
      id: FIRST,
      from: "ada",
      from_id: "987654321098765001",
      at: "2026-01-01T00:00:00.000Z",
      text: "hi\n}",
    });
    assert.equal((await run({}, [said("one"), said("two")])).result.split("\n").length, 2);
  });

  it("says if there is nothing to read", async () => {
    assert.match((await run({})).result, /no earlier messages/);
  });

  it("summarises messages that do not fit into a result, and names the range", async () => {
    const questions: (string | undefined)[] = [];
    const { result, noted } = await run(
      { question: "When?" },
      LONG,
      (_call, messages, question) => {
        assert.equal(messages.length, 3);
        questions.push(question);
        return Promise.resolve({ ...summary, missing: 1 });
      },
    );
    assert.deepEqual(questions, ["When?"]);
    assert.deepEqual(noted, LONG.map(({ id }) => id), "[H6a] all that the summary comes from");
    assert.match(result, new RegExp(`^\\[summary of 2 messages, from ${FIRST} to ${LAST}`));
    assert.match(result, /1 messages between them are missing/);
    assert.match(result, new RegExp(`\\nNoon\\. \\[${FIRST}\\]$`));
  });

  it("names the number of older messages that a summary leaves out", async () => {
    const { result } = await run({}, LONG, () => Promise.resolve(summary));
    assert.match(result, /1 older messages are left out: use `before`/);
  });

  it("summarises a short history if the model asks for that", async () => {
    const { result } = await run({ mode: "summary" }, [said("x")], () => Promise.resolve(summary));
    assert.match(result, /^\[summary of/);
  });

  it("shows the newest messages without a summary, and how to read on", async () => {
    const none = () => Promise.reject(new Error("today's budget is used up"));
    for (const [written, note] of [[{ mode: "raw" }, ""], [{}, "[no summary: today's budget"]]) {
      const { result } = await run(written, LONG, none);
      assert.ok(result.startsWith(String(note)));
      assert.match(result, /1 older messages do not fit here: .* `before` set to 139/);
      assert.match(result, /ccc/);
      assert.doesNotMatch(result, /aaa/);
      assert.ok(result.length < 8_000, "the turn would cut it");
    }
    await assert.rejects(run({ mode: "summary" }, LONG, none), /no summary: today's budget/);
  });

  it("shows the newest message, however long it is", async () => {
    const { result } = await run({ mode: "raw" }, [said("x"), said("\n".repeat(4_000), LAST)]);
    assert.match(result, new RegExp(LAST));
  });

  it("refuses an id or a time that is none, and more than 500 messages", async () => {
    await assert.rejects(run({ before: "../roles" }), /must be the id of a message/);
    await assert.rejects(run({ since: "yesterday" }), /must be a date or a time/);
    assert.equal(readChannelHistory.input.safeParse({ limit: 501 }).success, false);
  });
});
