import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLiveAnswers, liveViews } from "../../../src/extras/dashboard/live.ts";
import { recordingLog } from "../../support/recording_log.ts";

/** Plays a page whose rendering takes `renderMs`, and each look `lookMs`. Each wait makes a change. */
async function play(renderMs: number, open = 1, lookMs = 0) {
  const clock = { now: 0 };
  const waits: number[] = [];
  const leaving = new AbortController();
  let version = 0;
  const views = liveViews({
    render() {
      clock.now += renderMs;
      return Promise.resolve(`view ${version}`);
    },
    version() {
      clock.now += lookMs;
      return String(version);
    },
    open: () => open,
    elapsed: () => clock.now,
    wait(ms) {
      waits.push(ms);
      clock.now += ms;
      version += 1;
      return Promise.resolve();
    },
    isAllowed: () => true,
    signal: leaving.signal,
  });
  const seen: string[] = [];
  for await (const view of views) seen.push(view);
  return { seen, waits, elapsed: clock.now };
}

describe("[O6] liveViews()", () => {
  it("renders at most four times a second", async () => {
    const { waits } = await play(0);
    assert.ok(waits.length > 100);
    assert.ok(waits.slice(0, -1).every((ms) => ms === 250));
  });

  it("takes at most 1 % of the time, over all open pages", async () => {
    for (const open of [1, 3]) {
      const { seen, waits } = await play(20, open);
      assert.equal(waits[0], 3_000 * open);
      assert.ok(seen.length * 20 * open <= 0.01 * 45_000 + 20, `${seen.length} views`);
    }
  });

  it("counts looks, too: on a slow machine it looks less often", async () => {
    const { waits } = await play(0, 1, 4);
    assert.ok(waits.slice(0, -1).every((ms) => ms === 600), String(waits));
  });

  it("ends before the server breaks the connection", async () => {
    assert.ok((await play(0)).elapsed <= 45_000);
  });

  it("renders nothing while nothing changes, and sends no equal view twice", async () => {
    let rendered = 0;
    let now = 0;
    const views = liveViews({
      render: () => Promise.resolve(`same ${Math.min(++rendered, 1)}`),
      version: () => now < 10_000 ? "a" : "b",
      open: () => 1,
      elapsed: () => now,
      wait: (ms) => Promise.resolve(void (now += ms)),
      isAllowed: () => true,
      signal: new AbortController().signal,
    });
    const seen: string[] = [];
    for await (const view of views) seen.push(view);
    assert.deepEqual(seen, ["same 1"]);
    assert.equal(rendered, 2);
  });

  it("ends once the reader leaves", async () => {
    const leaving = new AbortController();
    const views = liveViews({
      render: () => Promise.resolve("view"),
      version: () => "a",
      open: () => 1,
      elapsed: () => 0,
      wait: () => Promise.resolve(leaving.abort()),
      isAllowed: () => true,
      signal: leaving.signal,
    });
    assert.equal((await views.next()).value, "view");
    assert.equal((await views.next()).done, true);
  });

  it("shows nothing more once the session has ended", async () => {
    let version = 0;
    const views = liveViews({
      render: () => Promise.resolve(`view ${version}`),
      version: () => String(version),
      open: () => 1,
      elapsed: () => 0,
      wait: () => Promise.resolve(void version++),
      isAllowed: () => version === 0,
      signal: new AbortController().signal,
    });
    assert.equal((await views.next()).value, "view 0");
    assert.equal((await views.next()).done, true);
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
