import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLiveAnswers, liveViews } from "../../../src/extras/dashboard/live.ts";
import { recordingLog } from "../../support/recording_log.ts";

/** The views of one reader, whose session and time a test changes. */
const viewsOf = (given: Partial<Parameters<typeof liveViews>[0]>) =>
  liveViews({
    render: () => Promise.resolve("view"),
    version: () => "a",
    open: () => 1,
    elapsed: () => 0,
    wait: () => Promise.resolve(),
    isAllowed: () => true,
    signal: new AbortController().signal,
    ...given,
  });

describe("[O6] liveViews()", () => {
  it("renders nothing while nothing changes, and sends no equal view twice", async () => {
    let rendered = 0;
    let now = 0;
    const views = viewsOf({
      render: () => Promise.resolve(`same ${Math.min(++rendered, 1)}`),
      version: () => now < 10_000 ? "a" : "b",
      elapsed: () => now,
      wait: (ms) => Promise.resolve(void (now += ms)),
    });
    assert.deepEqual(await Array.fromAsync(views), ["same 1"]);
    assert.equal(rendered, 2);
  });

  it("ends once the reader leaves", async () => {
    const leaving = new AbortController();
    const wait = () => Promise.resolve(leaving.abort());
    const views = viewsOf({ wait, signal: leaving.signal });
    assert.deepEqual(await Array.fromAsync(views), ["view"]);
  });

  it("shows nothing more once the session has ended", async () => {
    let version = 0;
    const views = viewsOf({
      render: () => Promise.resolve(`view ${version}`),
      version: () => String(version),
      wait: () => Promise.resolve(void version++),
      isAllowed: () => version === 0,
    });
    assert.deepEqual(await Array.fromAsync(views), ["view 0"]);
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
