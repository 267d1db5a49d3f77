import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { createWebPages } from "../../src/web/pages.ts";
import { createJobs } from "../../src/sandbox/jobs.ts";
import type { JobEnd } from "../../src/sandbox/run_in_thread.ts";

const WORKER = new URL("../../src/job_worker.ts", import.meta.url);
const NO_PROGRAM = { program: "", args: [], env: {} };
const { signal } = new AbortController();

/** A web of one page, with the number of requests for it. */
async function withPage(
  play: (
    web: {
      url: string;
      requests: () => number;
      port: (run?: RunJob, now?: () => number) => ReturnType<typeof createWebPages>;
    },
  ) => Promise<void>,
): Promise<void> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<title>Tides</title><p>High at <b>noon</b>.</p>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await play({
      url: `http://a.test:${port}/`,
      requests: () => requests,
      port: (runJob = createJobs(WORKER, NO_PROGRAM).inThread, now = () => 0) =>
        createWebPages({
          runJob,
          version: "1",
          now,
          engine: () => undefined,
          guard: {
            resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
            isAllowed: () => true,
            allowedPorts: new Set([port]),
          },
        }),
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

type RunJob = (job: unknown, timeoutMs: number, signal: AbortSignal) => Promise<JobEnd>;

describe("[T6] createWebPages()", () => {
  it("reads a page in a thread", () =>
    withPage(async ({ url, port }) => {
      const page = await port().page(url, signal);
      assert.deepEqual(page, { url, title: "Tides", text: "High at noon.", isCut: false });
    }));

  it("[R12] reads a file of any type, and refuses one that is larger than its place takes", () =>
    withPage(async ({ url, port }) => {
      const { bytes, contentType } = await port().file(url, 1_000, signal);
      assert.match(new TextDecoder().decode(bytes), /^<title>Tides/);
      assert.equal(contentType, "text/html");
      await assert.rejects(port().file(url, 10, signal), /larger than/);
    }));

  it("keeps a page for ten minutes, for its other parts", () =>
    withPage(async ({ url, port, requests }) => {
      let at = 0;
      const web = port(undefined, () => at);
      for (const now of [0, 9 * 60_000, 10 * 60_000]) {
        at = now;
        await web.page(url, signal);
      }
      assert.equal(requests(), 2);
    }));

  it("reads all of the text if the search for an article takes too long", () =>
    withPage(async ({ url, port }) => {
      const jobs: unknown[] = [];
      const web = port((job) => {
        jobs.push(job);
        return Promise.resolve(
          jobs.length === 1
            ? { kind: "late" }
            : { kind: "done", result: { text: "all of it", isCut: false } },
        );
      });
      assert.equal((await web.page(url, signal)).text, "all of it");
      assert.deepEqual(jobs.map((job) => Object(job).isPlain), [undefined, true]);
    }));

  it("says so if a page cannot be read", () =>
    withPage(async ({ url, port }) => {
      const web = port(() => Promise.resolve({ kind: "late" }));
      await assert.rejects(web.page(url, signal), /too complicated to be read/);
    }));

  it("[SEC-R23] reaches nothing on this machine", async () => {
    const web = createWebPages({
      runJob: () => Promise.resolve({ kind: "late" }),
      version: "1",
      now: () => 0,
      engine: () => undefined,
    });
    for (const url of ["http://127.0.0.1/", "http://localhost/", "http://[::1]/"]) {
      const isRefused = /not on the public internet|does not exist/;
      await assert.rejects(web.page(url, signal), isRefused);
      await assert.rejects(web.file(url, 1_000, signal), isRefused);
    }
    for (const origin of ["http://127.0.0.1:8123", "http://192.168.1.5:8123", "http://10.0.0.1"]) {
      const key = new RegExp(`"skills": { "hosts": { "${origin}": {} } }`);
      await assert.rejects(web.page(`${origin}/`, signal), key);
    }
    await assert.rejects(web.page("http://169.254.169.254/", signal), /no key of the config/);
  });
});
