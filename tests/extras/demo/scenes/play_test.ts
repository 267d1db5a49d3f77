import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ADMISSION } from "../../../../src/extras/demo/scenes/admission.ts";
import { playScene } from "../../../../src/extras/demo/scenes/play.ts";

/** A scene starts a Discord, a model and a bot, which takes long on a busy machine. */
const LIMIT = { timeout: 180_000 };
const SCENE = { timeoutMs: 120_000 };

describe("[O5] playScene()", () => {
  it("plays a scene with the real bot, and reports its claims", LIMIT, async () => {
    const [scene] = ADMISSION;
    const report = await playScene(scene!, SCENE);
    assert.equal(report.failure, undefined);
    assert.equal(report.ok, true);
    assert.ok(report.asserted.length >= 3);
    assert.equal(report.log, undefined);
  });

  it("fails a scene without claims", LIMIT, async () => {
    const report = await playScene({ name: "nothing", play: () => Promise.resolve() }, SCENE);
    assert.equal(report.ok, false);
    assert.equal(report.failure, "the scene asserted nothing");
  });

  it("fails a scene at the first false claim, with the actual value", LIMIT, async () => {
    const report = await playScene({
      name: "wrong",
      async play({ assert, until, bot }) {
        const isRunning = () => bot.lines.some((line) => line.includes("Barnacle is running"));
        await until("the start", () => isRunning() || undefined); // it is online before
        assert("one is one", true);
        assert("one is two", false, { one: 1 });
        assert("never reached", true);
      },
    }, SCENE);
    assert.equal(report.ok, false);
    assert.deepEqual(report.asserted, ["one is one"]);
    assert.equal(report.failure, 'not true: one is two; {"one":1}');
    assert.ok(report.log?.some((line) => line.includes("Barnacle is running")));
  });

  it("fails a scene that is cut off, and names the missing event", LIMIT, async () => {
    const cut = new AbortController();
    const report = await playScene({
      name: "long",
      async play({ assert, until }) {
        assert("it began", true);
        setTimeout(() => cut.abort(), 10);
        await until("the moon", () => undefined);
      },
    }, { ...SCENE, signal: cut.signal });
    assert.equal(report.failure, "timed out waiting for the moon");
  });

  it("fails a scene whose bot does not start", LIMIT, async () => {
    const command = { program: "/nonexistent/barnacle", args: [] };
    const scene = { name: "none", play: () => Promise.resolve() };
    const report = await playScene(scene, { command, timeoutMs: 2_000 });
    assert.equal(report.ok, false);
  });
});
