import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { askFlags } from "../../src/bot/granted_flags.ts";
import { RestError } from "../../src/discord/rest/rest_error.ts";
import { loadTestConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";

const route = "GET /applications/@me";
const offline = new RestError("failed", { kind: "unsent", route });
const refused = new RestError("failed", { kind: "unauthorized", route, status: 401 });
const ALL = (1 << 15) | (1 << 19);

/** Discord answers like this, in turn. */
async function flags(answers: readonly (number | Error)[], stored?: { bits: number; at: number }) {
  const { log, lines } = recordingLog();
  const saved: number[] = [];
  let asked = 0;
  const { discord } = await loadTestConfig();
  const { asked: answered, read } = askFlags(discord, stored, {
    readFlags() {
      const answer = answers[asked++] ?? assert.fail("asked too often");
      return typeof answer === "number" ? Promise.resolve(answer) : Promise.reject(answer);
    },
    store: { saveFlags: (_, bits) => Promise.resolve(void saved.push(bits)) },
    stopping: new AbortController().signal,
    now: () => 0,
    log,
  });
  return { answered, read, lines, saved, asked: () => asked };
}

describe("[G9] askFlags()", () => {
  it("asks at once, and stores the answer", async () => {
    const { read, saved, asked } = await flags([ALL]);
    assert.equal(asked(), 1);
    assert.equal(await read(), ALL);
    assert.deepEqual([saved, asked()], [[ALL], 1]);
  });

  it("asks nothing if the stored flags are fresh and grant every intent", async () => {
    const { read, asked } = await flags([], { bits: ALL, at: 0 });
    assert.equal(await read(), ALL);
    assert.equal(asked(), 0);
  });

  it("asks for an intent that was missing: an operator may have switched it on", async () => {
    const { read, saved } = await flags([ALL], { bits: 0, at: 0 });
    assert.equal(await read(), ALL);
    assert.deepEqual(saved, [ALL]);
  });

  it("asks again if the first question failed: the network may be up by now", async () => {
    const { answered, read, lines } = await flags([offline, ALL]);
    await answered();
    assert.equal(await read(), ALL);
    assert.deepEqual(lines, []);
  });

  it("uses the stored flags, with a warning, if Discord does not answer", async () => {
    const { read, lines } = await flags([offline, offline], { bits: 0, at: 0 });
    assert.equal(await read(), 0);
    assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
  });

  it("throws if Discord refuses the token, and shows it once only", async () => {
    const { answered, read, asked } = await flags([refused]);
    await assert.rejects(answered(), RestError);
    await assert.rejects(read(), RestError);
    assert.equal(asked(), 1);
  });
});
