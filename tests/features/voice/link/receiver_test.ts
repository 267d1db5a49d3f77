import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SpeechDecoder } from "../../../../src/features/voice/thread.ts";
import { createReceiver } from "../../../../src/features/voice/receiver.ts";
import type { Dave } from "../../../../src/features/voice/dave.ts";
import type { Transport } from "../../../../src/features/voice/transport.ts";
import { rtpHeader } from "../../../../src/features/voice/transport.ts";
import { userId } from "../../../support/discord/builders.ts";

const [ADA, BEN] = [userId("101"), userId("102")];

const FRAME = () => new Int16Array(480);
const packetOf = (sequence: number, ssrc: number, ...content: number[]) =>
  Uint8Array.of(...rtpHeader({ sequence, timestamp: 0, ssrc }), ...content);

/** @param decoder Absent: there is none. */
function receiverOf(decoder?: Partial<SpeechDecoder>, frame = () => {}) {
  const whole = { decode: FRAME, decodePacketLoss: FRAME, free() {}, ...decoder };
  return createReceiver({
    opus: { takeDecoder: () => decoder && whole },
    rules: () => ({ pauseMs: 500, longestMs: 30_000 }),
    tell: ({ kind }) => kind === "frame" && frame(),
    onSound() {},
  });
}

/**
 * Plays a script on a receiver that hears Ada, whose number is 1; that of Ben is 2. A frame is the last
 * digit of its sender's id.
 *
 * @returns Whose frames were decoded, and the number of packets that were opened.
 */
function play(script: string) {
  const decoded: string[] = [];
  const opened: number[] = [];
  const receiver = receiverOf({
    decode(packet) {
      decoded.push(packet?.[0] === 1 ? "Ada" : "Ben");
      return FRAME();
    },
  });
  const transport = {
    open(packet, bytes) {
      opened.push(packet.at(-1) ?? 0);
      return packet.subarray(bytes);
    },
  } as Transport;
  // The group's keys: no one's frame opens with those of another person.
  const dave = {
    decrypt: (from, frame) => frame[0] === Number(from) - 100 ? frame : undefined,
  } as Dave;
  receiver.hear(new Map([[ADA, "pieces"]]));
  receiver.speaks(1, ADA);
  receiver.speaks(2, BEN);
  for (const [sequence, step] of script.split(", ").entries()) {
    const [does, ssrc, who] = step.split(" ");
    const from = who === "ben" ? 2 : 1;
    if (does === "deafen") receiver.hear(new Map());
    if (does === "leave") receiver.gone(ADA);
    if (does === "number") receiver.speaks(Number(ssrc), who === "ben" ? BEN : ADA);
    if (does === "sound") {
      receiver.packet(packetOf(sequence, Number(ssrc), from), transport, dave, 0);
    }
  }
  return [decoded.join(), opened.length] as const;
}

describe("[V2] createReceiver()", () => {
  const rows:
    readonly (readonly [what: string, script: string, decoded: string, opened: number])[] = [
      ["decodes a person who is heard", "sound 1 ada", "Ada", 1],
      ["leaves the sound of others encrypted", "sound 2 ben", "", 0],
      ["leaves unknown numbers encrypted", "sound 3 ben", "", 0],
      ["decodes no one behind the number of another", "number 2 ada, sound 2 ben", "", 1],
      [
        "knows one number of a person: an old one may be of others",
        "number 4 ada, sound 1 ben, sound 4 ada",
        "Ada",
        1,
      ],
      ["takes a number that goes to another person", "number 1 ben, sound 1 ben", "", 0],
      ["hears no one who has left", "leave, sound 1 ada", "", 0],
      ["stops in mid-speech", "sound 1 ada, deafen, sound 1 ada", "Ada", 1],
    ];
  for (const [what, script, decoded, opened] of rows) {
    it(what, () => assert.deepEqual(play(script), [decoded, opened]));
  }

  it("reads the frame after a lost one for both: a key opens no frame twice", () => {
    const read: string[] = [];
    const opened = new Set<Uint8Array>();
    const receiver = receiverOf({
      decode(packet, { decodeFec = false } = {}) {
        read.push(`${packet?.[0]}${decodeFec ? " for the one before" : ""}`);
        return FRAME();
      },
      decodePacketLoss() {
        read.push("lost");
        return FRAME();
      },
    });
    receiver.hear(new Map([[ADA, "frames"]]));
    receiver.speaks(1, ADA);
    const transport = { open: (packet, bytes) => packet.subarray(bytes) } as Transport;
    const dave = {
      decrypt: (_, frame) => opened.size < opened.add(frame).size ? frame : undefined,
    } as Dave;
    for (const sequence of [1, 4]) {
      receiver.packet(packetOf(sequence, 1, sequence, 0), transport, dave, 0);
    }
    receiver.tick(dave, 60);
    assert.deepEqual(read, ["1", "lost", "4 for the one before", "4"]);
  });

  it("[V9] passes on no more sound than a person can speak, as of replays", () => {
    let frames = 0;
    const receiver = receiverOf({}, () => frames++);
    receiver.hear(new Map([[ADA, "frames"]]));
    receiver.speaks(1, ADA);
    const transport = { seal: () => new Uint8Array(), open: () => new Uint8Array(9) };
    const dave = { decrypt: () => undefined } as unknown as Dave;
    for (let at = 0; at < 10_000; at++) {
      receiver.packet(packetOf(at % 200 + 5_000, 1), transport, dave, 1_000 + at);
      if (at % 20 === 0) receiver.tick(dave, 1_000 + at);
    }
    assert.ok(frames > 550 && frames < 605, `${frames}`);
  });

  it("[V9] decrypts at most 2,500 packets a second, and none of people who are not heard", () => {
    let opened = 0;
    const transport = { seal: () => new Uint8Array(), open: () => void opened++ };
    const receiver = receiverOf();
    receiver.hear(new Map([[ADA, "frames"]]));
    receiver.speaks(1, ADA);
    receiver.speaks(2, BEN);
    const flood = (ssrc: number, from: number) => {
      for (let at = 0; at < 10_000; at++) {
        receiver.packet(packetOf(at, ssrc), transport, {} as Dave, from + at / 20);
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
