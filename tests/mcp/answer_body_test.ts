import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFloodCheck, LOST_CODE, MAX_IN_SECOND, withAnswer } from "../../src/mcp/reading.ts";

const ASKED = { id: 7, method: "tools/call" };

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
      const text = await (await withAnswer(streamOf(piece.repeat(100)), ASKED)).text();
      assert.match(text, new RegExp(`"code":${LOST_CODE}.*more than 2000 events in a second`));
    });
  }

  it("passes as many events as a server may send", async () => {
    const event = 'data: {"jsonrpc":"2.0","method":"a"}\n\n';
    const text = await (await withAnswer(streamOf(event, MAX_IN_SECOND), undefined)).text();
    assert.equal(text, event.repeat(MAX_IN_SECOND));
  });
});

describe("[T6] withAnswer()", () => {
  for (const asked of [undefined, ASKED]) {
    it(`continues ${asked === undefined ? "a standing stream" : "an answer"} at its last event`, async () => {
      const resumed: unknown[] = [];
      const stream = streamOf("id: a\nretry: 250\ndata:\n\n", 1);
      const response = await withAnswer(stream, asked, undefined, (lastEventId, ms) => {
        const next = 'id: b\ndata: {"method":"x"}\n\n';
        const body = resumed.length === 0 ? streamOf(next, 1).body : undefined;
        resumed.push([lastEventId, ms]);
        return Promise.resolve(body);
      });
      const text = await response.text();
      assert.deepEqual(resumed, [["a", 250], ["b", 250]]);
      assert.match(text, /"method":"x"/);
      assert.equal(text.includes(`${LOST_CODE}`), asked !== undefined);
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
        const response = await withAnswer(
          new Response(body, { headers }),
          undefined,
          () => changes++,
        );
        await response.text();
        assert.equal(changes, 1, `cut at ${at}`);
      }
    }
  });
});

it("createFloodCheck() › counts anew in each second", () => {
  let now = 5;
  const isFlood = createFloodCheck(() => now);
  assert.equal(isFlood(MAX_IN_SECOND), false);
  assert.equal(isFlood(1), true);
  now += 1_000;
  assert.equal(isFlood(MAX_IN_SECOND), false);
});
