import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { runExtractJob } from "../../src/extract/serve.ts";
import { waveformOf } from "../../src/extract/voice.ts";
import { oggOpus, wav } from "../support/files/samples.ts";

describe("[R16] measureVoice()", () => {
  it("measures length and loudness of Opus in Ogg", async () => {
    assert.deepEqual(await runExtractJob({ kind: "voice", bytes: oggOpus(3) }), {
      durationSec: 3,
      waveform: Buffer.alloc(30).toString("base64"),
    });
  });

  it("[H10] agrees with the length that transcription checks", async () => {
    const facts = await runExtractJob({ kind: "audio", bytes: oggOpus(3), mediaType: "audio/ogg" });
    assert.ok("durationSec" in facts && facts.durationSec !== undefined);
    assert.ok(Math.abs(facts.durationSec - 3) < 0.1);
  });

  it("refuses another sound", async () => {
    await assert.rejects(Promise.resolve(runExtractJob({ kind: "voice", bytes: wav(1) })));
  });
});

describe("[R16] waveformOf()", () => {
  it("has the loudest sample of each tenth of a second, relative to the loudest of all", () => {
    const samples = new Float32Array(400);
    samples.set([0.1], 50);
    samples.set([-0.4], 150);
    assert.equal(waveformOf(samples, 0.4), Buffer.from([64, 255, 0, 0]).toString("base64"));
  });

  it("has at most 256 slices, and none for less than a slice of silence", () => {
    assert.equal(Buffer.from(waveformOf(new Float32Array(48_000), 600), "base64").length, 256);
    assert.equal(waveformOf(new Float32Array(1), 0.001), "AA==");
  });
});
