import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explain } from "../../../src/cli/intent/explain.ts";
import { recordingIo } from "../io.ts";

describe("barnacle intent explain", () => {
  const scores = (text: string, flags: { after?: string; other?: boolean; pause?: number }) => {
    const io = recordingIo();
    explain({ json: true, pause: 15, other: false, ...flags }, text, io);
    return JSON.parse(io.stdout[0] ?? "");
  };

  it("[I1] scores an answer to the bot's question far above a stranger's remark", () => {
    const after = "Do you want the short or the long one?";
    assert.ok(scores("short", { after }).directed > 0.9);
    assert.ok(scores("nice weather today", { after, other: true }).directed < 0.5);
    assert.ok(
      scores("short", { after, pause: 7_200 }).directed < scores("short", { after }).directed,
    );
  });

  it("[I1] prints three scores and five reasons", () => {
    const io = recordingIo();
    explain({ json: false, pause: 15, other: false }, "does anyone know a good editor?", io);
    assert.equal(io.stdout.length, 8);
    assert.match(io.stdout[0] ?? "", /^for the bot {12}0\.\d\d$/);
    assert.ok(io.stdout.some((line) => /^ {2}[+−]\d\.\d\d {2}\w/.test(line)));
  });
});
