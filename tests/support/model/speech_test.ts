import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { skipUnless } from "../skip.ts";
import { espeak, hasEspeak, noise } from "../voice/recordings.ts";
import { RATE, readSound, speakText } from "../voice/tone_code.ts";

describe("[V5] sound of tests", () => {
  it("carries its text through noise, cuts and pauses", () => {
    const text = "Ahoy, Ünal! 🦐 aaa";
    const words = speakText(text);
    const pcm = new Int16Array(words.length + 30_000);
    pcm.set(words, 8_000);
    assert.equal(readSound(pcm), text);
    const hiss = noise(pcm.length / 24, 600);
    assert.equal(readSound(pcm.map((sample, at) => sample + (hiss[at] ?? 0))), text);
    assert.equal(readSound(noise(3_000, 3_000)), "");
    assert.equal(readSound(speakText("whole").subarray(0, RATE * 0.2)), "who");
  });

  it("is no text in espeak's voice", skipUnless(hasEspeak, "espeak-ng is missing"), () => {
    const pcm = espeak("Is the tide high at noon?");
    assert.ok(pcm.length > RATE);
    assert.equal(readSound(pcm), "");
  });
});
