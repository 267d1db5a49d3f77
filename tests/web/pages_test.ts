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

  it("[T15] reads a feed in a thread, and asks for a later one only", async () => {
    const seen: (readonly unknown[])[] = [];
    const server = createServer((request, response) => {
      const { headers: { "if-none-match": etag, "if-modified-since": since }, url } = request;
      seen.push([etag, since]);
      if (url === "/away") {
        response.writeHead(302, { location: "http://10.0.0.1/" }).end();
      } else if (url === "/busy") response.writeHead(503, { "retry-after": "120" }).end();
      else if (url === "/liar") response.writeHead(304).end();
      else if (url === "/long") {
        response.writeHead(200, { etag: `"${"x".repeat(5_000)}"` });
        response.end("<rss version='2.0'><channel><title>a</title></channel></rss>");
      } else if (url === "/page") response.end("<html>no</html>");
      else if (etag === '"1"') response.writeHead(304).end();
      else {
        response.writeHead(200, {
          "content-type": "application/octet-stream",
          etag: '"1"',
          "last-modified": "Mon, 05 Jan 2026 10:00:00 GMT",
        });
        response.end("<rss version='2.0'><channel><item><title>a</title></item></channel></rss>");
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const pages = createWebPages({
      runJob: createJobs(WORKER, NO_PROGRAM).inThread,
      version: "1",
      now: () => 0,
      engine: () => undefined,
    });
    const read = (path: string, validators = {}, ownNetwork = true) =>
      pages.feed({ url: `http://127.0.0.1:${port}${path}`, ownNetwork }, validators, signal);
    try {
      const first = await read("/");
      assert.equal(first.kind === "feed" && first.feed.entries[0]?.title, "a");
      const validators = { etag: '"1"', lastModified: "Mon, 05 Jan 2026 10:00:00 GMT" };
      assert.deepEqual(await read("/", validators), { kind: "unchanged" });
      assert.deepEqual(seen, [[undefined, undefined], ['"1"', validators.lastModified]]);
      const failed = (reason: string, retryAfterMs?: number) => ({
        kind: "failed",
        reason,
        retryAfterMs,
      });
      assert.deepEqual(await read("/away"), failed("it redirects to another address"));
      assert.deepEqual(await read("/liar"), failed("the server answered with status 304"));
      const long = await read("/long");
      assert.equal(long.kind === "feed" && long.etag, undefined);
      assert.deepEqual(await read("/busy"), failed("the server answered with status 503", 120_000));
      assert.deepEqual(await read("/page"), {
        kind: "failed",
        reason: "it is no feed in RSS, Atom or JSON",
      });
      assert.deepEqual(
        await read("/", {}, false),
        failed(`only the ports 80 and 443 can be fetched, not ${port}`),
      );
      assert.deepEqual(
        await pages.feed({ url: "http://127.0.0.1/", ownNetwork: false }, {}, signal),
        failed("127.0.0.1 is not on the public internet, so it cannot be fetched"),
      );
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

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
  });
});
