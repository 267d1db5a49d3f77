import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Scene } from "../../../../src/extras/demo/scenes/scene.ts";
import { playScript, SCENES, type ScriptOptions } from "../../../../src/extras/demo/scenes/play.ts";
import { recordingIo } from "../../../cli/io.ts";

/** Real bots start here, on a machine that may be busy. */
const LIMIT = { timeout: 300_000 };
const SCENE_MS = 140_000;

const good: Scene = {
  name: "goes well",
  play({ assert }) {
    assert("it is so", true);
    return Promise.resolve();
  },
};
const bad: Scene = { name: "goes wrong", play: () => Promise.reject(new Error("of course")) };

async function run(options: Partial<ScriptOptions>) {
  const io = recordingIo();
  const code = await playScript({ json: false, timeoutMs: SCENE_MS, ...options }, io);
  return { code, out: io.stdout };
}

describe("[O5] playScript()", () => {
  it("continues after a failure, and exits with 1", LIMIT, async () => {
    const { code, out } = await run({ scenes: [bad, good] });
    assert.equal(code, 1);
    assert.match(out[0] ?? "", /^FAILED +\d+ ms {2}goes wrong$/);
    assert.ok(out.some((line) => line.includes("! of course")));
    assert.ok(out.some((line) => /^ok +\d+ ms {2}goes well$/.test(line)));
    assert.ok(out.some((line) => line.includes("- it is so")));
    assert.match(out.at(-1) ?? "", /^1 ok, 1 FAILED, [\d.]+ s$/);
  });

  it("prints a line of JSON per scene, and exits with 0 if all pass", LIMIT, async () => {
    const { code, out } = await run({ scenes: [good], json: true });
    assert.equal(code, 0);
    const [report] = out.map((line) => JSON.parse(line));
    assert.deepEqual(
      { ...report, ms: 0 },
      { scene: "goes well", ok: true, ms: 0, asserted: ["it is so"] },
    );
  });

  it("fails without a scene, or if it was aborted", LIMIT, async () => {
    assert.equal((await run({ scenes: [] })).code, 1);
    const cut = await run({ scenes: [good], signal: AbortSignal.abort() });
    assert.equal(cut.code, 1);
    assert.match(cut.out.join(), /1 not played/);

    const stop = new AbortController();
    const last: Scene = {
      name: "the last one",
      play({ assert }) {
        assert("it was played", true);
        stop.abort();
        return Promise.resolve();
      },
    };
    const half = await run({ scenes: [last, good], signal: stop.signal });
    assert.match(half.out.join("\n"), /1 ok, 0 FAILED, 1 not played/);
    assert.equal(half.code, 1);
  });

  it("has a scene for each required feature", () => {
    const names = SCENES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (
      const word of [
        "the bot answers a mention",
        "without a mention",
        "unknown sender",
        "owner",
        "with a button",
        "several messages",
        "two channels",
        "op 7",
        "no ACK",
        "429",
        "web page",
        "T4",
        "reminder",
        "document",
        "voice message",
        "a tool's work",
        "budget",
      ]
    ) assert.ok(names.some((name) => name.includes(word)), word);
  });
});
