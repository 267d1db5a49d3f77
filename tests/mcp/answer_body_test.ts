import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createFloodCheck,
  LOST_CODE,
  MAX_IN_SECOND,
  withAnswer,
} from "../../src/mcp/answer_body.ts";

/** A response that repeats a piece so often, or until its reader is gone. */
function streamOf(piece: string, times = Infinity): Response {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ >= times) return controller.close();
      controller.enqueue(new TextEncoder().encode(piece));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

describe("[X4] withAnswer()", () => {
  for (const [what, piece] of [["events", "data: {}\n\n"], ["comments", ": x\n\n"]] as const) {
    it(`ends a flood of ${what}, and says why`, async () => {
      const text = await withAnswer(streamOf(piece.repeat(100)), 7).text();
      assert.match(text, new RegExp(`"code":${LOST_CODE}.*more than 2000 events in a second`));
    });
  }

  it("passes as many events as a server may send", async () => {
    const text = await withAnswer(streamOf("data: {}\n\n", MAX_IN_SECOND), undefined).text();
    assert.equal(text, "data: {}\n\n".repeat(MAX_IN_SECOND));
  });
});

describe("[T6] withAnswer()", () => {
  for (const id of [undefined, 7]) {
    it(`continues ${id === undefined ? "a standing stream" : "an answer"} at its last event`, async () => {
      const asked: unknown[] = [];
      const text = await withAnswer(streamOf("id: a\nretry: 250\ndata:\n\n", 1), id, {
        resume: (lastEventId, ms) => {
          const body = asked.length === 0 ? streamOf("id: b\ndata: x\n\n", 1).body : undefined;
          asked.push([lastEventId, ms]);
          return Promise.resolve(body);
        },
      }).text();
      assert.deepEqual(asked, [["a", 250], ["b", 250]]);
      assert.match(text, /data: x/);
      assert.equal(text.includes(`${LOST_CODE}`), id !== undefined);
    });
  }

  it("tells that the server has other tools, also if a piece ends within the message", async () => {
    const message = 'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n';
    for (const text of [message, message.replaceAll("/", "\\/")]) {
      for (let at = 1; at < text.length; at++) {
        const pieces = [text.slice(0, at), text.slice(at)];
        const body = ReadableStream.from(pieces.map((piece) => new TextEncoder().encode(piece)));
        const headers = { "content-type": "text/event-stream" };
        let changes = 0;
        await withAnswer(new Response(body, { headers }), undefined, {
          onToolsChanged: () => changes++,
        }).text();
        assert.ok(changes > 0, `cut at ${at}`);
      }
    }
    let changes = 0;
    await withAnswer(streamOf("data: {}\n\n", 3), undefined, { onToolsChanged: () => changes++ })
      .text();
    assert.equal(changes, 0);
  });
});

describe("createFloodCheck()", () => {
  it("counts anew in each second", () => {
    let now = 5;
    const isFlood = createFloodCheck(() => now);
    assert.equal(isFlood(MAX_IN_SECOND), false);
    assert.equal(isFlood(1), true);
    now += 1_000;
    assert.equal(isFlood(MAX_IN_SECOND), false);
  });
});
