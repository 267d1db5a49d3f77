import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  chooseMode,
  contentOf,
  createTransport,
  discovered,
  discoveryRequest,
  readRtp,
  rtpHeader,
  type TransportMode,
} from "../../../../src/features/voice/transport.ts";
import { createReorder, type Ordered } from "../../../../src/features/voice/receiver.ts";
import { cases } from "../../../support/long_form.ts";

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");
const toHex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");

describe("[V9] readRtp()", () => {
  const rows:
    readonly (readonly [what: string, packet: string, bytes?: number, extension?: number])[] = [
      ["a plain packet", "8078 0001 00000002 00000003 aa", 12, 0],
      ["a marked one", "80f8 0001 00000002 00000003 aa", 12, 0],
      ["two contributors", "8278 0001 00000002 00000003 00000004 00000005 aa", 20, 0],
      ["an extension of two words", "9078 0001 00000002 00000003 bede0002 aa", 16, 8],
      ["padding", "a078 0001 00000002 00000003 aa", 12, 0],
      ["a video's type", "8067 0001 00000002 00000003 aa"],
      ["RTCP", "81c9 0007 00000002 00000003 aa"],
      ["another version", "4078 0001 00000002 00000003 aa"],
      ["a cut header", "8078 0001 00000002 000000"],
      ["a cut extension", "9078 0001 00000002 00000003 be"],
      ["nothing", ""],
    ];
  for (const [what, packet, bytes, extensionBytes] of rows) {
    it(`reads ${what}`, () => {
      const read = readRtp(hex(packet));
      assert.deepEqual([read?.bytes, read?.extensionBytes], [bytes, extensionBytes]);
    });
  }

  it("reads what rtpHeader() writes", () =>
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        fc.nat(0xffffffff),
        fc.nat(0xffffffff),
        (sequence, timestamp, ssrc) => {
          const read = readRtp(rtpHeader({ sequence, timestamp, ssrc }));
          assert.deepEqual([read?.sequence, read?.ssrc, read?.bytes], [sequence, ssrc, 12]);
        },
      ),
    ));

  it("removes extension and padding, and refuses lies about them", () => {
    const of = (extensionBytes: number, isPadded: boolean, plain: string) =>
      toHex(contentOf({ extensionBytes, isPadded }, hex(plain)));
    assert.equal(of(0, false, "aabb"), "aabb");
    assert.equal(of(4, false, "01020304aabb"), "aabb");
    assert.equal(of(4, true, "01020304aabb000003"), "aabb");
    assert.equal(of(4, true, "0102030400000002"), "0000");
    for (
      const [extension, isPadded, plain] of [[8, false, "0102"], [0, true, "aa00"], [
        0,
        true,
        "aa09",
      ]] as const
    ) {
      assert.equal(of(extension, isPadded, plain), undefined);
    }
  });
});

describe("[V9] createTransport()", () => {
  const key = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
  const header = hex("8078 0102 00000304 00000506");
  // Made with OpenSSL and libsodium, with a nonce of the counter and zeros.
  const vectors: readonly (readonly [TransportMode, string])[] = [
    [
      "aead_aes256_gcm_rtpsize",
      "8078010200000304000005064e25a82e5056f386bbf119dae8b8bcd69d04f65f01020304",
    ],
    [
      "aead_xchacha20_poly1305_rtpsize",
      "8078010200000304000005061918653f9e103a49b78f12a956dedd3b6eee288301020304",
    ],
  ];
  for (const [mode, packet] of vectors) {
    it(`seals as another implementation does, ${mode}`, () => {
      const sealed = createTransport(mode, key, 0x01020304).seal(header, Buffer.from("opus"));
      assert.equal(toHex(sealed), packet);
    });

    it(`opens its packets, and none that was changed, ${mode}`, () =>
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(7), (plain, at, bit) => {
          const packet = createTransport(mode, key, 0xffffffff).seal(header, plain);
          assert.deepEqual(toHex(createTransport(mode, key).open(packet, 12)), toHex(plain));
          const changed = Buffer.from(packet);
          const place = at % changed.length;
          changed[place] = (changed[place] ?? 0) ^ (1 << bit);
          assert.equal(createTransport(mode, key).open(changed, 12), undefined);
          assert.equal(createTransport(mode, key).open(packet.subarray(0, 30), 12), undefined);
        }),
        { numRuns: cases(60, 2_000) },
      ));
  }

  it("prefers AES, and takes no mode that it does not know", () => {
    const [aes, xchacha] = vectors.map(([mode]) => String(mode)) as [string, string];
    const offers = [[xchacha, "x", aes], [xchacha], ["xsalsa20_poly1305"]];
    assert.deepEqual(offers.map(chooseMode), [aes, xchacha, undefined]);
  });
});

describe("[V9] discovered()", () => {
  const answer = Buffer.concat([
    hex("0002 0046 00000539"),
    Buffer.from("203.0.113.7".padEnd(64, "\0")),
    hex("c001"),
  ]);
  it("reads the address of the answer to its request", () => {
    assert.equal(toHex(discoveryRequest(1337)), `0001004600000539${"00".repeat(66)}`);
    assert.deepEqual(discovered(answer, 1337), { address: "203.0.113.7", port: 49153 });
  });
  it("reads nothing else", () => {
    assert.equal(discovered(answer, 1), undefined);
    assert.equal(discovered(discoveryRequest(1337), 1337), undefined);
    assert.equal(discovered(answer.subarray(1), 1337), undefined);
  });
});

describe("[V9] createReorder()", () => {
  const short = (out: readonly Ordered[]) =>
    out.map((item) => item.kind === "packet" ? item.content[0] : item.next ? "fec" : "lost");
  const play = (...pushes: readonly (readonly [sequence: number, at: number])[]) => {
    const reorder = createReorder();
    return pushes.flatMap(([sequence, at]) =>
      sequence < 0
        ? short(reorder.tick(at))
        : short(reorder.push(sequence, Uint8Array.of(sequence & 255), at))
    );
  };
  const TICK = -1;
  const rows:
    readonly (readonly [what: string, pushes: (readonly [number, number])[], out: unknown[]])[] = [
      ["passes on packets in order", [[1, 0], [2, 20]], [1, 2]],
      ["waits for one that is late", [[1, 0], [3, 20], [TICK, 60], [2, 70], [4, 75]], [1, 2, 3, 4]],
      ["gives up after 60 ms", [[1, 0], [3, 20], [TICK, 80], [2, 90]], [1, "fec", 3]],
      ["conceals several", [[1, 0], [4, 20], [TICK, 80]], [1, "lost", "fec", 4]],
      ["takes a long gap as silence", [[1, 0], [40, 20], [TICK, 80]], [1, 40]],
      ["drops copies, read or waiting", [[1, 0], [1, 1], [3, 2], [3, 3], [2, 4], [2, 5]], [
        1,
        2,
        3,
      ]],
      ["goes on after 65535", [[65_534, 0], [65_535, 20], [0, 40], [1, 60]], [254, 255, 0, 1]],
      ["drops one from far away", [[1, 0], [30_000, 20], [2, 40]], [1, 2]],
      ["follows a stream that begins anew", [[1, 0], [30_000, 20], [30_001, 40], [30_002, 60]], [
        1,
        49,
        50,
      ]],
    ];
  for (const [what, pushes, out] of rows) {
    it(what, () => assert.deepEqual(play(...pushes), out));
  }

  it("passes on each packet once and in order", () =>
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        fc.array(fc.tuple(fc.integer({ min: -3, max: 8 }), fc.nat(100)), { maxLength: 200 }),
        (start, steps) => {
          const reorder = createReorder();
          let at = 0;
          let newest = 0;
          const out: number[] = [];
          for (const [ahead, ms] of steps) {
            at += ms;
            newest = Math.max(newest, newest + ahead);
            const number = Math.max(0, newest + Math.min(0, ahead));
            const items = [
              ...reorder.push(
                (start + number) & 0xffff,
                Uint8Array.of(number >> 8, number & 255),
                at,
              ),
              ...reorder.tick(at),
            ];
            for (const item of items) {
              if (item.kind === "packet") {
                out.push((item.content[0] ?? 0) << 8 | (item.content[1] ?? 0));
              }
            }
          }
          assert.deepEqual(out, [...new Set(out)].sort((a, b) => a - b));
        },
      ),
      { numRuns: cases(200, 5_000) },
    ));
});
