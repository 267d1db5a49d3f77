import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HistoryPort } from "../../../src/core/turn/ports/history.ts";
import { readChannelHistory } from "../../../src/tools/channel/read_channel_history.ts";
import { guildMessage, messageId, overheard } from "../../support/discord/builders.ts";
import { toolContext, UNUSED_PORTS } from "../../support/model/tools.ts";

const message = guildMessage();

/** Runs the tool, and returns its result with the ranges that it read. */
async function run(written: unknown, found: Awaited<ReturnType<HistoryPort["read"]>> = []) {
  const ranges: Parameters<HistoryPort["read"]>[] = [];
  const history: HistoryPort = {
    read(...range) {
      ranges.push(range);
      return Promise.resolve(found);
    },
  };
  const input = readChannelHistory.input.parse(written);
  const result = await readChannelHistory.run(
    input,
    toolContext({ message, ports: { ...UNUSED_PORTS, history } }),
  );
  return { result, ranges };
}

describe("[T6] read_channel_history", () => {
  it("reads the messages before the question, in its channel", async () => {
    const { ranges } = await run({});
    assert.deepEqual(ranges, [[message, { limit: 50, before: message.id }]]);
  });

  it("reads further back from a message", async () => {
    const { ranges } = await run({ limit: 3, before: "1390000000000000007" });
    assert.deepEqual(ranges[0]?.[1], { limit: 3, before: messageId("1390000000000000007") });
  });

  it("reads no message after the question", async () => {
    const { ranges } = await run({ before: "18446744073709551615" });
    assert.equal(ranges[0]?.[1].before, message.id);
  });

  it("returns one JSON object for each message, oldest first", async () => {
    const sentAt = Date.UTC(2026, 0, 1);
    const said = overheard({ text: "hi\n}", sentAt });
    const { result } = await run({}, [said]);
    assert.deepEqual(JSON.parse(result), {
      id: said.messageId,
      from: said.tag,
      from_id: said.authorId,
      at: "2026-01-01T00:00:00.000Z",
      text: "hi\n}",
    });
    const two = await run({}, [said, said]);
    assert.equal(two.result.split("\n").length, 2);
  });

  it("says if there is nothing to read", async () => {
    assert.match((await run({})).result, /no earlier messages/);
  });

  it("refuses an id that is none, and more than 100 messages", async () => {
    await assert.rejects(run({ before: "../roles" }), /must be the id of a message/);
    assert.equal(readChannelHistory.input.safeParse({ limit: 101 }).success, false);
  });
});
