import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLiveAnswers } from "../../../src/features/dashboard/live.ts";
import { recordingLog } from "../../support/recording_log.ts";

type Reader = Parameters<ReturnType<typeof createLiveAnswers>>[0];

/** The lines of one reader, up to the end of its answer. */
async function linesOf(
  reader: Partial<Reader>,
  left = new AbortController().signal,
  version = () => "a",
) {
  const closed = new AbortController().signal;
  const answer = createLiveAnswers({ version, closed, log: recordingLog().log });
  const whole = { render: () => Promise.resolve("view"), isAllowed: () => true, ...reader };
  return (await answer(whole, left).text()).trim().split("\n").map((line): unknown =>
    JSON.parse(line)
  );
}

describe("[O6] the views of a live page", () => {
  it("renders nothing while nothing changes, and sends no equal view twice", async () => {
    const versions = ["a", "a", "b"];
    let rendered = 0;
    const reader = {
      render: () => Promise.resolve(`same ${Math.min(++rendered, 1)}`),
      isAllowed: () => versions.length > 0,
    };
    assert.deepEqual(await linesOf(reader, undefined, () => versions.shift() ?? ""), ["same 1"]);
    assert.equal(rendered, 2);
  });

  it("ends once the reader leaves", async () => {
    const leaving = new AbortController();
    const render = () => Promise.resolve(leaving.abort()).then(() => "view");
    assert.deepEqual(await linesOf({ render }, leaving.signal), ["view"]);
  });

  it("ends before the server breaks the connection", async () => {
    const { now } = performance;
    let passed = 0;
    let looks = 0;
    performance.now = () => now.call(performance) + passed;
    try {
      const isAllowed = () => {
        passed = ++looks * 20_000;
        return true;
      };
      assert.deepEqual(await linesOf({ isAllowed }), ["view"]);
      assert.equal(looks, 3);
    } finally {
      performance.now = now;
    }
  });

  it("shows nothing more once the session has ended", async () => {
    let version = 0;
    const reader = {
      render: () => Promise.resolve(`view ${version++}`),
      isAllowed: () => version === 0,
    };
    assert.deepEqual(await linesOf(reader, undefined, () => String(version)), ["view 0"]);
  });
});

describe("[O6] createLiveAnswers()", () => {
  it("keeps connections for health checks: it answers sixteen readers at a time", async () => {
    const closed = new AbortController();
    const { log } = recordingLog();
    const answer = createLiveAnswers({ version: () => "a", closed: closed.signal, log });
    const open = () =>
      answer(
        { render: () => Promise.resolve("view"), isAllowed: () => true },
        new AbortController().signal,
      );
    const answers = Array.from({ length: 16 }, open);
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const refused = open();
    assert.equal(refused.status, 503);
    assert.match(await refused.text(), /Too many live pages are open/);
    await answers[0]?.body?.cancel();
    assert.equal(open().status, 200);
    closed.abort();
  });

  it("[SEC-R31] shows none of an error's words if the first view fails; the log has them", async () => {
    const { log, lines } = recordingLog();
    const answer = createLiveAnswers({
      version: () => "a",
      closed: new AbortController().signal,
      log,
    });
    const failing = {
      render: () => Promise.reject(new Error("/home/ada/secret is locked")),
      isAllowed: () => true,
    };
    const { body, status } = answer(failing, new AbortController().signal);
    assert.equal(status, 200);
    assert.equal(await new Response(body).text(), "");
    assert.match(JSON.stringify(lines), /A live page of the dashboard failed/);
  });
});
