import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, it } from "node:test";
import { createReceiver } from "../../../../src/extras/voice/link/receiver.ts";
import { openLink } from "../../../../src/extras/voice/link/link.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const TARGET = {
  url: "ws://x",
  guildId: "1",
  userId: "2",
  channelId: "3",
  sessionId: "s",
  token: "t",
};

/** A connection to a server that accepts each WebSocket, and sends what the test tells. */
function linkOf() {
  const clock = new FakeClock(0);
  const opened: number[] = [];
  const sockets: WebSocket[] = [];
  const ends: string[] = [];
  const receiver = createReceiver({
    opus: { takeDecoder: () => undefined },
    rules: () => ({ pauseMs: 500, longestMs: 30_000 }),
    events: { speechBegan: () => {}, piece: () => {}, frame: () => {} },
    onSound: () => {},
  });
  openLink(TARGET, {
    now: clock.now,
    after: clock.schedule,
    random: () => 0.1,
    openWebSocket() {
      const socket = {
        readyState: WebSocket.OPEN,
        close: () => {},
        send: () => {},
      } as unknown as WebSocket;
      opened.push(clock.now());
      sockets.push(socket);
      clock.schedule(() => socket.onopen?.(new Event("open")), 0);
      return socket;
    },
    openUdp: () => createSocket("udp4"),
    createSession: () => {
      throw new Error("no group is begun here");
    },
  }, {
    opus: { encode: () => new Uint8Array() },
    receiver,
    events: { ready: () => {}, ended: (end) => ends.push(end) },
  });
  const tell = (data: string | ArrayBuffer) =>
    sockets.at(-1)?.onmessage?.(new MessageEvent("message", { data }));
  return { clock, opened, ends, tell };
}

describe("[V9] openLink()", () => {
  it("gives up a silent server after each step's ten seconds, and waits no longer than planned", () => {
    const { clock, opened, ends } = linkOf();
    clock.advance(100_000);
    assert.deepEqual(opened, [0, 10_000, 20_500, 31_500, 43_500, 57_500]);
    assert.deepEqual(ends, ["refresh"]);
  });

  it("reads no message of more than a million characters or bytes, and asks for another server", () => {
    for (const long of [" ".repeat(1_000_001), new ArrayBuffer(1_000_001)]) {
      const { clock, opened, ends, tell } = linkOf();
      clock.advance(10);
      tell(JSON.stringify({ op: 99, d: "a".repeat(999_000) }));
      assert.deepEqual(ends, []);
      tell(long);
      clock.advance(100_000);
      assert.deepEqual([opened, ends], [[0], ["refresh"]]);
    }
  });
});
