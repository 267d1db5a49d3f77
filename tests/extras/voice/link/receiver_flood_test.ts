import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Dave } from "../../../../src/extras/voice/link/dave.ts";
import { createReceiver } from "../../../../src/extras/voice/link/receiver.ts";
import { rtpHeader } from "../../../../src/extras/voice/link/wire/rtp.ts";
import { userId } from "../../../support/discord/builders.ts";

const ANNA = userId("11");
const BEN = userId("12");

describe("[V9] createReceiver()", () => {
  it("passes on no more sound than a person can speak, as of replays", () => {
    let frames = 0;
    const decoder = {
      decode: () => new Int16Array(480),
      decodePacketLoss: () => new Int16Array(480),
      free: () => {},
    };
    const receiver = createReceiver({
      opus: { takeDecoder: () => decoder },
      rules: () => ({ pauseMs: 500, longestMs: 30_000 }),
      events: { speechBegan: () => {}, piece: () => {}, frame: () => frames++ },
      onSound: () => {},
    });
    receiver.hear(new Map([[ANNA, "frames"]]));
    receiver.speaks(1, ANNA);
    const transport = { seal: () => new Uint8Array(), open: () => new Uint8Array(9) };
    const dave = { decrypt: () => undefined } as unknown as Dave;
    for (let at = 0; at < 10_000; at++) {
      const packet = rtpHeader({ sequence: at % 200 + 5_000, timestamp: 0, ssrc: 1 });
      receiver.packet(packet, transport, dave, 1_000 + at);
      if (at % 20 === 0) receiver.tick(dave, 1_000 + at);
    }
    assert.ok(frames > 550 && frames < 605, `${frames}`);
  });

  it("decrypts at most 2,500 packets a second, and none of people who are not heard", () => {
    let opened = 0;
    const transport = { seal: () => new Uint8Array(), open: () => void opened++ };
    const receiver = createReceiver({
      opus: { takeDecoder: () => undefined },
      rules: () => ({ pauseMs: 500, longestMs: 30_000 }),
      events: { speechBegan: () => {}, piece: () => {}, frame: () => {} },
      onSound: () => {},
    });
    receiver.hear(new Map([[ANNA, "frames"]]));
    receiver.speaks(1, ANNA);
    receiver.speaks(2, BEN);
    const flood = (ssrc: number, from: number) => {
      for (let at = 0; at < 10_000; at++) {
        const packet = rtpHeader({ sequence: at, timestamp: 0, ssrc });
        receiver.packet(packet, transport, {} as Dave, from + at / 20);
      }
      return opened;
    };
    assert.equal(flood(2, 1_000), 0);
    assert.equal(flood(3, 1_000), 0);
    assert.equal(flood(1, 1_000), 2_500);
    assert.equal(flood(1, 2_000), 5_000);
    for (let id = 100; id < 10_100; id++) receiver.speaks(id, userId(`${id}`));
    receiver.hear(new Map([[userId("20001"), "frames"]]));
    receiver.speaks(20_001, userId("20001")); // the server named more people than there can be
    assert.equal(flood(20_001, 3_000), 5_000);
  });
});
